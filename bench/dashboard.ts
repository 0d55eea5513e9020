/**
 * The dashboard on a lake of 10 commits and on one of 20,000, or with `--full` of 100,000, which stand for a billion events:
 * the time until it has read it, its memory, and how fast `/api/stats` answers 1,000 requests a second. The commit log is
 * folded into checkpoints, as archivers leave it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { fold } from '../src/archive/fold.ts'
import { lakeRoot, partitionCommits, partitionStaging, recordName } from '../src/archive/layout.ts'
import { type BatchRecord, encodeRecord, RECORD_FORMAT } from '../src/archive/record.ts'
import { type Config, loadConfig } from '../src/config.ts'
import { Generator } from '../src/generate/generator.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { command } from './child.ts'
import { atMost, type BenchResult, type Figure, milliseconds, percentile } from './result.ts'
import { withFolder } from './site.ts'

const LAKES = [10, process.env.BENCH_FULL === '1' ? 100_000 : 20_000]
const EVENTS_PER_RECORD = 10_000
/** Distinct events of a record: as few, so that the lake fits on a disk. */
const DISTINCT = 100
const SUMMARIES = 50
const PARTITIONS = 3
const RATE = 1_000
const LOAD_S = 8
const START_LIMIT_MS = 60_000
/** Commits between two checkpoints. */
const FOLD_EVERY = 128

export async function run(): Promise<BenchResult> {
  const figures: Figure[] = []
  for (const records of LAKES) figures.push(...(await withFolder((dataDir) => measure(dataDir, records))))
  return { figures }
}

async function measure(dataDir: string, records: number): Promise<Figure[]> {
  const { config } = loadConfig({ dataDir, port: 20_000 + (process.pid % 10_000) }, {})
  await makeLake(config, records)
  const begin = performance.now()
  const { child, ended } = command(config, ['dashboard', '--quiet'])
  while ((await totalEvents(config.port)) < records * EVENTS_PER_RECORD) {
    if (child.exitCode !== null || performance.now() - begin > START_LIMIT_MS) throw new Error('the lake was not read')
    await sleep(10)
  }
  const startMs = performance.now() - begin
  const answers = await load(config.port)
  child.kill('SIGINT')
  const { peakMiB } = await ended
  const lake = `${records.toLocaleString('en-US')} commits`
  return [
    milliseconds({ name: `start, from the process to the totals, ${lake}`, figure: startMs, target: atMost(1_000) }),
    milliseconds({
      name: `/api/stats p99 at 1,000 requests/s, ${lake}`,
      figure: percentile(answers, 0.99),
      target: atMost(5),
    }),
    { name: `memory, ${lake}`, figure: peakMiB, unit: 'MiB', target: atMost(200) },
  ]
}

async function totalEvents(port: number): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/stats`)
    return ((await response.json()) as { total_events: number }).total_events
  } catch {
    return 0
  }
}

/** Milliseconds from the moment each request was due to its answer, ascending: a slow answer does not delay the next. */
async function load(port: number): Promise<Float64Array> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16 })
  const times: number[] = []
  const answers: Promise<void>[] = []
  const begin = performance.now()
  for (let due = begin; due < begin + LOAD_S * 1_000; ) {
    for (; due <= performance.now(); due += 1_000 / RATE) answers.push(request(pool, due, times))
    await sleep(1)
  }
  await Promise.all(answers)
  await pool.close()
  return Float64Array.from(times.slice(RATE)).sort()
}

async function request(pool: Pool, due: number, times: number[]): Promise<void> {
  const { body } = await pool.request({ path: '/api/stats', method: 'GET' })
  await body.dump()
  times.push(performance.now() - due)
}

/** Commit records as an archiver writes them, without the data files: the dashboard reads none. */
async function makeLake(config: Config, records: number): Promise<void> {
  const log = await openLog(config)
  await log.ensureTopic()
  const { topicId } = await log.describe()
  await log.close()
  const generator = new Generator({ seed: 42 })
  const now = Date.now()
  const summaries = Array.from({ length: SUMMARIES }, (_, i) => {
    const builder = new SummaryBuilder()
    const at = now - i * 60_000
    const distinct = Array.from({ length: DISTINCT }, () => generator.next(at))
    for (let n = 0; n < EVENTS_PER_RECORD; n++) builder.add(distinct[n % DISTINCT]!, Math.floor(at / 60_000))
    return builder.build()
  })
  const lake = await openLake(config)
  const root = lakeRoot(config.topic)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const log = partitionCommits(root, topicId, partition)
    const folder = join(config.dataDir, 'lake', log)
    mkdirSync(folder, { recursive: true })
    const count = Math.floor((records + PARTITIONS - 1 - partition) / PARTITIONS)
    for (let seq = 1; seq <= count; seq++) {
      const first = (seq - 1) * EVENTS_PER_RECORD
      const next = first + EVENTS_PER_RECORD
      const at = new Date(now).toISOString()
      const record: BatchRecord = {
        ...{ format: RECORD_FORMAT, kind: 'batch', seq, fence: 1, owner: 'bench', id: `${partition}-${seq}` },
        ...{ topic: config.topic, topicId, partition, first, next, committedAt: at, readAt: at },
        ...{ files: [], events: EVENTS_PER_RECORD, quarantined: {}, skipped: 0 },
        summary: summaries[seq % SUMMARIES]!,
      }
      writeFileSync(join(folder, recordName(seq)), encodeRecord(record))
    }
    const staging = `${partitionStaging(root, topicId, partition)}/1`
    const { signal } = new AbortController()
    await fold({ lake, log, staging, signal, onRetry: () => undefined }, count, FOLD_EVERY)
  }
  await lake.close()
}
