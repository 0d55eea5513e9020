/**
 * The headers of the record batches that a fetch brings: where each lies, which offsets it covers, what of it is to be read.
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
import { MusicFakerError } from '../errors.ts'
import { keyOfFirst } from './kafka-columns.ts'

/** Bytes of a batch before its records. */
export const BATCH_HEADER = 61
/** The checksum lies here, and covers what follows it. */
export const CRC_START = 17
export const CRC_END = 21
const LENGTH_END = 12
const COMPRESSION = 0b111
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5
const ABORT_MARKER = 0

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

export interface Batch {
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

/**
 * The complete batches at or after the position, in order. The broker may cut the last one short: it comes again.
 * @throws LOG_REFUSED for a message format, an offset or a header that cannot be read
 */
export function readBatches(from: FetchedRecords): Batch[] {
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
  markAborted(batches, from)
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
  const key = keyOfFirst(records, batch.start + BATCH_HEADER, batch.end)
  return key !== undefined && key.length >= 4 ? key.readInt16BE(2) : undefined
}

/** An offset as a plain number. @throws LOG_REFUSED beyond 2^53 */
function readOffset(buffer: Buffer, at: number): number {
  const offset = buffer.readInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(offset)) throw new MusicFakerError('LOG_REFUSED', 'an offset beyond 2^53 cannot be read')
  return offset
}

/** @param why ends the sentence that names the batch */
export function damaged(from: FetchedRecords, offset: number, why: string): MusicFakerError {
  return new MusicFakerError(
    'LOG_REFUSED',
    `the record batch at offset ${offset} of ${from.topic}, partition ${from.partition} is damaged: ${why}`,
    { next: 'Check the disks and the network of the Kafka brokers, then run the command again.' },
  )
}
