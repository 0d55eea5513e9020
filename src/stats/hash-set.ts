/** A set of 64-bit hashes in one flat table: open addressing, linear probing, at most half full. */

const FIRST_SLOTS = 16

export class HashSet64 {
  /** Two words a slot; a slot of zeros is free. */
  #slots = new Uint32Array(FIRST_SLOTS * 2)
  #mask = FIRST_SLOTS - 1
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds the hash `first`:`second`; true when it was not there yet. */
  add(first: number, second: number): boolean {
    // All zeros marks a free slot, so that one hash in 2^64 is counted as its neighbour.
    const low = first === 0 && second === 0 ? 1 : second
    const slots = this.#slots
    let slot = low & this.#mask
    for (;;) {
      const a = slots[slot * 2] as number
      const b = slots[slot * 2 + 1] as number
      if (a === first && b === low) return false
      if (a === 0 && b === 0) break
      slot = (slot + 1) & this.#mask
    }
    slots[slot * 2] = first
    slots[slot * 2 + 1] = low
    this.#size++
    if (this.#size * 2 > this.#mask) this.#grow()
    return true
  }

  forEach(visit: (first: number, second: number) => void): void {
    const slots = this.#slots
    for (let at = 0; at < slots.length; at += 2) {
      const first = slots[at] as number
      const second = slots[at + 1] as number
      if (first !== 0 || second !== 0) visit(first, second)
    }
  }

  /** Every hash as eight big-endian bytes, ascending: the same bytes whatever the order of adding. */
  toBytes(): Buffer {
    const values = new BigUint64Array(this.#size)
    let n = 0
    this.forEach((first, second) => {
      values[n++] = (BigInt(first) << 32n) | BigInt(second)
    })
    values.sort()
    const bytes = Buffer.allocUnsafe(n * 8)
    for (let i = 0; i < n; i++) bytes.writeBigUInt64BE(values[i] as bigint, i * 8)
    return bytes
  }

  /** Reads `toBytes`. @returns undefined for bytes that it cannot have written */
  static fromBytes(bytes: Buffer): HashSet64 | undefined {
    if (bytes.length % 8 !== 0) return undefined
    const set = new HashSet64()
    let lastFirst = 0
    let lastSecond = 0
    for (let at = 0; at < bytes.length; at += 8) {
      const first = bytes.readUInt32BE(at)
      const second = bytes.readUInt32BE(at + 4)
      if (first < lastFirst || (first === lastFirst && second <= lastSecond)) return undefined
      set.add(first, second)
      lastFirst = first
      lastSecond = second
    }
    return set
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    this.#mask = old.length - 1
    this.#size = 0
    for (let at = 0; at < old.length; at += 2) {
      const first = old[at] as number
      const second = old[at + 1] as number
      if (first !== 0 || second !== 0) this.add(first, second)
    }
  }
}
