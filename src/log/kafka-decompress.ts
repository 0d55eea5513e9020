/**
 * Decompresses the records of a batch. Whoever may write to the topic decides what these bytes unfold to, so the size is
 * known to be within `MAX_BATCH_BYTES` before anything is allocated for it (gzip and zstd: before more is).
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'

/** What one batch may unfold to: 64 MiB, as many times Kafka's default limit for a batch. */
export const MAX_BATCH_BYTES = 67_108_864

const GZIP = 1
const SNAPPY = 2
const LZ4 = 3
const ZSTD = 4

/**
 * @param algorithm the number in the batch's attributes
 * @param where     names the batch in errors
 * @returns undefined for what would unfold to more than the limit
 * @throws LOG_REFUSED when the bytes are damaged or the algorithm is unknown
 */
export function decompress(algorithm: number, body: Buffer, where: string): Buffer | undefined {
  try {
    switch (algorithm) {
      case GZIP:
        return gunzipSync(body, { maxOutputLength: MAX_BATCH_BYTES })
      case SNAPPY:
        return snappySize(body) > MAX_BATCH_BYTES ? undefined : compressionsAlgorithms.snappy.decompressSync(body)
      case LZ4:
        return lz4Size(body) > MAX_BATCH_BYTES ? undefined : compressionsAlgorithms.lz4.decompressSync(body)
      case ZSTD:
        return zstdDecompressSync(body, { maxOutputLength: MAX_BATCH_BYTES })
      default:
        throw new Error(`compression ${algorithm} is unknown`)
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw new MusicFakerError('LOG_REFUSED', `cannot decompress ${where}: ${message}`, {
      cause,
      next: 'Check the disks of the Kafka brokers, and which program writes to the topic.',
    })
  }
}

/** The framing that the Java library of snappy writes: 16 bytes of header, then blocks, each after its length. */
const XERIAL = Buffer.from('\x82SNAPPY\0', 'latin1')
const XERIAL_HEADER = 16

function snappySize(body: Buffer): number {
  if (!body.subarray(0, XERIAL.length).equals(XERIAL)) return snappyBlockSize(body, 0)
  let size = 0
  for (let at = XERIAL_HEADER; at + 4 <= body.length; at += 4 + body.readUInt32BE(at)) {
    size += snappyBlockSize(body, at + 4)
  }
  return size
}

/** A snappy block begins with its decompressed length, a varint. */
function snappyBlockSize(body: Buffer, at: number): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = body[at + i] ?? 0
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) break
  }
  return size
}

/** An LZ4 block grows to at most 255 times its length. */
const LZ4_RATIO = 255
const LZ4_CONTENT_SIZE = 1 << 3
const LZ4_DICTIONARY = 1
const LZ4_BLOCK_CHECKSUM = 1 << 4
const LZ4_RAW = 0x8000_0000

/**
 * What an LZ4 frame unfolds to: an upper bound while that is within the limit, else the exact size, found by walking the
 * blocks. The content size that a frame may state is not believed: the decoder notices only afterwards that it was wrong.
 * Frame: magic (4), flags (1), block size (1), content size (8, optional), dictionary id (4, optional), header checksum
 * (1); then blocks, each after its length (4, little-endian; top bit: stored as it is), until a length of 0.
 */
function lz4Size(body: Buffer): number {
  if (body.length * LZ4_RATIO <= MAX_BATCH_BYTES) return body.length * LZ4_RATIO
  const flags = body[4]!
  let at = 7 + (flags & LZ4_CONTENT_SIZE ? 8 : 0) + (flags & LZ4_DICTIONARY ? 4 : 0)
  let size = 0
  while (at + 4 <= body.length && size <= MAX_BATCH_BYTES) {
    const word = body.readUInt32LE(at)
    const length = word & ~LZ4_RAW
    if (word === 0) break
    at += 4
    size += word >= LZ4_RAW ? length : lz4BlockSize(body, at, Math.min(at + length, body.length))
    at += length + (flags & LZ4_BLOCK_CHECKSUM ? 4 : 0)
  }
  return size
}

/** Adds up the sequences of a block: a token, literals, a two-byte distance, a match of at least 4 bytes. */
function lz4BlockSize(body: Buffer, start: number, end: number): number {
  let at = start
  // A length of 15 goes on in the following bytes, until one of them is not 255.
  const lengthFrom = (nibble: number): number => {
    let length = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = body[at++] ?? 0
    return length
  }
  let size = 0
  while (at < end) {
    const token = body[at++]!
    const literals = lengthFrom(token >> 4)
    size += literals
    at += literals + 2
    // The last sequence of a block has no match.
    if (at > end) break
    size += lengthFrom(token & 15) + 4
  }
  return size
}
