/**
 * Runs: the messages of one append that go to one partition, packed into one row of about 1 MiB at most (more only for
 * a single larger message), so that neither writing nor reading costs a row or an object per message.
 *
 * A packed run of `count` messages, little-endian:
 *
 *   uint32 ends[count]   where each value ends, counted from the end of this index
 *   bytes                the values, one after the other
 *
 * The partition of a message is CRC-32 (IEEE, as in gzip) of its key in UTF-8, modulo the number of partitions.
 */
import { crc32 } from 'node:zlib'
import type { LogBatch, LogMessage } from './log.ts'

export const RUN_BYTES = 1_048_576
const INDEX_BYTES = 4

/** What a value takes up in a packed run. */
export function packedBytes(value: Uint8Array): number {
  return value.length + INDEX_BYTES
}

export interface PackedRun {
  partition: number
  count: number
  packed: Uint8Array
}

/** A run as read back: message `i` ends at `ends[i]` of `values`. */
export interface Run {
  base: number
  ends: Int32Array
  /** The whole row; the values begin at `valuesAt`. */
  packed: Uint8Array
  valuesAt: number
}

/** Messages `[from, to)` of a run, counted from 0. */
export interface RunSlice {
  run: Run
  from: number
  to: number
}

export function partitionOf(key: string, partitions: number): number {
  return crc32(key) % partitions
}

/** Packs messages into runs, in their order within each partition. */
export function packRuns(messages: readonly LogMessage[], partitions: number): PackedRun[] {
  const byPartition = new Map<number, Uint8Array[]>()
  for (const { key, value } of messages) {
    const partition = partitionOf(key, partitions)
    const values = byPartition.get(partition)
    if (values) values.push(value)
    else byPartition.set(partition, [value])
  }
  const runs: PackedRun[] = []
  for (const [partition, values] of byPartition) {
    for (const part of cut(values, packedBytes, RUN_BYTES)) {
      runs.push({ partition, count: part.length, packed: pack(part) })
    }
  }
  return runs
}

/** Cuts a list into consecutive parts of at most `limit` bytes each; an item larger than that is a part of its own. */
export function* cut<T>(items: readonly T[], bytesOf: (item: T) => number, limit: number): Generator<readonly T[]> {
  let from = 0
  let bytes = 0
  for (let i = 0; i < items.length; i += 1) {
    const size = bytesOf(items[i]!)
    if (i > from && bytes + size > limit) {
      yield items.slice(from, i)
      from = i
      bytes = 0
    }
    bytes += size
  }
  if (from < items.length) yield items.slice(from)
}

function pack(values: readonly Uint8Array[]): Uint8Array {
  const valuesAt = values.length * INDEX_BYTES
  const packed = new Uint8Array(values.reduce((bytes, value) => bytes + value.length, valuesAt))
  const index = new DataView(packed.buffer)
  let at = valuesAt
  for (let i = 0; i < values.length; i += 1) {
    packed.set(values[i]!, at)
    at += values[i]!.length
    index.setUint32(i * INDEX_BYTES, at - valuesAt, true)
  }
  return packed
}

/** Undefined when the row cannot be a run of `count` messages. */
export function unpack(base: number, count: number, packed: Uint8Array): Run | undefined {
  const valuesAt = count * INDEX_BYTES
  if (count < 1 || packed.length < valuesAt) return undefined
  const index = new DataView(packed.buffer, packed.byteOffset, valuesAt)
  const ends = new Int32Array(count)
  for (let i = 0; i < count; i += 1) ends[i] = index.getUint32(i * INDEX_BYTES, true)
  return ends[count - 1] === packed.length - valuesAt ? { base, ends, packed, valuesAt } : undefined
}

function startOf(run: Run, i: number): number {
  return i === 0 ? 0 : run.ends[i - 1]!
}

/** How many messages of `run` from message `from` on fit into `maxBytes`. */
export function fitting(run: Run, from: number, maxBytes: number): number {
  const limit = startOf(run, from) + maxBytes
  let to = from
  while (to < run.ends.length && run.ends[to]! <= limit) to += 1
  return to - from
}

/** Joins slices of consecutive runs into one batch. A single slice is not copied. */
export function toBatch(partition: number, first: number, end: number, slices: readonly RunSlice[]): LogBatch {
  const count = slices.reduce((sum, { from, to }) => sum + to - from, 0)
  const bytes = slices.reduce((sum, slice) => sum + bytesOf(slice), 0)
  const data = slices.length === 1 ? slices[0]!.run.packed : new Uint8Array(bytes)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  const offsetDeltas = new Int32Array(count)
  let i = 0
  let at = 0
  for (const slice of slices) {
    const { run, from, to } = slice
    const origin = startOf(run, from)
    if (data !== run.packed) data.set(run.packed.subarray(run.valuesAt + origin, run.valuesAt + run.ends[to - 1]!), at)
    // From a place in the run's values to the same byte's place in `data`.
    const shift = data === run.packed ? run.valuesAt : at - origin
    for (let message = from; message < to; message += 1, i += 1) {
      starts[i] = shift + startOf(run, message)
      ends[i] = shift + run.ends[message]!
      offsetDeltas[i] = i
    }
    at += bytesOf(slice)
  }
  return { partition, first, next: first + count, count, data, starts, ends, offsetDeltas, end }
}

/** The bytes of a slice's values. */
export function bytesOf({ run, from, to }: RunSlice): number {
  return run.ends[to - 1]! - startOf(run, from)
}
