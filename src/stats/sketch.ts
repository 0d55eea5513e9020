/**
 * Counts distinct texts in bounded memory, and merges: the union of two sketches is the sketch of the union, whatever
 * the order. Up to 16,384 values their 64-bit hashes are kept and the count is exact (two of 16,384 values share a hash
 * once in 10^11 lakes); beyond, HyperLogLog counts to within 1 % (standard error 0.29 %, see `hyperloglog.ts`).
 *
 * On disk, inside a summary:
 *
 *   { "form": "exact", "data": <base64 of the hashes, eight big-endian bytes each, ascending> }
 *   { "form": "hll", "precision": 17, "data": <base64 of the zlib-deflated registers, one byte each> }
 *
 * Hashes are not deflated: evenly spread bits do not get smaller.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib'
import { z } from 'zod'
import { MusicFakerError } from '../errors.ts'
import { hash64 } from './hash.ts'
import { HashIndex } from './hash-index.ts'
import { HyperLogLog, PRECISION } from './hyperloglog.ts'
import { SortedHashes } from './sorted-hashes.ts'

/** The most distinct values that are still counted exactly. */
export const EXACT_LIMIT = 16_384

export const sketchSchema = z.discriminatedUnion('form', [
  z.strictObject({ form: z.literal('exact'), data: z.string().max(Math.ceil((EXACT_LIMIT * 8) / 3) * 4) }),
  z.strictObject({
    form: z.literal('hll'),
    precision: z.literal(PRECISION),
    data: z.string().max(2 ** PRECISION * 2),
  }),
])
export type SketchData = z.infer<typeof sketchSchema>

export interface DistinctCount {
  count: number
  /** False once `count` is an estimate, within 1 %. */
  exact: boolean
}

const words = new Int32Array(2)

export class DistinctSketch {
  #state: HashIndex | SortedHashes | HyperLogLog = new HashIndex()

  add(text: string): void {
    hash64(text, words)
    this.addHash(words[0] as number, words[1] as number)
  }

  /** Adds a value by the two words of its `hash64`. */
  addHash(first: number, second: number): void {
    const state = this.#own()
    state.add(first, second)
    if (state instanceof HashIndex && state.size > EXACT_LIMIT) this.#dense()
  }

  /** Takes in all that `other` has counted; `other` stays as it is. */
  merge(other: DistinctSketch): void {
    const theirs = other.#state
    if (theirs instanceof HyperLogLog) this.#dense().merge(theirs)
    else
      theirs.forEach((first, second) => {
        this.addHash(first, second)
      })
  }

  estimate(): DistinctCount {
    const state = this.#state
    // More than could be counted exactly: else the count would go back, as often as not, when it becomes an estimate.
    if (state instanceof HyperLogLog)
      return { count: Math.max(EXACT_LIMIT + 1, Math.round(state.estimate())), exact: false }
    return { count: state.size, exact: true }
  }

  encode(): SketchData {
    const state = this.#state
    if (!(state instanceof HyperLogLog)) return { form: 'exact', data: state.toBytes().toString('base64') }
    // Registers have no repeats to find, only a skewed spread of values: Huffman coding alone is as small, and faster.
    const packed = deflateSync(state.registers, { strategy: constants.Z_HUFFMAN_ONLY })
    return { form: 'hll', precision: PRECISION, data: packed.toString('base64') }
  }

  /**
   * @param source names where `data` was, in the error
   * @throws COMMIT_CORRUPT when `data` is no sketch
   */
  static decode(data: SketchData, source: string): DistinctSketch {
    const bytes = Buffer.from(data.data, 'base64')
    const state = data.form === 'exact' ? SortedHashes.fromBytes(bytes) : HyperLogLog.fromBytes(inflate(bytes, source))
    if (!state) throw damaged(source)
    const sketch = new DistinctSketch()
    sketch.#state = state
    return sketch
  }

  /** What can be added to. */
  #own(): HashIndex | HyperLogLog {
    const state = this.#state
    if (!(state instanceof SortedHashes)) return state
    const index = new HashIndex(state.size)
    state.forEach((first, second) => {
      index.add(first, second)
    })
    this.#state = index
    return index
  }

  #dense(): HyperLogLog {
    const state = this.#state
    if (state instanceof HyperLogLog) return state
    const dense = new HyperLogLog()
    state.forEach((first, second) => {
      dense.add(first, second)
    })
    this.#state = dense
    return dense
  }
}

function inflate(bytes: Buffer, source: string): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: 2 ** PRECISION })
  } catch (cause) {
    throw damaged(source, cause)
  }
}

function damaged(source: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `a distinct-count sketch of ${source} is damaged`, {
    next: 'Run: music-faker verify',
    cause,
  })
}
