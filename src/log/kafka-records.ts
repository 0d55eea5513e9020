/**
 * Decodes the record batches of a fetch response into LogBatches without an object per record.
 *
 * A record batch, message format version 2 ("magic 2"), big-endian; lengths within records are zigzag varints:
 *
 *   0 baseOffset int64, 8 batchLength int32 (bytes after it), 12 partitionLeaderEpoch int32, 16 magic int8,
 *   17 crc uint32 (CRC-32C of everything from 21), 21 attributes int16, 23 lastOffsetDelta int32,
 *   27 baseTimestamp int64, 35 maxTimestamp int64, 43 producerId int64, 51 producerEpoch int16,
 *   53 baseSequence int32, 57 recordCount int32, 61 records, compressed as one block where attributes say so
 *
 *   record: length, attributes int8, timestampDelta, offsetDelta, keyLength, key, valueLength, value, headers
 *
 * Attributes: bits 0-2 compression, 4 transactional, 5 control (a transaction's end marker, no message). Source: the
 * "Message Format" chapter of Apache Kafka's documentation.
 */
import { crc32c } from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'
import { decompress } from './kafka-decompress.ts'
import type { LogBatch } from './log.ts'

/** Bytes of a batch before its records. */
export const BATCH_HEADER = 61
const LENGTH_END = 12
const CRC_START = 17
const CRC_END = 21
const COMPRESSION = 0b111
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5
const ABORT_MARKER = 0
const INT32_MAX = 0x7fffffff
/** A record of nothing: seven one-byte fields. */
const MIN_RECORD = 7

/** A transaction of this producer, begun at this offset, was aborted. */
export interface AbortedTransaction {
  producerId: bigint
  firstOffset: number
}

/** What a fetch brought for one partition. */
export interface FetchedRecords {
  /** Names the partition in errors. */
  topic: string
  partition: number
  /** The offset that was asked for. The first batch may begin before it. */
  position: number
  /** The partition's last stable offset. */
  end: number
  records: Buffer
  aborted: readonly AbortedTransaction[]
}

interface Batch {
  /** Byte range in the record set. */
  start: number
  end: number
  baseOffset: number
  lastOffset: number
  compression: number
  count: number
  /** No message of it is to be delivered: a marker, or aborted. */
  dead: boolean
}

/** The messages of a run while it is being filled. */
interface Columns {
  starts: Int32Array
  ends: Int32Array
  offsetDeltas: Int32Array
  count: number
}

/**
 * A fetch's records, handed out in runs of bounded size. A batch is checked and decompressed only when its run is taken,
 * so that one fetch of highly compressed batches never stands in memory whole.
 */
export class RecordRuns {
  /** The offset after the last complete batch: where the next fetch goes on. `position` when there was none. */
  readonly next: number
  readonly #from: FetchedRecords
  readonly #batches: Batch[]
  #taken = 0
  #position: number

  /** @throws LOG_REFUSED for a message format or offset that cannot be read */
  constructor(from: FetchedRecords) {
    this.#from = from
    this.#position = from.position
    this.#batches = readBatches(from)
    markAborted(this.#batches, from)
    this.next = Math.max(from.position, (this.#batches.at(-1)?.lastOffset ?? -1) + 1)
  }

  get done(): boolean {
    return this.#taken === this.#batches.length
  }

  /**
   * The next run: uncompressed batches share the fetch's own memory; compressed ones are gathered until they pass
   * `maxBytes`. A run that holds no message (markers, aborted or compacted away) still moves `next`.
   * @throws LOG_REFUSED when a batch is damaged or grows too large
   */
  take(maxBytes: number): LogBatch {
    const first = this.#position
    const run: Batch[] = []
    const parts: Buffer[] = []
    let size = 0
    let compressed: boolean | undefined
    for (let i = this.#taken; i < this.#batches.length; i++) {
      const batch = this.#batches[i]!
      // Offsets of a run are 32-bit deltas; a gap left by compaction may be wider, and then gets a run of its own.
      if (batch.lastOffset - first > INT32_MAX) break
      if (!batch.dead) {
        compressed ??= batch.compression !== 0
        if (compressed !== (batch.compression !== 0) || (parts.length > 0 && size >= maxBytes)) break
        const part = this.#payload(batch)
        parts.push(part)
        size += part.length
      }
      run.push(batch)
    }
    this.#taken += run.length
    this.#position = this.#nextPosition(run, first)
    return this.#decode(run, first, compressed === true ? parts : undefined)
  }

  #nextPosition(run: readonly Batch[], first: number): number {
    const last = run.at(-1)
    if (last !== undefined) return Math.max(first, last.lastOffset + 1)
    return Math.min(first + INT32_MAX, this.#batches[this.#taken]!.baseOffset)
  }

  #payload(batch: Batch): Buffer {
    const { records } = this.#from
    if (crc32c(records.subarray(batch.start + CRC_END, batch.end)) !== records.readUInt32BE(batch.start + CRC_START)) {
      throw damaged(this.#from, batch.baseOffset, 'its checksum does not match')
    }
    const stored = records.subarray(batch.start + BATCH_HEADER, batch.end)
    const body = batch.compression === 0 ? stored : decompress(batch.compression, stored, this.#where(batch))
    // Memory is set aside for as many messages as the header claims.
    if (body.length < batch.count * MIN_RECORD) throw damaged(this.#from, batch.baseOffset, 'its count is impossible')
    return body
  }

  #where(batch: Batch): string {
    return `the record batch at offset ${batch.baseOffset} of ${this.#from.topic}, partition ${this.#from.partition}`
  }

  /** `parts` are the decompressed bodies of the live batches; undefined where they are read in place. */
  #decode(run: readonly Batch[], first: number, parts: Buffer[] | undefined): LogBatch {
    let capacity = 0
    for (const batch of run) if (!batch.dead) capacity += batch.count
    const columns: Columns = {
      starts: new Int32Array(capacity),
      ends: new Int32Array(capacity),
      offsetDeltas: new Int32Array(capacity),
      count: 0,
    }
    const data = parts === undefined ? this.#from.records : parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    let part = 0
    let at = 0
    for (const batch of run) {
      if (batch.dead) continue
      const start = parts === undefined ? batch.start + BATCH_HEADER : at
      const end = parts === undefined ? batch.end : start + parts[part++]!.length
      at = end
      if (!readRecords(data, start, end, batch.count, batch.baseOffset - first, columns)) {
        throw damaged(this.#from, batch.baseOffset, 'its records overlap its end')
      }
    }
    const { count } = columns
    return {
      partition: this.#from.partition,
      first,
      next: this.#position,
      count,
      data,
      starts: columns.starts.subarray(0, count),
      ends: columns.ends.subarray(0, count),
      offsetDeltas: columns.offsetDeltas.subarray(0, count),
      end: Math.max(this.#from.end, this.#position),
    }
  }
}

/** The complete batches at or after the position. A broker may cut the last one short: it comes again. */
function readBatches(from: FetchedRecords): Batch[] {
  const { records } = from
  const batches: Batch[] = []
  let start = 0
  while (start + BATCH_HEADER <= records.length) {
    const end = start + LENGTH_END + records.readInt32BE(start + 8)
    const baseOffset = readOffset(records, start)
    const magic = records[start + 16]!
    if (magic !== 2) {
      throw new MusicFakerError(
        'LOG_REFUSED',
        `${from.topic}, partition ${from.partition}, offset ${baseOffset} is in message format ${magic}; only 2 can be read`,
        { next: 'Copy the topic with a current Kafka client: format 2 is what every version since 0.11 writes.' },
      )
    }
    if (end > records.length) break
    if (end < start + BATCH_HEADER) throw damaged(from, baseOffset, 'its length is impossible')
    const lastOffset = baseOffset + records.readInt32BE(start + 23)
    const count = records.readInt32BE(start + 57)
    if (count < 0 || count > lastOffset - baseOffset + 1) throw damaged(from, baseOffset, 'its count is impossible')
    if (lastOffset >= from.position) {
      const compression = records.readInt16BE(start + 21) & COMPRESSION
      batches.push({ start, end, baseOffset, lastOffset, compression, count, dead: count === 0 })
    }
    start = end
  }
  return batches
}

/**
 * Marks control batches and the batches of aborted transactions dead, as the Java consumer does it: an aborted
 * transaction counts from the first batch that reaches its first offset until its producer's abort marker. The broker
 * lists every aborted transaction that overlaps the fetch, also one that began before it, so no state is kept.
 */
function markAborted(batches: readonly Batch[], from: FetchedRecords): void {
  const { records } = from
  const waiting = from.aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<bigint>()
  let begun = 0
  for (const batch of batches) {
    while (begun < waiting.length && waiting[begun]!.firstOffset <= batch.lastOffset) {
      aborting.add(waiting[begun++]!.producerId)
    }
    const attributes = records.readInt16BE(batch.start + 21)
    if ((attributes & (TRANSACTIONAL | CONTROL)) === 0) continue
    const producerId = records.readBigInt64BE(batch.start + 43)
    if ((attributes & CONTROL) !== 0) {
      batch.dead = true
      if (markerType(records, batch) === ABORT_MARKER) aborting.delete(producerId)
    } else if (aborting.has(producerId)) {
      batch.dead = true
    }
  }
}

/** The type in a control record's key (int16 version, int16 type): 0 abort, 1 commit; undefined where there is none. */
function markerType(records: Buffer, batch: Batch): number | undefined {
  if (batch.count === 0) return undefined
  const cursor: Cursor = { at: batch.start + BATCH_HEADER }
  readVarint(records, cursor)
  cursor.at += 1
  skipVarint(records, cursor)
  readVarint(records, cursor)
  const keyLength = readVarint(records, cursor)
  return keyLength >= 4 && cursor.at + 4 <= batch.end ? records.readInt16BE(cursor.at + 2) : undefined
}

interface Cursor {
  at: number
}

/**
 * Indexes `count` records of `data[start, end)`. `base` is the batch's first offset relative to the run's: records
 * below the run's first offset are left out.
 * @returns false when the bytes are not records
 */
function readRecords(data: Buffer, start: number, end: number, count: number, base: number, out: Columns): boolean {
  const cursor: Cursor = { at: start }
  let n = out.count
  for (let i = 0; i < count; i++) {
    const length = readVarint(data, cursor)
    const recordEnd = cursor.at + length
    if (length < 0 || recordEnd > end) return false
    cursor.at += 1
    skipVarint(data, cursor)
    const delta = base + readVarint(data, cursor)
    const keyLength = readVarint(data, cursor)
    if (keyLength > 0) cursor.at += keyLength
    const valueLength = readVarint(data, cursor)
    const valueStart = cursor.at
    if (valueStart + Math.max(valueLength, 0) > recordEnd) return false
    if (delta >= 0) {
      out.starts[n] = valueLength < 0 ? -1 : valueStart
      out.ends[n] = valueLength < 0 ? -1 : valueStart + valueLength
      out.offsetDeltas[n] = delta
      n++
    }
    cursor.at = recordEnd
  }
  out.count = n
  return true
}

/** A zigzag varint of 32 bits. */
function readVarint(data: Buffer, cursor: Cursor): number {
  let byte = data[cursor.at++]!
  let value = byte & 0x7f
  for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
    byte = data[cursor.at++]!
    value |= (byte & 0x7f) << shift
  }
  return (value >>> 1) ^ -(value & 1)
}

function skipVarint(data: Buffer, cursor: Cursor): void {
  while (data[cursor.at++]! >= 0x80);
}

/** An offset as a plain number. @throws LOG_REFUSED beyond 2^53 */
export function readOffset(buffer: Buffer, at: number): number {
  const offset = buffer.readInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(offset)) throw new MusicFakerError('LOG_REFUSED', 'an offset beyond 2^53 cannot be read')
  return offset
}

function damaged(from: FetchedRecords, offset: number, why: string): MusicFakerError {
  return new MusicFakerError(
    'LOG_REFUSED',
    `the record batch at offset ${offset} of ${from.topic}, partition ${from.partition} is damaged: ${why}`,
    { next: 'Check the disks and the network of the Kafka brokers, then run the command again.' },
  )
}
