/**
 * Encodes messages as record batches (format in `kafka-headers.ts`) and assigns keys to partitions. Pure.
 *
 * The batch carries the producer's id and sequence number: sent again as it is, the broker recognises it and appends it
 * only once.
 */
import { crc32c } from '@platformatic/kafka'
import { BATCH_HEADER } from './kafka-headers.ts'
import type { LogMessage } from './log.ts'

/** What makes the broker recognise a batch that comes twice. */
export interface BatchIdentity {
  producerId: bigint
  epoch: number
  /** The first message's number among those that this producer sent to this partition. */
  sequence: number
}

/** Most that a record needs besides key and value: four varints of at most 5 bytes, attributes, time, no headers. */
const RECORD_OVERHEAD = 23
const MAGIC = 2
const NO_LEADER_EPOCH = -1
const CRC_START = 17
const ATTRIBUTES_START = 21

/**
 * How many messages from `from` on fit into a batch of `maxBytes`; at least one, however large.
 */
export function fitting(messages: readonly LogMessage[], from: number, maxBytes: number): number {
  let size = BATCH_HEADER
  let i = from
  for (; i < messages.length; i++) {
    size += recordBound(messages[i]!)
    if (size > maxBytes && i > from) break
  }
  return i - from
}

/**
 * @param messages one at least
 * @param now epoch milliseconds, the time of all of them. Not that of the events: a broker forgets a producer whose newest
 *   message is a day old (`producer.id.expiration.ms`) whenever it starts, and would then append a batch that comes again
 */
export function encodeBatch(messages: readonly LogMessage[], identity: BatchIdentity, now: number): Buffer {
  let bound = BATCH_HEADER
  for (const message of messages) bound += recordBound(message)
  const batch = Buffer.allocUnsafe(bound)
  let at = BATCH_HEADER
  for (let i = 0; i < messages.length; i++) at = writeRecord(batch, at, messages[i]!, i)

  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(at - 12, 8)
  batch.writeInt32BE(NO_LEADER_EPOCH, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(0, ATTRIBUTES_START)
  batch.writeInt32BE(messages.length - 1, 23)
  batch.writeBigInt64BE(BigInt(now), 27)
  batch.writeBigInt64BE(BigInt(now), 35)
  batch.writeBigInt64BE(identity.producerId, 43)
  batch.writeInt16BE(identity.epoch, 51)
  batch.writeInt32BE(identity.sequence, 53)
  batch.writeInt32BE(messages.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_START, at)), CRC_START)
  return batch.subarray(0, at)
}

/** The sequence number `count` messages further on: after 2^31 - 1 comes 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 0x8000_0000
}

const scratch = Buffer.alloc(1024)

/**
 * The partition of a key, as Kafka's Java client assigns it (murmur2 of the key's UTF-8, sign bit cleared, modulo), so
 * that the events of one user stay in one partition whoever produces them.
 */
export function partitionOf(key: string, partitions: number): number {
  // A UTF-16 unit takes at most three bytes.
  const bytes = key.length * 3 <= scratch.length ? scratch : Buffer.alloc(key.length * 3)
  return (murmur2(bytes, bytes.write(key)) & 0x7fffffff) % partitions
}

/** MurmurHash2 (32 bits, by Austin Appleby) with the seed that Kafka uses. */
function murmur2(data: Buffer, length: number): number {
  const M = 0x5bd1e995
  let h = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = Math.imul(data.readInt32LE(at), M)
    k = Math.imul(k ^ (k >>> 24), M)
    h = Math.imul(h, M) ^ k
  }
  const rest = length - at
  if (rest > 0) h = Math.imul(h ^ data.readUIntLE(at, rest), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

function recordBound(message: LogMessage): number {
  return RECORD_OVERHEAD + message.key.length * 3 + message.value.length
}

function writeRecord(batch: Buffer, start: number, message: LogMessage, index: number): number {
  const keyLength = Buffer.byteLength(message.key)
  const { value } = message
  const body =
    // Attributes and the time's difference to the batch's in front, number of headers at the end.
    2 +
    varintSize(zigzag(index)) +
    varintSize(zigzag(keyLength)) +
    keyLength +
    varintSize(zigzag(value.length)) +
    value.length +
    1
  let at = writeVarint(batch, start, zigzag(body))
  batch[at++] = 0
  batch[at++] = 0
  at = writeVarint(batch, at, zigzag(index))
  at = writeVarint(batch, at, zigzag(keyLength))
  at += batch.write(message.key, at)
  at = writeVarint(batch, at, zigzag(value.length))
  batch.set(value, at)
  at += value.length
  batch[at++] = 0
  return at
}

/** Of lengths and indexes, which are never negative and far below 2^30. */
function zigzag(value: number): number {
  return value << 1
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++
  return size
}

function writeVarint(batch: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) batch[at++] = (rest & 0x7f) | 0x80
  batch[at++] = rest
  return at
}
