/** The oracle of these tests: what the lake has to hold, read from the log itself. */
import { expect } from 'vitest'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { dataFiles, quarantined } from '../test/archive/lake-contents.ts'
import { difference, entriesOf } from './contents.ts'

export interface LogContents {
  /** Each event, as the line that the archive has to hold. */
  lines: string[]
  /** `partition/offset` of each message that is no event. */
  invalid: string[]
}

/** Every message that the log holds now. */
export async function readLog(log: EventLog): Promise<LogContents> {
  const contents: LogContents = { lines: [], invalid: [] }
  for await (const entry of entriesOf(log)) {
    if ('line' in entry) contents.lines.push(Buffer.from(entry.line).toString())
    else contents.invalid.push(entry.invalid)
  }
  return contents
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
