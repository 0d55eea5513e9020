/** Reading a log to a known end, and waiting for conditions: shared by the suites of the log port's adapters. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { EventLog, LogBatch, LogMessage, PartitionReader } from '../../src/log/log.ts'

const MAX_BYTES = 1_048_576

export interface Drained {
  values: Buffer[]
  offsets: number[]
  batches: LogBatch[]
}

export function message(key: string, value: string): LogMessage {
  return { key, value: Buffer.from(value) }
}

/** The bytes of a batch's values. */
export function bytesOf(batch: LogBatch): number {
  let bytes = 0
  for (let i = 0; i < batch.count; i += 1) bytes += batch.ends[i]! - Math.max(batch.starts[i]!, 0)
  return bytes
}

/** Opens a reader of the topic that there is now. */
export async function readerOf(log: EventLog, partition: number, from: number): Promise<PartitionReader> {
  const { topicId } = await log.describe()
  return log.open({ topicId, partition, from })
}

/** Reads `[from, to)` of a partition and checks on the way that each batch is well formed and follows the one before. */
export async function drain(
  log: EventLog,
  partition: number,
  from: number,
  to: number,
  maxBytes = MAX_BYTES,
): Promise<Drained> {
  const drained: Drained = { values: [], offsets: [], batches: [] }
  const reader = await readerOf(log, partition, from)
  let position = from
  while (position < to) {
    const batch = await reader.read({ maxBytes, maxWaitMs: 10_000 })
    expect(batch.partition).toBe(partition)
    expect(batch.first).toBe(position)
    expect(batch.next, `end of a batch at ${position} of partition ${partition}`).toBeGreaterThan(position)
    expect(batch.end).toBeGreaterThanOrEqual(batch.next)
    for (let i = 0; i < batch.count; i += 1) {
      const delta = batch.offsetDeltas[i]!
      expect(delta).toBeGreaterThan(i === 0 ? -1 : batch.offsetDeltas[i - 1]!)
      expect(delta).toBeLessThan(batch.next - batch.first)
      drained.offsets.push(batch.first + delta)
      drained.values.push(Buffer.from(batch.data.subarray(batch.starts[i], batch.ends[i])))
    }
    drained.batches.push(batch)
    position = batch.next
  }
  await reader.close()
  return drained
}

/** Every value of the topic as it stands, by partition. */
export async function drainTopic(log: EventLog): Promise<Map<number, Buffer[]>> {
  const { partitions } = await log.describe()
  const values = new Map<number, Buffer[]>()
  for (const [partition, { start, end }] of partitions) {
    values.set(partition, (await drain(log, partition, start, end)).values)
  }
  return values
}

/** Repeats `check` until it passes; after `patienceMs`, fails as it last failed. */
export async function eventually<T>(check: () => T | Promise<T>, patienceMs: number): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await sleep(20)
  }
}

/** The result of `promise`, or a failure when it has not settled after `patienceMs`. */
export async function settled<T>(promise: Promise<T>, patienceMs: number, what: string): Promise<T> {
  const stop = new AbortController()
  const late = sleep(patienceMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} did not settle within ${patienceMs} ms`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}

/** Resolves when `promise` settles, either way. */
export function ended(promise: Promise<unknown>): Promise<void> {
  return promise.then(
    () => undefined,
    () => undefined,
  )
}
