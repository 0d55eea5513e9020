/** Looks into the log and the lake by typing `tail`, `cat` and `ls`, and compares them. */
import { expect } from 'vitest'
import { recordName } from '../../src/archive/layout.ts'
import type { BatchRecord, CommitRecord } from '../../src/archive/record.ts'
import type { MusicEvent } from '../../src/event.ts'
import { type Settings, type Shell, sortedLines } from './shell.ts'

/** What matches is what Spark, Hive and DuckDB see of the lake. */
const EVENTS = "cat 'year=*/month=*/day=*/batch_*.jsonl'"
const RECORDS = "cat '_commits/*/p*/*.json'"

/** The events in the lake, sorted. */
export async function lakeLines(shell: Shell, settings: Settings = {}): Promise<string[]> {
  return sortedLines(await shell.output(EVENTS, settings))
}

/** The messages in the log, sorted. */
export async function logLines(shell: Shell, settings: Settings = {}): Promise<string[]> {
  return sortedLines(await shell.output('tail -n 100000 --from-beginning', settings))
}

/** The records of all batches. */
export async function batchRecords(shell: Shell, settings: Settings = {}): Promise<BatchRecord[]> {
  const lines = (await shell.output(RECORDS, settings)).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as CommitRecord).filter((record) => record.kind === 'batch')
}

/** The lake holds what the log holds, event for event, and proves it. Gives its lines. */
export async function expectLakeHoldsLog(shell: Shell, count: number, settings: Settings = {}): Promise<string[]> {
  const [lake, log, verified] = await Promise.all([
    lakeLines(shell, settings),
    logLines(shell, settings),
    shell.output('verify --deep', settings),
  ])
  expect(log).toHaveLength(count)
  expect(lake).toEqual(log)
  expect(verified).toContain('verified to the last byte: every offset once, nothing missing, nothing stray')
  return lake
}

/** How long after its own time each event of a span was committed, in milliseconds, ascending. Epoch milliseconds. */
export async function latencies(
  shell: Shell,
  { since, until }: { since: number; until: number },
  settings: Settings = {},
): Promise<number[]> {
  const [records, entries, messages] = await Promise.all([
    batchRecords(shell, settings),
    shell.rows<{ path: string; modified: number }>('ls -R _commits', settings),
    shell.rows<{ partition: number; offset: number; value: string }>('tail -n 100000 --from-beginning', settings),
  ])
  const waits: number[] = []
  for (const { partition, offset, value } of messages) {
    const time = Date.parse(`${(JSON.parse(value) as MusicEvent).timestamp.slice(0, 23)}Z`)
    const record = records.find((one) => one.partition === partition && one.first <= offset && offset < one.next)
    const name = `/p${partition}/${recordName(record?.seq ?? 0)}`
    const committed = entries.find(({ path }) => path.endsWith(name))?.modified ?? Number.NaN
    if (time >= since && time <= until) waits.push(committed - time)
  }
  return waits.sort((a, b) => a - b)
}
