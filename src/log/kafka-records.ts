/** Decodes what a fetch brings into LogBatches without an object per record. The format is told in `kafka-headers.ts`. */
import { crc32c } from '@platformatic/kafka'
import { type Columns, indexRecords } from './kafka-columns.ts'
import { decompress, MAX_BATCH_BYTES } from './kafka-decompress.ts'
import {
  BATCH_HEADER,
  type Batch,
  CRC_END,
  CRC_START,
  damaged,
  type FetchedRecords,
  readBatches,
} from './kafka-headers.ts'
import type { LogBatch } from './log.ts'

const INT32_MAX = 0x7fffffff
/** A record of nothing: seven one-byte fields. */
const MIN_RECORD = 7
/** Of a batch that is too large to be unfolded, one run holds so many messages at most: it may claim 2 billion. */
const REFUSED_AT_ONCE = 65_536

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
  /** A batch that is known to be too large: it is not unfolded again for its next run. */
  #refused: Batch | undefined

  /** @throws LOG_REFUSED for a message format or offset that cannot be read */
  constructor(from: FetchedRecords) {
    this.#from = from
    this.#position = from.position
    this.#batches = readBatches(from)
    this.next = Math.max(from.position, (this.#batches.at(-1)?.lastOffset ?? -1) + 1)
  }

  get done(): boolean {
    return this.#taken === this.#batches.length
  }

  /**
   * The next run: uncompressed batches share the fetch's own memory; compressed ones are gathered until they pass
   * `maxBytes`. A run that holds no message (markers, aborted or compacted away) still moves `next`.
   * A batch that would unfold beyond the limit gives runs of its own, which are `refused`.
   * @throws LOG_REFUSED when a batch is damaged
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
        const part = this.#refused === batch ? undefined : this.#payload(batch)
        if (part === undefined && run.length === 0) return this.#refuse(batch)
        if (part === undefined) break
        parts.push(part)
        size += part.length
      }
      run.push(batch)
    }
    const next = this.#nextPosition(run, first)
    const batch = this.#decode(run, first, next, compressed === true ? parts : undefined)
    // Only now: a batch that cannot be read is met again, not passed over.
    this.#taken += run.length
    this.#position = next
    return batch
  }

  #nextPosition(run: readonly Batch[], first: number): number {
    const last = run.at(-1)
    if (last !== undefined) return Math.max(first, last.lastOffset + 1)
    return Math.min(first + INT32_MAX, this.#batches[this.#taken]!.baseOffset)
  }

  /** @returns undefined when it is too large */
  #payload(batch: Batch): Buffer | undefined {
    const { records } = this.#from
    if (crc32c(records.subarray(batch.start + CRC_END, batch.end)) !== records.readUInt32BE(batch.start + CRC_START)) {
      throw damaged(this.#from, batch.baseOffset, 'its checksum does not match')
    }
    const stored = records.subarray(batch.start + BATCH_HEADER, batch.end)
    const body = batch.compression === 0 ? stored : decompress(batch.compression, stored, this.#where(batch))
    if (body === undefined) return undefined
    // Memory is set aside for as many messages as the header claims.
    if (body.length < batch.count * MIN_RECORD) throw damaged(this.#from, batch.baseOffset, 'its count is impossible')
    return body
  }

  /** The next messages of a batch that stays compressed: its first one has it, as it is stored, for its value. */
  #refuse(batch: Batch): LogBatch {
    const first = this.#position
    const begin = Math.max(first, batch.baseOffset)
    // Which offsets compaction has left is not known: the first ones stand for them.
    const left = Math.max(batch.baseOffset + batch.count - begin, 0)
    const count = Math.min(left, REFUSED_AT_ONCE)
    const [starts, ends] = [new Int32Array(count).fill(-1), new Int32Array(count).fill(-1)]
    // Not the first that is read, wherever that is: the same offsets give the same messages each time.
    if (begin === batch.baseOffset && count > 0) {
      starts[0] = batch.start
      ends[0] = batch.end
    }
    this.#refused = batch
    const next = count < left ? begin + count : batch.lastOffset + 1
    if (count === left) this.#taken++
    this.#position = next
    return {
      ...{ partition: this.#from.partition, first, next, count, data: this.#from.records, starts, ends },
      offsetDeltas: Int32Array.from({ length: count }, (_, i) => begin - first + i),
      end: Math.max(this.#from.end, next),
      refused: `${this.#where(batch)}, of ${batch.count} messages, unfolds to more than ${MAX_BATCH_BYTES} bytes; it is kept as it is with the first of them`,
    }
  }

  #where(batch: Batch): string {
    return `the record batch at offset ${batch.baseOffset} of ${this.#from.topic}, partition ${this.#from.partition}`
  }

  /** `parts` are the decompressed bodies of the live batches; undefined where they are read in place. */
  #decode(run: readonly Batch[], first: number, next: number, parts: Buffer[] | undefined): LogBatch {
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
      if (!indexRecords(data, start, end, batch.count, batch.baseOffset - first, columns)) {
        throw damaged(this.#from, batch.baseOffset, 'its records overlap its end')
      }
    }
    const { count } = columns
    return {
      partition: this.#from.partition,
      first,
      next,
      count,
      data,
      starts: columns.starts.subarray(0, count),
      ends: columns.ends.subarray(0, count),
      offsetDeltas: columns.offsetDeltas.subarray(0, count),
      end: Math.max(this.#from.end, next),
    }
  }
}
