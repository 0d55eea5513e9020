/** How an archiver waits for a lake that fails, and that it waits no longer than it may. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ArchiveEvent, archive } from '../../src/archive/archiver.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { encode } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'

const MINUTE_MS = 60_000
/** Small: between two looks the log in memory waits two milliseconds of real time, while these steps go by. */
const STEP_MS = 10
/** In a minute of pauses that double from 50 ms to 5 s there is room for two dozen tries. */
const TRIES = 40

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Archives a topic of one message into a lake whose data files are written by `write`. */
async function start(write: LakeStorage['write'], signal: AbortSignal, report: (event: ArchiveEvent) => void) {
  const topic = new MemoryTopic('t')
  const log = topic.open(1)
  await log.ensureTopic()
  topic.put(0, encode(eventOf({})))
  const lake = openMemoryLake()
  const failing: LakeStorage = {
    ...boundLake(lake),
    write: (path, body) => (path.endsWith('.jsonl') ? write(path, body) : lake.write(path, body)),
  }
  const limits = { messages: 10, bytes: 1e9, ageMs: 20 }
  return {
    done: archive({
      ...{ log, lake: failing, root: '/t', group: 'g', limits, once: false, acceptGap: false },
      ...{ signal, report },
    }),
  }
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(STEP_MS)
  }
}

it('waits longer from try to try while the lake fails, though the log answers each time', async () => {
  const stop = new AbortController()
  let tries = 0
  const full = () => Promise.reject(new MusicFakerError('LAKE_FULL', 'the disk is full'))
  const { done } = await start(full, stop.signal, ({ kind }) => void (kind === 'retrying' && tries++))
  await pass(MINUTE_MS)
  expect(tries).toBeGreaterThan(3)
  expect(tries).toBeLessThan(TRIES)
  stop.abort()
  await pass(STEP_MS)
  expect(await done).toMatchObject({ commits: 0 })
})

it('ends in time, and without a failure, while a call to the lake hangs', async () => {
  const stop = new AbortController()
  const { done } = await start(
    () => new Promise(() => undefined),
    stop.signal,
    () => undefined,
  )
  await pass(1_000)
  stop.abort()
  await pass(9_000)
  expect(await done).toMatchObject({ commits: 0, drained: false })
})
