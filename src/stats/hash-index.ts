/**
 * A set of 64-bit hashes, as two signed words each, that numbers them from 0 in the order of their coming, so that values
 * can be kept in plain arrays beside it. One flat table, open addressing, linear probing, at most half full: a look-up costs about one miss
 * of the cache, where a Map keyed by fresh strings costs several.
 */

const FIRST_SLOTS = 16
/** Words a slot: the hash's two, and its number. */
const STRIDE = 3

export class HashIndex {
  /** A slot whose hash is all zeros is free. */
  #slots: Int32Array
  #mask: number
  #size = 0

  /** @param expected as many hashes go in before the table has to grow */
  constructor(expected = 0) {
    let slots = FIRST_SLOTS
    while (slots <= expected * 2) slots *= 2
    this.#slots = new Int32Array(slots * STRIDE)
    this.#mask = slots - 1
  }

  get size(): number {
    return this.#size
  }

  /** The number of the hash `first`:`second`, or -1 when it is not there. */
  find(first: number, second: number): number {
    const at = this.#locate(first, second)
    return this.#isFree(at) ? -1 : (this.#slots[at + 2] as number)
  }

  /** Adds the hash where it is missing. @returns its number */
  add(first: number, second: number): number {
    const at = this.#locate(first, second)
    if (!this.#isFree(at)) return this.#slots[at + 2] as number
    const number = this.#size++
    this.#slots[at] = first
    this.#slots[at + 1] = fixed(first, second)
    this.#slots[at + 2] = number
    if (this.#size * 2 > this.#mask) this.#grow()
    return number
  }

  /** Every hash with its number, in no order that means anything. */
  forEach(visit: (first: number, second: number, number: number) => void): void {
    const slots = this.#slots
    for (let at = 0; at < slots.length; at += STRIDE) {
      if (!this.#isFree(at)) visit(slots[at] as number, slots[at + 1] as number, slots[at + 2] as number)
    }
  }

  /** Every hash as eight big-endian bytes, ascending: the same bytes whatever the order of adding. */
  toBytes(): Buffer {
    const values = new BigUint64Array(this.#size)
    this.forEach((first, second, number) => {
      values[number] = (BigInt(first >>> 0) << 32n) | BigInt(second >>> 0)
    })
    values.sort()
    const bytes = Buffer.allocUnsafe(values.length * 8)
    for (let i = 0; i < values.length; i++) bytes.writeBigUInt64BE(values[i] as bigint, i * 8)
    return bytes
  }

  /** Where the hash is, or the free slot where it belongs. */
  #locate(first: number, second: number): number {
    const slots = this.#slots
    const low = fixed(first, second)
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * STRIDE
      if (slots[at] === first && slots[at + 1] === low) return at
      if (this.#isFree(at)) return at
    }
  }

  #isFree(at: number): boolean {
    return this.#slots[at] === 0 && this.#slots[at + 1] === 0
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    this.#mask = this.#mask * 2 + 1
    for (let from = 0; from < old.length; from += STRIDE) {
      const first = old[from] as number
      const second = old[from + 1] as number
      if (first === 0 && second === 0) continue
      const at = this.#locate(first, second)
      this.#slots[at] = first
      this.#slots[at + 1] = second
      this.#slots[at + 2] = old[from + 2] as number
    }
  }
}

/** All zeros marks a free slot, so that one hash in 2^64 is taken for its neighbour. */
function fixed(first: number, second: number): number {
  return first === 0 && second === 0 ? 1 : second
}
