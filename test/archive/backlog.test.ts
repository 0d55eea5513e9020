/** A topic of many partitions, each with a backlog. */
import { expect, it } from 'vitest'
import { archive } from '../../src/archive/archiver.ts'
import { encode } from '../../src/event.ts'
import type { EventLog } from '../../src/log/log.ts'
import { Slots, Turn } from '../../src/stats/slots.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'

const PARTITIONS = 8
const MESSAGES = 20_000
/** As archiver.ts has it. */
const AT_A_TIME = 4

async function backlog(): Promise<EventLog> {
  const topic = new MemoryTopic('t')
  const log = topic.open(PARTITIONS)
  await log.ensureTopic()
  const value = encode(eventOf({}))
  for (let n = 0; n < MESSAGES * PARTITIONS; n++) topic.put(n % PARTITIONS, value)
  return log
}

it('is archived in a few batches at a time, so that memory does not grow with the partitions', async () => {
  const log = await backlog()
  const lake = openMemoryLake()
  const begun = new Set<string>()
  const opened = Promise.withResolvers<void>()
  const write = lake.write.bind(lake)
  lake.write = async (path, body) => {
    if (path.endsWith('.jsonl')) {
      begun.add(path)
      await opened.promise
    }
    return write(path, body)
  }
  const archiving = archive({
    ...{ log, lake, root: '/t', group: 'g', once: true, acceptGap: false, signal: new AbortController().signal },
    limits: { messages: 1e6, bytes: 1e9, ageMs: 60_000 },
  })
  await expect.poll(() => begun.size).toBe(AT_A_TIME)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(begun.size).toBe(AT_A_TIME)
  opened.resolve()
  expect(await archiving).toMatchObject({ events: MESSAGES * PARTITIONS, commits: PARTITIONS })
  expect(begun.size).toBe(PARTITIONS)
})

it('ends at once when it is told to, also where batches wait for others', async () => {
  const log = await backlog()
  const lake = openMemoryLake()
  const begun = new Set<string>()
  const write = lake.write.bind(lake)
  lake.write = (path, body) => {
    if (!path.endsWith('.jsonl')) return write(path, body)
    begun.add(path)
    return new Promise(() => undefined)
  }
  const stop = new AbortController()
  const archiving = archive({
    ...{ log, lake, root: '/t', group: 'g', once: false, acceptGap: false, signal: stop.signal, drainMs: 200 },
    limits: { messages: 1e6, bytes: 1e9, ageMs: 60_000 },
  })
  await expect.poll(() => begun.size).toBe(AT_A_TIME)
  stop.abort()
  expect(await archiving).toMatchObject({ events: 0, drained: false })
})

it('gives a slot back that was still waited for', async () => {
  const slots = new Slots(1)
  await slots.take()
  const turn = new Turn(slots)
  void turn.take()
  turn.release()
  turn.release()
  slots.release()
  await slots.take()
  let third = false
  void slots.take().then(() => {
    third = true
  })
  await new Promise((resolve) => setTimeout(resolve))
  expect(third).toBe(false)
})
