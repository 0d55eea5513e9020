/** Counts distinct whole numbers below 2^48. */
export class DistinctNumbers {
  size = 0
  #slots = new Float64Array(1_024).fill(-1)

  add(value: number): void {
    const mask = this.#slots.length - 1
    let at = (value % 4_294_967_296) & mask
    while (this.#slots[at] !== -1) {
      if (this.#slots[at] === value) return
      at = (at + 1) & mask
    }
    this.#slots[at] = value
    if (++this.size * 2 > mask) this.#grow()
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Float64Array(old.length * 2).fill(-1)
    this.size = 0
    for (const value of old) if (value !== -1) this.add(value)
  }
}
