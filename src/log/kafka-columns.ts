/** Indexes the records of a batch: where each value lies and at which offset, without an object per record. */

/** The messages of a run while it is being filled. */
export interface Columns {
  starts: Int32Array
  ends: Int32Array
  offsetDeltas: Int32Array
  count: number
}

/**
 * Indexes `count` records of `data[start, end)`. `base` is the batch's first offset relative to the run's: records
 * below the run's first offset are left out.
 * @returns false when the bytes are not records
 */
export function indexRecords(
  data: Buffer,
  start: number,
  end: number,
  count: number,
  base: number,
  out: Columns,
): boolean {
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

/** The key of the first record in `data[start, end)`; undefined where it has none. */
export function keyOfFirst(data: Buffer, start: number, end: number): Buffer | undefined {
  const cursor: Cursor = { at: start }
  readVarint(data, cursor)
  cursor.at += 1
  skipVarint(data, cursor)
  readVarint(data, cursor)
  const length = readVarint(data, cursor)
  return length >= 0 && cursor.at + length <= end ? data.subarray(cursor.at, cursor.at + length) : undefined
}

interface Cursor {
  at: number
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
