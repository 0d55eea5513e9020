import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ArchiveEvent, type ArchiveOptions, archive } from '../../src/archive/archiver.ts'
import { REALTIME } from '../../src/archive/batch.ts'
import { CommitLog } from '../../src/archive/commits.ts'
import { partitionCommits, partitionStaging, recordName } from '../../src/archive/layout.ts'
import { type BatchRecord, RECORD_FORMAT } from '../../src/archive/record.ts'
import { systemClock } from '../../src/clock.ts'
import { encode, type MusicEvent } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import type { EventLog, PartitionReader } from '../../src/log/log.ts'
import { eventually } from '../contract/log-reading.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { dataFiles, filesBelow, quarantined, records } from './lake-contents.ts'

const ROOT = '/t'
const NOW = Date.UTC(2025, 6, 3, 20, 8, 3)
const event: MusicEvent = {
  user: 'eric04',
  artist: 'Carol Moore',
  track: 'Nights',
  timestamp: '2025-07-03T20:07:50.691643',
  genre: 'Jazz',
  duration: 146,
  platform: 'Spotify',
  device: 'Desktop',
  action: 'like',
  country: 'FR',
}
const message = (n: number, fields: Partial<MusicEvent> = {}) => encode({ ...event, track: `Track ${n}`, ...fields })

let topic: MemoryTopic
let log: EventLog
let lake: LakeStorage
let seen: ArchiveEvent[]

beforeEach(async () => {
  topic = new MemoryTopic('t')
  log = topic.open(2)
  await log.ensureTopic()
  lake = openMemoryLake()
  seen = []
})
afterEach(() => log.close())

function run(options: Partial<ArchiveOptions> = {}) {
  return archive({
    log,
    lake,
    root: ROOT,
    group: 'g',
    limits: { messages: 1_000, bytes: 1e9, ageMs: 100 },
    once: true,
    acceptGap: false,
    signal: new AbortController().signal,
    clock: { ...systemClock, now: () => NOW },
    report: (happened) => seen.push(happened),
    ...options,
  })
}

const allLines = async () => [...(await dataFiles(lake, ROOT)).values()].flat()

describe('archiving once', () => {
  it('puts each event into the file of its day, byte for byte, and leaves no staging', async () => {
    const [first, second, yesterday] = [message(1), message(2), message(3, { timestamp: '2025-07-02T23:59:59.999999' })]
    topic.put(0, first)
    topic.put(0, yesterday)
    topic.put(0, second)
    const summary = await run()
    expect(Object.fromEntries(await dataFiles(lake, ROOT))).toEqual({
      '/t/year=2025/month=07/day=02/batch_20250703_200803_p0_0-2.jsonl': [yesterday.toString()],
      '/t/year=2025/month=07/day=03/batch_20250703_200803_p0_0-2.jsonl': [first.toString(), second.toString()],
    })
    expect(summary).toMatchObject({ events: 3, files: 2, commits: 1, quarantined: 0, drained: true })
    for await (const left of filesBelow(lake, `${ROOT}/_staging`)) expect.fail(`${left.path} was left behind`)
    expect(topic.committed.get('g')?.get(0)).toBe(3)
  })

  it('does nothing again for what is archived already', async () => {
    topic.put(0, message(1))
    topic.put(1, message(2))
    await run()
    const before = await dataFiles(lake, ROOT)
    seen = []
    expect(await run()).toMatchObject({ events: 0, commits: 0 })
    expect(await dataFiles(lake, ROOT)).toEqual(before)
    // Nobody took a partition away from it.
    expect(seen.filter(({ kind }) => kind === 'revoked')).toEqual([])
  })

  it('ends on an empty topic', async () => {
    expect(await run()).toMatchObject({ events: 0, commits: 0 })
  })

  it('cuts batches by the number of messages, and tiles the offsets', async () => {
    for (let n = 0; n < 23; n++) topic.put(0, message(n))
    await run({ limits: { messages: 5, bytes: 1e9, ageMs: 100 } })
    const sizes = [...(await dataFiles(lake, ROOT)).values()].map((lines) => lines.length).sort()
    expect(sizes).toEqual([3, 5, 5, 5, 5])
    const batches = (await records(lake, ROOT, topic.topicId, 0)).filter((record) => record.kind === 'batch')
    expect(batches.map(({ first, next }) => [first, next])).toEqual([
      [0, 5],
      [5, 10],
      [10, 15],
      [15, 20],
      [20, 23],
    ])
  })

  it('cuts batches by bytes, streams large files and keeps their checksum', async () => {
    const track = 'x'.repeat(50_000)
    for (let n = 0; n < 40; n++) topic.put(0, message(n, { track: `${n}${track}` }))
    await run({ limits: { messages: 1_000, bytes: 1_000_000, ageMs: 10_000 } })
    const batches = (await records(lake, ROOT, topic.topicId, 0)).filter((record) => record.kind === 'batch')
    expect(batches.length).toBeGreaterThan(1)
    for (const batch of batches as BatchRecord[]) {
      for (const file of batch.files) {
        const bytes = await lake.read(file.path)
        const { crc32 } = await import('node:zlib')
        expect(bytes.length).toBe(file.bytes)
        expect(crc32(bytes).toString(16).padStart(8, '0')).toBe(file.crc32)
      }
    }
    expect(await allLines()).toHaveLength(40)
  })

  it('closes a batch that would open too many day files', async () => {
    for (let n = 0; n < 150; n++) {
      const day = new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10)
      topic.put(0, message(n, { timestamp: `${day}T00:00:00` }))
    }
    expect(await run()).toMatchObject({ events: 150, files: 150, commits: 3 })
  })

  it('quarantines what is no event, with its bytes, and counts it', async () => {
    topic.put(0, message(1))
    topic.put(0, Buffer.from('{broken'))
    topic.put(0, null)
    topic.put(0, message(2))
    expect(await run()).toMatchObject({ events: 2, quarantined: 2, files: 2, commits: 1 })
    expect(await quarantined(lake, ROOT)).toMatchObject([
      { partition: 0, offset: 1, reason: 'bad_json', bytes: Buffer.from('{broken').toString('base64') },
      { partition: 0, offset: 2, reason: 'tombstone', bytes: null },
    ])
    const [, batch] = await records(lake, ROOT, topic.topicId, 0)
    expect(batch).toMatchObject({ events: 2, quarantined: { bad_json: 1, tombstone: 1 }, skipped: 0 })
  })

  it('counts offsets without a message, also at the end and where there is nothing else', async () => {
    topic.skip(0, 3)
    topic.put(0, message(1))
    topic.skip(0, 2)
    topic.skip(1, 4)
    expect(await run()).toMatchObject({ events: 1, skipped: 9 })
    const heads = await Promise.all([0, 1].map(async (p) => (await records(lake, ROOT, topic.topicId, p)).at(-1)))
    expect(heads).toMatchObject([
      { first: 0, next: 6, skipped: 5 },
      { first: 0, next: 4, skipped: 4, files: [] },
    ])
  })
})

describe('archiving live', () => {
  it('commits what has come within a second, and drains when told to stop', async () => {
    const stop = new AbortController()
    const running = run({ once: false, limits: REALTIME, signal: stop.signal })
    topic.put(0, message(1))
    await eventually(async () => expect(await allLines()).toHaveLength(1), 1_000)
    topic.put(1, message(2))
    await eventually(() => expect(seen.filter(({ kind }) => kind === 'claimed')).toHaveLength(2), 1_000)
    stop.abort()
    expect(await running).toMatchObject({ events: 2, drained: true })
    expect(await allLines()).toHaveLength(2)
  })

  it('follows a partition that is revoked and given back', async () => {
    const stop = new AbortController()
    const running = run({ once: false, limits: { messages: 10, bytes: 1e9, ageMs: 20 }, signal: stop.signal })
    for (let n = 0; n < 200; n++) {
      topic.put(0, message(n))
      if (n % 20 === 0) topic.bounce('g', 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await eventually(async () => expect(await allLines()).toHaveLength(200), 10_000)
    stop.abort()
    await running
    expect(new Set(await allLines()).size).toBe(200)
  })

  it('archives a recreated topic as a new lineage, and says so', async () => {
    const stop = new AbortController()
    const running = run({ once: false, signal: stop.signal })
    topic.put(0, message(1))
    await eventually(async () => expect(await allLines()).toHaveLength(1), 5_000)
    const before = topic.topicId
    topic.recreate()
    topic.put(0, message(2))
    topic.put(0, message(3))
    await eventually(async () => expect(await allLines()).toHaveLength(3), 10_000)
    stop.abort()
    await running
    expect(seen).toContainEqual({ kind: 'recreated', topic: 't' })
    expect((await records(lake, ROOT, before, 0)).at(-1)?.next).toBe(1)
    expect((await records(lake, ROOT, topic.topicId, 0)).at(-1)?.next).toBe(2)
  })

  it('waits for a topic that is deleted, says so once, and archives it as a new lineage when it is back', async () => {
    const stop = new AbortController()
    const running = run({ once: false, signal: stop.signal })
    topic.put(0, message(1))
    await eventually(async () => expect(await allLines()).toHaveLength(1), 5_000)
    topic.delete()
    const alarms = () => seen.filter(({ kind }) => kind === 'missing' || kind === 'recreated')
    await eventually(() => expect(alarms()).toEqual([{ kind: 'missing', topic: 't' }]), 5_000)
    topic.create(2)
    topic.put(0, message(2))
    await eventually(async () => expect(await allLines()).toHaveLength(2), 10_000)
    stop.abort()
    expect(await running).toMatchObject({ events: 2, drained: true })
    expect(alarms().map(({ kind }) => kind)).toEqual(['missing', 'recreated'])
  })

  it('stops when told to while it waits for a topic', async () => {
    const stop = new AbortController()
    const running = run({ once: false, signal: stop.signal })
    await eventually(() => expect(seen.filter(({ kind }) => kind === 'claimed')).toHaveLength(2), 5_000)
    topic.delete()
    await eventually(() => expect(seen).toContainEqual({ kind: 'missing', topic: 't' }), 5_000)
    stop.abort()
    expect(await running).toMatchObject({ events: 0, drained: true })
  })

  it('raises an alarm when it starts on a topic that is not the one in the lake', async () => {
    const alarms = () => seen.filter(({ kind }) => kind === 'recreated').length
    for (let runs = 0; runs < 2; runs++) await run()
    topic.put(0, message(1))
    await run()
    expect(alarms()).toBe(0)
    topic.recreate()
    topic.put(0, message(2))
    for (let runs = 0; runs < 2; runs++) await run()
    expect(alarms()).toBe(1)
  })

  it('gives the same offsets of two lineages different names, also within one second', async () => {
    for (const lineage of [1, 2]) {
      topic.put(0, message(lineage))
      topic.put(0, Buffer.from('{broken'))
      expect(await run()).toMatchObject({ events: 1, files: 2 })
      topic.recreate()
    }
    expect([...(await dataFiles(lake, ROOT)).keys()]).toEqual([
      '/t/year=2025/month=07/day=03/batch_20250703_200803_p0_0-1.jsonl',
      '/t/year=2025/month=07/day=03/batch_20250703_200804_p0_0-1.jsonl',
    ])
    expect(await quarantined(lake, ROOT)).toHaveLength(2)
  })

  it('does not call it a failure when a rebalance is noticed by the fence before the group tells it', async () => {
    const stop = new AbortController()
    const running = run({ once: false, limits: { messages: 10, bytes: 1e9, ageMs: 20 }, signal: stop.signal })
    topic.put(0, message(1))
    await eventually(async () => expect(await allLines()).toHaveLength(1), 5_000)
    // The next owner claims; the group tells later.
    const { topicId } = await log.describe()
    const claim = { lake, root: ROOT, topic: 't', topicId, partition: 0, owner: 'next', clock: () => NOW }
    await CommitLog.claim({ ...claim, signal: stop.signal, onRetry: () => undefined })
    topic.put(0, message(2))
    await new Promise((resolve) => setTimeout(resolve, 200))
    topic.bounce('g', 0)
    await eventually(async () => expect(await allLines()).toHaveLength(2), 5_000)
    stop.abort()
    expect(await running).toMatchObject({ events: 2, drained: true })
    expect(seen.filter(({ kind }) => kind === 'stopped')).toEqual([])
  })

  it('lets the later of two archivers in different groups win, and the other stop loudly', async () => {
    const stop = new AbortController()
    const first = run({ once: false, signal: stop.signal })
    topic.put(0, message(1))
    await eventually(async () => expect(await allLines()).toHaveLength(1), 5_000)
    const second = run({ once: false, group: 'other', signal: stop.signal, report: () => undefined })
    await eventually(async () => {
      const heads = await records(lake, ROOT, topic.topicId, 0)
      expect(heads.at(-1)).toMatchObject({ kind: 'claim', seq: 3 })
    }, 5_000)
    topic.put(0, message(2))
    await eventually(() => expect(seen.some(({ kind }) => kind === 'stopped')).toBe(true), 15_000)
    stop.abort()
    await expect(first).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
    await second
    expect(await allLines()).toEqual([message(1).toString(), message(2).toString()])
  })
})

describe('refusing', () => {
  it('stops where the log has deleted messages, and goes on when the gap is accepted', async () => {
    topic.put(0, message(1))
    await run()
    topic.put(0, message(2))
    topic.put(0, message(3))
    topic.truncate(0, 2)
    await expect(run()).rejects.toMatchObject({ code: 'LOG_OFFSET_GONE' })
    expect(await run({ acceptGap: true })).toMatchObject({ events: 1, gaps: 1 })
    expect((await records(lake, ROOT, topic.topicId, 0)).filter(({ kind }) => kind === 'gap')).toMatchObject([
      { first: 1, next: 2 },
    ])
  })

  it('begins a new lineage where the log begins', async () => {
    for (let n = 0; n < 5; n++) topic.put(0, message(n))
    topic.truncate(0, 3)
    expect(await run()).toMatchObject({ events: 2, gaps: 3 })
  })

  it('accepts no gap where it is a topic made again that begins later', async () => {
    topic.put(0, message(1))
    await run()
    const former = topic.topicId
    for (let n = 2; n < 5; n++) topic.put(0, message(n))
    topic.truncate(0, 3)
    const open = log.open.bind(log)
    log.open = (from) => {
      const reader = open(from)
      const read: PartitionReader['read'] = (options) =>
        reader.read(options).catch((error) => {
          if (topic.topicId === former) {
            topic.recreate()
            for (let n = 5; n < 15; n++) topic.put(0, message(n))
            topic.truncate(0, 8)
          }
          throw error
        })
      return { read, close: () => reader.close() }
    }
    expect(await run({ acceptGap: true })).toMatchObject({ events: 2, gaps: 8 })
    const gapsOf = async (id: string) => (await records(lake, ROOT, id, 0)).filter(({ kind }) => kind === 'gap')
    expect(await gapsOf(former)).toEqual([])
    expect(await gapsOf(topic.topicId)).toMatchObject([{ first: 0, next: 8 }])
  })

  it.each([
    ['damaged', 'COMMIT_CORRUPT', '{"format":1'],
    ['of a newer version', 'COMMIT_UNKNOWN_FORMAT', JSON.stringify({ format: RECORD_FORMAT + 1, kind: 'batch' })],
    ['of an unknown kind', 'COMMIT_UNKNOWN_FORMAT', JSON.stringify({ format: RECORD_FORMAT, kind: 'checkpoint' })],
  ])('does not go on over a head that is %s', async (_, code, content) => {
    topic.put(0, message(1))
    await run()
    await lake.write(`${partitionCommits(ROOT, topic.topicId, 0)}/${recordName(3)}`, Buffer.from(content))
    topic.put(0, message(2))
    await expect(run()).rejects.toMatchObject({ code })
    expect(await allLines()).toHaveLength(1)
  })

  it("does not go on over another partition's record in the place of the head", async () => {
    topic.put(0, message(1))
    topic.put(1, message(2))
    await run()
    const [from, to] = [0, 1].map((partition) => partitionCommits(ROOT, topic.topicId, partition))
    await lake.write(`${to}/${recordName(3)}`, await lake.read(`${from}/${recordName(2)}`))
    await expect(run()).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  })

  it('does not go on when a committed file has vanished before it was published', async () => {
    topic.put(0, message(1))
    await run()
    const [path] = (await dataFiles(lake, ROOT)).keys()
    await lake.remove(path!)
    await expect(run()).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  })
})

describe('taking over', () => {
  it('publishes what the last owner committed, and sweeps what it left', async () => {
    topic.put(0, message(1))
    await run()
    const [path] = (await dataFiles(lake, ROOT)).keys()
    const batch = (await records(lake, ROOT, topic.topicId, 0)).at(-1) as BatchRecord
    await lake.rename(path!, batch.files[0]!.staged)
    const orphan = `${partitionStaging(ROOT, topic.topicId, 0)}/1/7-2025-07-03.jsonl`
    await lake.write(orphan, Buffer.from('half a li'))
    await run()
    expect(await allLines()).toEqual([message(1).toString()])
    expect(await lake.stat(orphan)).toBeUndefined()
  })
})
