import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ArchiveEvent, type ArchiveOptions, archive } from '../../src/archive/archiver.ts'
import { CommitLog } from '../../src/archive/commits.ts'
import { compact } from '../../src/archive/compact.ts'
import { partitionCommits } from '../../src/archive/layout.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { encode } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import type { EventLog } from '../../src/log/log.ts'
import { eventually } from '../contract/log-reading.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { dataFiles } from './lake-contents.ts'

const ROOT = '/t'
const NOW = Date.UTC(2025, 6, 3, 20, 8, 3)
const HOUR_MS = 3_600_000
const PATIENCE_MS = 20_000
const DAYS = ['2025-07-02', '2025-07-03']

let topic: MemoryTopic
let log: EventLog
let lake: LakeStorage
let seen: ArchiveEvent[]
let sent: number

beforeEach(async () => {
  topic = new MemoryTopic('t')
  log = topic.open(2)
  await log.ensureTopic()
  lake = openMemoryLake()
  seen = []
  sent = 0
})
afterEach(() => log.close())

function put(count: number): void {
  for (let i = 0; i < count; i++) {
    const n = sent++
    const value = encode({
      ...{ user: 'eric04', artist: 'Carol Moore', track: `Track ${n}`, timestamp: `${DAYS[n % 2]}T20:07:50` },
      ...{ genre: 'Jazz', duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
    })
    topic.put(Math.floor(n / 2) % 2, value)
  }
}

/** The machine's clock, but for the time of day. */
const at = (now: number): Clock => ({ ...systemClock, now: () => now })

function run(options: Partial<ArchiveOptions> = {}) {
  return archive({
    ...{ log, lake, root: ROOT, group: 'g', once: true, acceptGap: false, clock: at(NOW) },
    limits: { messages: 4, bytes: 1e9, ageMs: 20 },
    signal: new AbortController().signal,
    report: (happened) => seen.push(happened),
    ...options,
  })
}

const fileCount = async () => (await dataFiles(lake, ROOT)).size
const lineCount = async () => [...(await dataFiles(lake, ROOT)).values()].flat().length
const request = (options: Partial<Parameters<typeof compact>[0]> = {}) =>
  compact({ log, lake, root: ROOT, group: 'g', signal: new AbortController().signal, clock: () => NOW, ...options })

it('leaves no list of files open where it has looked only whether there is something to join', async () => {
  put(40)
  await run({ foldEvery: 4 })
  let [opened, open] = [0, 0]
  const counted: LakeStorage = {
    ...boundLake(lake),
    async *stream(path) {
      opened++
      open++
      try {
        yield* lake.stream(path)
      } finally {
        open--
      }
    },
  }
  await request({ lake: counted })
  expect(await fileCount()).toBe(4)
  expect(opened).toBeGreaterThan(0)
  expect(open).toBe(0)
})

it('joins the files of hours that are past while it archives, and no others', async () => {
  put(40)
  await run()
  const before = await fileCount()
  expect(before).toBeGreaterThan(8)
  const stop = new AbortController()
  const running = run({ once: false, compact: true, clock: at(NOW + HOUR_MS), signal: stop.signal })
  await eventually(async () => expect(await fileCount()).toBe(4), PATIENCE_MS)
  put(16)
  await eventually(async () => expect(await lineCount()).toBe(sent), PATIENCE_MS)
  stop.abort()
  await running
  expect(seen.filter(({ kind }) => kind === 'joined')).toHaveLength(4)
  expect(await fileCount()).toBeGreaterThan(4)
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 56 })
})

it('joins nothing across a file that is dated later than those after it, as of an archiver whose clock was ahead', async () => {
  for (const clock of [NOW, NOW + HOUR_MS, NOW]) {
    put(16)
    await run({ clock: at(clock) })
  }
  for (const [hours, files] of [
    [1, 16],
    [2, 4],
  ] as const) {
    const stop = new AbortController()
    const running = run({ once: false, compact: true, clock: at(NOW + hours * HOUR_MS), signal: stop.signal })
    await eventually(async () => expect(await fileCount()).toBe(files), PATIENCE_MS).finally(() => stop.abort())
    await running
    expect(await verify({ lake, root: ROOT, deep: true }), `hour ${hours}`).toMatchObject({ problems: [], events: 48 })
  }
})

it('joins nothing of the hour that is under way, nor where it is not asked to', async () => {
  put(40)
  await run()
  const before = await fileCount()
  for (const options of [{ compact: true }, { clock: at(NOW + HOUR_MS) }]) {
    const stop = new AbortController()
    const running = run({ once: false, signal: stop.signal, ...options })
    put(4)
    await eventually(async () => expect(await lineCount()).toBe(sent), PATIENCE_MS)
    stop.abort()
    await running
  }
  expect(await fileCount()).toBeGreaterThanOrEqual(before)
  expect(seen.filter(({ kind }) => kind === 'joined')).toEqual([])
})

it('says on request what it would join, joins it, and has nothing to do after that', async () => {
  put(40)
  await run()
  const planned = await request({ dryRun: true })
  const before = await fileCount()
  const oneDay = await request({ day: DAYS[1]! })
  expect(await fileCount()).toBeLessThan(before)
  expect(oneDay.partitions.every(({ into }) => into === 1)).toBe(true)
  const rest = await request()
  expect(await fileCount()).toBe(4)
  const sum = (...reports: (typeof planned)[]) =>
    reports
      .flatMap(({ partitions }) => partitions)
      .reduce((all, { joined, bytes }) => [all[0]! + joined, all[1]! + bytes], [0, 0])
  expect(sum(oneDay, rest)).toEqual(sum(planned))
  const { records } = await verify({ lake, root: ROOT })
  await request()
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, records, events: sent })
})

it('joins what an earlier life of the topic has left, which nobody archives any more', async () => {
  put(40)
  await run()
  topic.recreate()
  await request()
  expect(await fileCount()).toBe(4)
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, files: 4 })
})

it('goes on with the others where one that nobody archives is taken over, as by an import', async () => {
  put(40)
  await run()
  const { topicId } = topic
  topic.recreate()
  let records = 0
  const taken: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      if (to.startsWith(`${partitionCommits(ROOT, topicId, 0)}/`) && ++records === 2) {
        await CommitLog.claim({
          ...{ lake, root: ROOT, topic: 't', topicId, partition: 0, owner: 'import', clock: () => NOW },
          signal: new AbortController().signal,
          onRetry: () => undefined,
        })
      }
      await lake.rename(from, to)
    },
  }
  const { partitions } = await request({ lake: taken })
  expect(partitions).toMatchObject([
    { partition: 0, into: 0, left: [expect.stringContaining('run it again')] },
    { partition: 1, into: 2, left: [] },
  ])
  await request()
  expect(await fileCount()).toBe(4)
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, files: 4 })
})
