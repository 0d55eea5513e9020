/** The oracle of these tests: what the lake has to hold, read from the log itself. */
import { expect } from 'vitest'
import { decode } from '../src/event.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { dataFiles, quarantined } from '../test/archive/lake-contents.ts'

const READ = { maxBytes: 4_194_304, maxWaitMs: 10_000 }
/** How many of what differs a failure shows. */
const SHOWN = 5

export interface LogContents {
  /** Each event, as the line that the archive has to hold. */
  lines: string[]
  /** `partition/offset` of each message that is no event. */
  invalid: string[]
}

/** Every message that the log holds now. */
export async function readLog(log: EventLog): Promise<LogContents> {
  const contents: LogContents = { lines: [], invalid: [] }
  const { partitions } = await log.describe()
  for (const [partition, { start, end }] of partitions) await readPartition(log, partition, start, end, contents)
  return contents
}

async function readPartition(log: EventLog, partition: number, start: number, end: number, into: LogContents) {
  const reader = log.open(partition, start)
  for (let position = start; position < end; ) {
    const { first, next, count, data, starts, ends, offsetDeltas } = await reader.read(READ)
    for (let i = 0; i < count; i++) {
      const value = starts[i]! < 0 ? null : data.subarray(starts[i], ends[i])
      const decoded = decode(value, Date.now())
      if (decoded.ok) into.lines.push(Buffer.from(decoded.line).toString())
      else into.invalid.push(`${partition}/${first + offsetDeltas[i]!}`)
    }
    position = next
  }
  await reader.close()
}

/**
 * Fails unless the lake holds each message of the log exactly once and nothing else, `verify --deep` finds nothing
 * wrong, no file waits to be published, and the dashboard's totals are those of the files.
 *
 * @param what names the case in failures
 * @returns what the log holds
 */
export async function expectLakeHoldsLog(
  log: EventLog,
  lake: LakeStorage,
  root: string,
  what: string,
): Promise<LogContents> {
  const report = await verify({ lake, root, deep: true })
  expect({ problems: report.problems, pending: report.pending }, what).toEqual({ problems: [], pending: [] })

  const expected = await readLog(log)
  const lines = [...(await dataFiles(lake, root)).values()].flat()
  expect(difference(lines, expected.lines), what).toEqual({ missing: [], tooMany: [] })
  const offsets = (await quarantined(lake, root)).map(({ partition, offset }) => `${partition}/${offset}`)
  expect(difference(offsets, expected.invalid), `${what}, quarantine`).toEqual({ missing: [], tooMany: [] })

  const follower = new LakeFollower({ lake, root })
  await follower.refresh()
  const { events, quarantined: reasons } = follower.totals.snapshot()
  const invalid = Object.values(reasons).reduce((sum, n) => sum + n, 0)
  expect({ problems: follower.problems(), events, invalid }, `${what}, totals`).toEqual({
    problems: [],
    events: lines.length,
    invalid: offsets.length,
  })
  return expected
}

/** What the multisets `found` and `expected` do not have in common, the first few of each. */
export function difference(found: readonly string[], expected: readonly string[]) {
  const surplus = new Map<string, number>()
  for (const line of found) surplus.set(line, (surplus.get(line) ?? 0) + 1)
  for (const line of expected) surplus.set(line, (surplus.get(line) ?? 0) - 1)
  const where = (wanted: (count: number) => boolean) =>
    [...surplus].filter(([, count]) => wanted(count)).slice(0, SHOWN)
  return { missing: where((count) => count < 0), tooMany: where((count) => count > 0) }
}
