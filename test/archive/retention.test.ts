import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ArchiveEvent, archive } from '../../src/archive/archiver.ts'
import { CommitLog } from '../../src/archive/commits.ts'
import { manifestsFolder, partitionCommits } from '../../src/archive/layout.ts'
import { removeOld, removeOldIdle } from '../../src/archive/retention.ts'
import { systemClock } from '../../src/clock.ts'
import { encode } from '../../src/event.ts'
import { importFiles } from '../../src/import/import.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import type { EventLog } from '../../src/log/log.ts'
import { LakeFollower } from '../../src/stats/follower.ts'
import { eventually } from '../contract/log-reading.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openAppendingLake, openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { SteppedClock } from '../stepped-clock.ts'
import { dataFiles, quarantined } from './lake-contents.ts'

const ROOT = '/t'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const KEEP_MS = 2 * DAY_MS
/** Of the first events. */
const FIRST = Date.UTC(2025, 6, 1)

let topic: MemoryTopic
let log: EventLog
let lake: LakeStorage
let now: number
let sent: number

beforeEach(async () => {
  now = FIRST
  sent = 0
  topic = new MemoryTopic('t')
  log = topic.open(1)
  await log.ensureTopic()
  lake = openMemoryLake(() => now)
})
afterEach(() => log.close())

/** Three days, each with events and one message that is none. */
async function fill(foldEvery?: number): Promise<void> {
  for (let day = 0; day < 3; day++) {
    now = FIRST + day * DAY_MS + 1_000
    for (let i = 0; i < 6; i++) topic.put(0, i === 3 ? Buffer.from('{broken') : event())
    await run({ ...(foldEvery !== undefined && { foldEvery }) })
  }
}

function event() {
  const timestamp = new Date(now).toISOString().slice(0, 19)
  return encode({
    ...{ user: 'eric04', artist: 'Carol Moore', track: `Track ${sent++}`, timestamp, genre: 'Jazz', duration: 146 },
    ...{ platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
  })
}

function run(options: Partial<Parameters<typeof archive>[0]> = {}) {
  return archive({
    ...{ log, lake, root: ROOT, group: 'g', once: true, acceptGap: false, clock: { ...systemClock, now: () => now } },
    limits: { messages: 2, bytes: 1e9, ageMs: 20 },
    signal: new AbortController().signal,
    ...options,
  })
}

async function own(of: LakeStorage, foldEvery?: number): Promise<CommitLog> {
  return CommitLog.claim({
    ...{ lake: of, root: ROOT, topic: 't', topicId: topic.topicId, partition: 0, owner: 'o', clock: () => now },
    signal: new AbortController().signal,
    onRetry: () => undefined,
    ...(foldEvery !== undefined && { foldEvery }),
  })
}

function retire(commits: CommitLog, of = lake): Promise<number> {
  const place = { root: ROOT, topicId: topic.topicId, partition: 0, signal: new AbortController().signal }
  return removeOld({ lake: of, ...place, commits, keepMs: KEEP_MS }, now)
}

/** Fifteen events and three bad messages were archived; those of so many days are there still. */
async function expectDays(days: number, what: string): Promise<void> {
  const report = await verify({ lake, root: ROOT, deep: true })
  expect(report.problems, what).toEqual([])
  expect(report, what).toMatchObject({ events: 15, quarantined: 3 })
  expect([...(await dataFiles(lake, ROOT)).values()].flat(), what).toHaveLength(5 * days)
  expect(await quarantined(lake, ROOT), what).toHaveLength(days)
  const follower = new LakeFollower({ lake, root: ROOT })
  await follower.refresh()
  const { events, files, bytes, removed } = follower.totals.snapshot()
  expect({ events, files, bytes, removed }, what).toEqual({
    ...{ events: 15, files: report.files, bytes: report.bytes },
    removed: { events: 15 - 5 * days, quarantined: 3 - days },
  })
  for (const { path } of follower.files()) expect(await lake.stat(path), path).toBeDefined()
}

it('removes the files of days that are old enough, and keeps count of all that was archived', async () => {
  for (const foldEvery of [undefined, 4]) {
    topic = new MemoryTopic('t')
    log = topic.open(1)
    lake = openMemoryLake(() => now)
    await log.ensureTopic()
    await fill(foldEvery)
    const commits = await own(lake, foldEvery)
    now = FIRST + 3 * DAY_MS - 1
    expect(await retire(commits)).toBe(0)
    await expectDays(3, 'a moment before')
    now = FIRST + 3 * DAY_MS
    expect(await retire(commits)).toBeGreaterThan(3)
    await expectDays(2, 'the first day')
    expect(await retire(commits)).toBe(0)
    await commits.close()
    await run()
    await expectDays(2, 'the next owner')
  }
})

it('counts from the newest day of events: a clock that is set forward removes no more, until there are newer ones', async () => {
  await fill()
  now = FIRST + 400 * DAY_MS
  const misled = await own(lake)
  await retire(misled)
  await misled.close()
  await expectDays(2, 'a year too early')
  topic.put(0, event())
  await run()
  const commits = await own(lake)
  await retire(commits)
  await commits.close()
  expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(1)
  expect(await quarantined(lake, ROOT)).toEqual([])
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 16, files: 1 })
})

it('is not kept from it by a folder that is no day', async () => {
  await fill()
  await lake.write(`${ROOT}/year=9999/month=99/day=99/README`, new Uint8Array())
  const commits = await own(lake)
  now = FIRST + 3 * DAY_MS
  expect(await retire(commits)).toBeGreaterThan(3)
  await commits.close()
})

it('is done when one has archived once, also of what was archived then', async () => {
  await fill(4)
  now = FIRST
  const old = event()
  now = FIRST + 4 * DAY_MS
  for (const message of [old, event()]) topic.put(0, message)
  const told: number[] = []
  await run({ keepMs: KEEP_MS, report: (event) => event.kind === 'removed' && told.push(event.files) })
  // Of the third day, and of this one.
  expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(5 + 1)
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 17 })
  expect(told).toHaveLength(1)
})

it('reaches earlier lives of the topic, too, while archiving', async () => {
  await fill()
  topic.recreate()
  now = FIRST + 10 * DAY_MS
  topic.put(0, event())
  await run()
  const stop = new AbortController()
  const running = run({ once: false, keepMs: KEEP_MS, signal: stop.signal })
  await eventually(async () => expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(1), 10_000)
  stop.abort()
  await running
  expect(await quarantined(lake, ROOT)).toEqual([])
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({
    ok: true,
    events: 16,
    quarantined: 3,
    files: 1,
  })
})

/** As the owner of partition 0. */
function retireIdle(at: number) {
  const { signal } = new AbortController()
  return removeOldIdle({ lake, root: ROOT, log, topicId: topic.topicId, keepMs: KEEP_MS, signal }, at)
}

it('reaches what was imported, but no lineage that has had a commit within a day, and not this life of the topic', async () => {
  await fill()
  const folders = openMemoryLake()
  await folders.write('/old/batch_20250601_000000.jsonl', event())
  await importFiles({
    ...{ lake, root: ROOT, folders, acceptGap: false, origin: { from: 'folder', path: '/old' } },
    signal: new AbortController().signal,
    onRetry: () => undefined,
  })
  // An import goes by the clock of the machine.
  const [soon, later] = [Date.now() + HOUR_MS, Date.now() + 25 * HOUR_MS]
  now = soon
  topic.put(0, event())
  await run()
  const before = await verify({ lake, root: ROOT, deep: true })
  expect(await retireIdle(soon)).toBe(0)
  expect(await verify({ lake, root: ROOT, deep: true })).toEqual(before)
  expect(await retireIdle(later)).toBe(1)
  const { ok, files, records, partitions } = await verify({ lake, root: ROOT, deep: true })
  expect({ ok, files, records }).toEqual({ ok: true, files: before.files - 1, records: before.records + 2 })
  expect(partitions.find(({ topicId }) => topicId === topic.topicId)).toEqual(
    before.partitions.find(({ topicId }) => topicId === topic.topicId),
  )
  expect(await retireIdle(later + 25 * HOUR_MS)).toBe(0)
  expect((await verify({ lake, root: ROOT })).records, 'claimed for nothing').toBe(records)
})

it('leaves the lineages of others to who knows the topic as it is now', async () => {
  await fill()
  const { topicId } = topic
  topic.recreate()
  now = FIRST + 10 * DAY_MS
  topic.put(0, event())
  await run()
  const { signal } = new AbortController()
  const before = await verify({ lake, root: ROOT })
  const late = { lake, root: ROOT, log, topicId, keepMs: 0, signal }
  expect(await removeOldIdle(late, now + 30 * DAY_MS)).toBe(0)
  expect(await verify({ lake, root: ROOT })).toEqual(before)
})

it('is finished by the next owner when it dies between the record and the last file', async () => {
  await fill()
  now = FIRST + 3 * DAY_MS
  let removals = 0
  const dying: LakeStorage = {
    ...boundLake(lake),
    remove: (path) => (path.includes('/batch_') && ++removals > 2 ? new Promise(() => {}) : lake.remove(path)),
  }
  const commits = await own(dying)
  void retire(commits, dying)
  await eventually(() => expect(removals).toBeGreaterThan(2), 5_000)
  // Some of the files are gone, and nothing is wrong.
  expect((await verify({ lake, root: ROOT, deep: true })).problems).toEqual([])
  await (await own(lake)).close()
  await expectDays(2, 'taken over')
})

it('goes on by itself while archiving', async () => {
  await fill()
  now = FIRST + 3 * DAY_MS
  const stop = new AbortController()
  const running = run({ once: false, keepMs: KEEP_MS, signal: stop.signal })
  await eventually(() => expectDays(2, 'by itself'), 10_000)
  stop.abort()
  await running
})

it.each([
  { how: 'copied', open: openMemoryLake },
  { how: 'appended', open: openAppendingLake },
])('removes for good what the same archiver would join first, where files are $how', async ({ open }) => {
  lake = open(() => now)
  await fill()
  now = FIRST + 3 * DAY_MS
  const seen: ArchiveEvent[] = []
  const stop = new AbortController()
  const running = run({
    ...{ once: false, compact: true, keepMs: KEEP_MS, signal: stop.signal },
    report: (event) => seen.push(event),
  })
  const kinds = () => seen.map(({ kind }) => kind)
  await eventually(() => expect(kinds()).toEqual(expect.arrayContaining(['removed', 'joined'])), 10_000)
  stop.abort()
  await running
  expect(kinds()).not.toContain('unjoined')
  await expectDays(2, 'both at once')
  await run()
})

it('says once what keeps it from removing files', async () => {
  await fill(4)
  const manifests = manifestsFolder(partitionCommits(ROOT, topic.topicId, 0))
  for await (const { path } of lake.list(manifests)) {
    await lake.remove(path)
    await lake.write(path, Buffer.from('{'))
  }
  const fast = new SteppedClock(FIRST + 3 * DAY_MS)
  const [stop, told] = [new AbortController(), [] as string[]]
  const running = run({
    ...{ once: false, keepMs: KEEP_MS, signal: stop.signal, clock: fast },
    report: (event) => event.kind === 'unremoved' && told.push(event.error.code),
  })
  for (let looks = 0; looks < 4; looks++) {
    await eventually(() => expect(fast.sleeping).toBe(1), 10_000)
    fast.goOn(60_000)
  }
  stop.abort()
  await running
  expect(told).toEqual(['COMMIT_CORRUPT'])
})

it('is not begun while files are joined, and ends its wait for that when it is told to', async () => {
  await fill()
  now = FIRST + 3 * DAY_MS
  const commits = await own(lake)
  const joining = Promise.withResolvers<void>()
  const tending = commits.tend(() => joining.promise, new AbortController().signal)
  const [stopped, first] = [new AbortController(), retire(commits)]
  const place = { lake, root: ROOT, topicId: topic.topicId, partition: 0, commits, keepMs: KEEP_MS }
  const second = removeOld({ ...place, signal: stopped.signal }, now)
  stopped.abort(new Error('told to'))
  await expect(second).rejects.toThrow('told to')
  await expectDays(3, 'while it waits')
  joining.resolve()
  await tending
  expect(await first).toBeGreaterThan(3)
  await expectDays(2, 'after that')
  // The slot that the second one had waited for is not lost.
  expect(await retire(commits)).toBe(0)
  await commits.close()
})
