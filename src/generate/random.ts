/** Seeded randomness: everything that the generator decides comes from here, so that a seed fixes it. */

const TWO_32 = 4_294_967_296
const SEEDING_ROUNDS = 12

/**
 * The small fast counting generator sfc32: 128 bits of state, of which 32 count, so that no seed leads to a period
 * under 2^32. Source: C. Doty-Humphrey, PractRand 0.95 (`sfc32`, with its shifts 9, 3, 21 and its 12 seeding rounds).
 */
export class Random {
  #a = 0
  #b: number
  #c: number
  #counter = 1

  /**
   * @param seed   any 32-bit whole number
   * @param stream separates uses of one seed, so that drawing more in one place changes nothing in another
   */
  constructor(seed: number, stream = 0) {
    this.#b = seed | 0
    this.#c = stream | 0
    for (let round = 0; round < SEEDING_ROUNDS; round++) this.uint32()
  }

  /** Uniform over the whole numbers 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  float(): number {
    return this.uint32() / TWO_32
  }

  /** Uniform over the whole numbers 0 to n - 1; exact to n / 2^32. */
  below(n: number): number {
    return Math.floor((this.uint32() / TWO_32) * n)
  }

  /** One of `items`, each as likely. `items` must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** Standard normal. Source: G. Box and M. Muller, 1958. */
  normal(): number {
    // 1 - float() is never 0, whose logarithm is infinite.
    return Math.sqrt(-2 * Math.log(1 - this.float())) * Math.cos(2 * Math.PI * this.float())
  }

  /** exp(N(mu, sigma^2)): its median is exp(mu). */
  logNormal(mu: number, sigma: number): number {
    return Math.exp(mu + sigma * this.normal())
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float())
  }
}

/**
 * Draws an index with the probability of its weight, in constant time whatever the number of weights.
 * Source: A. Walker, 1977 (alias method), with the table built in linear time after M. Vose, 1991.
 */
export class WeightedChoice {
  /** Out of 2^32: how often a column keeps its own index instead of giving its alias. */
  readonly #keep: Float64Array
  readonly #alias: Uint32Array

  /** @param weights at least one, none negative, not all zero; their sum is free */
  constructor(weights: ArrayLike<number>) {
    const n = weights.length
    let total = 0
    for (let i = 0; i < n; i++) total += weights[i] as number
    this.#keep = new Float64Array(n)
    this.#alias = new Uint32Array(n)

    const scaled = new Float64Array(n)
    const small: number[] = []
    const large: number[] = []
    for (let i = 0; i < n; i++) {
      scaled[i] = ((weights[i] as number) * n) / total
      if ((scaled[i] as number) < 1) small.push(i)
      else large.push(i)
    }
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop() as number
      const rich = large.at(-1) as number
      this.#keep[poor] = (scaled[poor] as number) * TWO_32
      this.#alias[poor] = rich
      scaled[rich] = (scaled[rich] as number) - (1 - (scaled[poor] as number))
      if ((scaled[rich] as number) < 1) {
        large.pop()
        small.push(rich)
      }
    }
    // What rounding leaves on either pile is a full column.
    for (const full of [...small, ...large]) {
      this.#keep[full] = TWO_32
      this.#alias[full] = full
    }
  }

  /** An index, in two draws: one for the column, one for its coin, so that rare weights keep their 32 bits. */
  pick(random: Random): number {
    const column = random.below(this.#keep.length)
    return random.uint32() < (this.#keep[column] as number) ? column : (this.#alias[column] as number)
  }
}
