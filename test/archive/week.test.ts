/**
 * A partition in a lake that appends files to each other, as HDFS does, left alone for a week, by a fast clock: what it holds of
 * files, records and bytes stays bounded. `test/week.test.ts` shows it of a folder, and of all that `start` runs.
 */
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { CommitLog } from '../../src/archive/commits.ts'
import { Compactor } from '../../src/archive/compactor.ts'
import { crcText } from '../../src/archive/crc32.ts'
import { dataFile, partitionCommits } from '../../src/archive/layout.ts'
import { removeOld } from '../../src/archive/retention.ts'
import { encode, type MusicEvent } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import { SummaryBuilder } from '../../src/stats/summary.ts'
import { openAppendingLake } from '../lake/memory.ts'
import { filesBelow } from './lake-contents.ts'

const ROOT = '/t'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BEGIN = Date.UTC(2025, 6, 1)
const DAYS = 7
const COMMITS_PER_HOUR = 4
const KEPT_DAYS = 2

async function commit(lake: LakeStorage, commits: CommitLog, now: number): Promise<number> {
  const event: MusicEvent = {
    ...{ user: 'eric04', artist: 'Carol Moore', track: 'Nights', timestamp: new Date(now).toISOString().slice(0, 19) },
    ...{ genre: 'Jazz', duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
  }
  const summary = new SummaryBuilder()
  summary.add(event, Math.floor(now / 60_000))
  const body = Buffer.from(`${encode(event)}\n`)
  const day = new Date(now).toISOString().slice(0, 10)
  const first = commits.next
  const staged = `${commits.staging}/${first}.jsonl`
  const bytes = await lake.write(staged, body)
  const path = dataFile(ROOT, day, now, 0, first, first)
  const files = [{ staged, path, day, events: 1, bytes, crc32: crcText(crc32(body)) }]
  await commits.commit({ next: first + 1, files, events: 1, quarantined: {}, skipped: 0, summary: summary.build() })
  return bytes
}

async function held(lake: LakeStorage, folder: string): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 }
  for await (const { bytes } of filesBelow(lake, folder)) {
    sum.files++
    sum.bytes += bytes
  }
  return sum
}

it('holds as much after a week as after three days', async () => {
  let now = BEGIN
  const lake = openAppendingLake(() => now)
  const { signal } = new AbortController()
  const place = { lake, root: ROOT, topicId: 'id', partition: 0, signal }
  const onRetry = () => undefined
  const commits = await CommitLog.claim({ ...place, topic: 't', owner: 'o', clock: () => now, onRetry })
  const compactor = new Compactor({ ...place, commits, onRetry })
  const ofLake: { files: number; bytes: number }[] = []
  const ofLog: { files: number; bytes: number }[] = []
  let archived = 0
  for (let hour = 0; hour < 24 * DAYS; hour++) {
    for (let i = 0; i < COMMITS_PER_HOUR; i++) {
      now = BEGIN + hour * HOUR_MS + (i * HOUR_MS) / COMMITS_PER_HOUR
      archived += await commit(lake, commits, now)
    }
    // A fold is soon over; here an hour is, too.
    await commits.close()
    await compactor.pass({ before: BEGIN + hour * HOUR_MS })
    if (hour % 24 !== 23) continue
    await removeOld({ ...place, commits, keepMs: KEPT_DAYS * DAY_MS }, now)
    const log = await held(lake, partitionCommits(ROOT, 'id', 0))
    const all = await held(lake, ROOT)
    ofLog.push(log)
    ofLake.push({ files: all.files - log.files, bytes: all.bytes - log.bytes })
  }
  await commits.close()
  const [dayThree, last] = [ofLake[2]!, ofLake.at(-1)!]
  // Of an hour that is under way each commit is a file; of what is past there are a few a day.
  expect(dayThree.files).toBeLessThan(COMMITS_PER_HOUR + 8 * (KEPT_DAYS + 1))
  for (const day of ofLake.slice(3)) {
    expect(day.files).toBeLessThan(COMMITS_PER_HOUR + 8 * (KEPT_DAYS + 1))
    expect(day.bytes).toBeLessThanOrEqual(dayThree.bytes)
  }
  for (const day of ofLog) expect(day.files).toBeLessThan(330)
  expect(last.bytes).toBeLessThan(archived / 2)
  const events = 24 * DAYS * COMMITS_PER_HOUR
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events, files: last.files })
}, 120_000)
