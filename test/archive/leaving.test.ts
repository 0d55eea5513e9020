/** When an archiver leaves its group, and what becomes of what it holds. */
import { afterEach, beforeEach, expect, it, type Mock, vi } from 'vitest'
import { type ArchiveOptions, archive } from '../../src/archive/archiver.ts'
import { partitionCommits, recordName } from '../../src/archive/layout.ts'
import type { BatchRecord } from '../../src/archive/record.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { encode } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import type { Assignment, EventLog } from '../../src/log/log.ts'
import { eventually } from '../contract/log-reading.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'
import { dataFiles, records } from './lake-contents.ts'

const ROOT = '/t'
/** Looks at the lake, after which a test ends that would never end by itself. */
const TOO_MANY = 1_000

let topic: MemoryTopic
let log: EventLog
let lake: LakeStorage

beforeEach(async () => {
  topic = new MemoryTopic('t')
  log = topic.open(2)
  await log.ensureTopic()
  lake = openMemoryLake()
})
afterEach(async () => {
  vi.useRealTimers()
  await log.close()
})

function run(options: Partial<ArchiveOptions> = {}) {
  return archive({
    ...{ log, lake, root: ROOT, group: 'g' },
    limits: { messages: 10, bytes: 1e9, ageMs: 20 },
    once: true,
    acceptGap: false,
    signal: new AbortController().signal,
    ...options,
  })
}

/** Another member of the group, which takes what it is given and does nothing with it. */
class Idler {
  readonly held: Assignment[] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor() {
    this.#done = this.#hold()
  }

  async #hold(): Promise<void> {
    for await (const assignment of log.join({ group: 'g', signal: this.#stop.signal })) this.held.push(assignment)
  }

  leave(): Promise<void> {
    this.#stop.abort()
    return this.#done
  }
}

const put = (partition: number, track: string) => topic.put(partition, encode(eventOf({ track })))

it('looks no longer at the lake once the group could not be joined', async () => {
  put(0, 'one')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const denied: EventLog = Object.create(log, {
    topic: { value: 't' },
    describe: { value: vi.fn(() => log.describe()) },
    join: {
      value: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new MusicFakerError('LOG_AUTH', 'this user may not join the group')),
        }),
      }),
    },
  })
  await expect(run({ log: denied })).rejects.toMatchObject({ code: 'LOG_AUTH' })
  await vi.advanceTimersByTimeAsync(1_000)
  const looks = vi.mocked(denied.describe).mock.calls.length
  await vi.advanceTimersByTimeAsync(10_000)
  expect(denied.describe).toHaveBeenCalledTimes(looks)
})

it('looks at a lake that does not answer no more often than at one that does', async () => {
  put(0, 'one')
  const idler = new Idler()
  const second = new Idler()
  await eventually(() => expect(idler.held).toHaveLength(2), 5_000)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const stop = new AbortController()
  const list: Mock<LakeStorage['list']> = vi.fn(() => {
    if (list.mock.calls.length > TOO_MANY) stop.abort()
    throw new MusicFakerError('LAKE_UNREACHABLE', 'no answer')
  })
  const running = run({ lake: { ...boundLake(lake), list }, signal: stop.signal })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(list.mock.calls.length).toBeLessThan(20)
  stop.abort()
  await vi.runAllTimersAsync()
  await running
  await idler.leave()
  await second.leave()
})

it('does not wait for a partition of another member whose commit log is damaged', async () => {
  const idler = new Idler()
  put(0, 'one')
  put(1, 'two')
  await lake.write(`${partitionCommits(ROOT, topic.topicId, 0)}/${recordName(1)}`, Buffer.from('{"format":1'))
  const stop = new AbortController()
  const list: Mock<LakeStorage['list']> = vi.fn((...args: Parameters<LakeStorage['list']>) => {
    if (list.mock.calls.length > TOO_MANY) stop.abort()
    return lake.list(...args)
  })
  const watched = { ...boundLake(lake), list }
  await expect(run({ lake: watched, signal: stop.signal })).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(1)
  expect(idler.held.some(({ partition, revoked }) => partition === 0 && !revoked.aborted)).toBe(true)
  await idler.leave()
})

it('does not take a foreign file under the name of a committed one for its own', async () => {
  put(0, 'one')
  await run()
  const [path] = [...(await dataFiles(lake, ROOT)).keys()] as [string]
  const batch = (await records(lake, ROOT, topic.topicId, 0)).at(-1) as BatchRecord
  // As after a crash between commit and publishing, with another's file of the same length in the way.
  await lake.rename(path, batch.files[0]!.staged)
  await lake.write(path, Buffer.alloc(batch.files[0]!.bytes, 'x'))
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(run()).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  }
})

it('drains what it holds, also when it is given more meanwhile', async () => {
  const idler = new Idler()
  const stop = new AbortController()
  const gate = Promise.withResolvers<void>()
  const held = vi.fn()
  const slow: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      // The first record that is no claim.
      if (to.endsWith(recordName(2))) {
        held()
        await gate.promise
      }
      return lake.rename(from, to)
    },
  }
  const running = run({ lake: slow, once: false, signal: stop.signal })
  put(1, 'one')
  await eventually(() => expect(held).toHaveBeenCalled(), 5_000)
  stop.abort()
  await idler.leave()
  gate.resolve()
  expect(await running).toMatchObject({ events: 1, drained: true })
  expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(1)
})

it('leaves at once when it is told to stop while the lake does not let it claim', async () => {
  const stop = new AbortController()
  const read = vi.fn(async () => {
    throw new MusicFakerError('LAKE_UNREACHABLE', 'no answer')
  })
  put(0, 'one')
  await run()
  const running = run({ lake: { ...boundLake(lake), read }, once: false, signal: stop.signal })
  await eventually(() => expect(read).toHaveBeenCalled(), 5_000)
  stop.abort()
  expect(await running).toMatchObject({ drained: true })
})

it('does not wait longer than a drain may take for a call that hangs', async () => {
  const stop = new AbortController()
  const hanging = vi.fn(() => new Promise<number>(() => undefined))
  const staged = vi.fn((path: string, body: Parameters<LakeStorage['write']>[1]) =>
    path.includes('record') ? lake.write(path, body) : hanging(),
  )
  const running = run({ lake: { ...boundLake(lake), write: staged }, once: false, signal: stop.signal })
  put(0, 'one')
  await eventually(() => expect(hanging).toHaveBeenCalled(), 5_000)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  stop.abort()
  await vi.advanceTimersByTimeAsync(9_000)
  expect(await running).toMatchObject({ events: 0, drained: false })
})

it('lets go of a partition that is taken from it while a call hangs, and takes it again', async () => {
  const stop = new AbortController()
  const hanging = vi.fn(() => new Promise<number>(() => undefined))
  let hangs = true
  const write = (path: string, body: Parameters<LakeStorage['write']>[1]) =>
    hangs && path.endsWith('.jsonl') ? hanging() : lake.write(path, body)
  const running = run({ lake: { ...boundLake(lake), write }, once: false, signal: stop.signal, drainMs: 100 })
  put(0, 'one')
  await eventually(() => expect(hanging).toHaveBeenCalled(), 5_000)
  hangs = false
  topic.bounce('g', 0)
  await eventually(async () => {
    expect([...(await dataFiles(lake, ROOT)).values()].flat()).toHaveLength(1)
  }, 5_000)
  stop.abort()
  expect(await running).toMatchObject({ events: 1 })
})
