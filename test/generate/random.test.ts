import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random, WeightedChoice } from '../../src/generate/random.ts'
import { chiSquare } from './chi-square.ts'

/** sfc32 once more, in arithmetic that cannot overflow, to hold the 32-bit form to. */
function* reference(seed: number, stream: number): Generator<number, never> {
  const mask = 0xffff_ffffn
  let [a, b, c, counter] = [0n, BigInt(seed), BigInt(stream), 1n]
  for (let round = 0; ; round++) {
    const sum = (a + b + counter) & mask
    counter = (counter + 1n) & mask
    a = b ^ (b >> 9n)
    b = (c + (c << 3n)) & mask
    c = ((((c << 21n) | (c >> 11n)) & mask) + sum) & mask
    if (round >= 12) yield Number(sum)
  }
}

const draws = (random: Random, count: number) => Array.from({ length: count }, () => random.uint32())

describe('Random', () => {
  it('is sfc32 for every seed and stream', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(uint32, uint32, (seed, stream) => {
        const expected = reference(seed, stream)
        expect(draws(new Random(seed, stream), 50)).toEqual(Array.from({ length: 50 }, () => expected.next().value))
      }),
    )
  })

  it('gives other numbers for another seed and another stream', () => {
    const first = new Set(draws(new Random(1, 0), 1000))
    for (const other of [new Random(2, 0), new Random(1, 1), new Random(0, 1)]) {
      expect(draws(other, 1000).filter((number) => first.has(number)).length).toBeLessThan(3)
    }
  })

  it('spreads evenly, in value and from one draw to the next', () => {
    const random = new Random(7)
    const cells = new Array<number>(64).fill(0)
    const pairs = new Array<number>(64).fill(0)
    for (let i = 0; i < 100_000; i++) {
      const [first, second] = [random.below(8), random.below(8)]
      pairs[first * 8 + second]!++
      cells[random.below(64)]!++
    }
    for (const counts of [cells, pairs]) {
      const { statistic, limit } = chiSquare(counts, new Array<number>(64).fill(1))
      expect(statistic).toBeLessThan(limit)
    }
  })

  it('has the moments of the distributions it names', () => {
    const random = new Random(11)
    const n = 200_000
    const sample = (draw: () => number) => {
      const values = Array.from({ length: n }, draw)
      const mean = values.reduce((sum, x) => sum + x, 0) / n
      const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n)
      return { mean, sd, least: values.reduce((least, x) => Math.min(least, x)) }
    }
    const normal = sample(() => random.normal())
    expect(normal.mean).toBeCloseTo(0, 2)
    expect(normal.sd).toBeCloseTo(1, 2)

    const logarithm = sample(() => Math.log(random.logNormal(3, 0.5)))
    expect(logarithm.mean).toBeCloseTo(3, 2)
    expect(logarithm.sd).toBeCloseTo(0.5, 2)

    const exponential = sample(() => random.exponential(4))
    expect(exponential.mean).toBeGreaterThan(3.95)
    expect(exponential.mean).toBeLessThan(4.05)
    expect(exponential.sd).toBeGreaterThan(3.95)
    expect(exponential.sd).toBeLessThan(4.05)
    expect(exponential.least).toBeGreaterThanOrEqual(0)
  })
})

describe('WeightedChoice', () => {
  const weights = fc
    .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1e3, noNaN: true })), { minLength: 1, maxLength: 40 })
    .filter((list) => list.some((weight) => weight > 0))

  it('draws each index as often as its weight says, and never one without weight', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 1000 }), (list, seed) => {
        const random = new Random(seed)
        const choice = new WeightedChoice(list)
        const counts = new Array<number>(list.length).fill(0)
        for (let i = 0; i < 20_000; i++) counts[choice.pick(random)]!++

        const total = list.reduce((sum, weight) => sum + weight, 0)
        for (const [i, weight] of list.entries()) {
          const expected = (20_000 * weight) / total
          if (weight === 0) expect(counts[i]).toBe(0)
          // Six standard deviations, and one more for the rare ones.
          else expect(Math.abs((counts[i] as number) - expected)).toBeLessThan(6 * Math.sqrt(expected) + 7)
        }
      }),
      { numRuns: 50, seed: 1 },
    )
  })

  it('agrees with the weights as a whole', () => {
    const list = Array.from({ length: 200 }, (_, rank) => 1 / (rank + 1) ** 0.7)
    const random = new Random(5)
    const choice = new WeightedChoice(list)
    const counts = new Array<number>(list.length).fill(0)
    for (let i = 0; i < 400_000; i++) counts[choice.pick(random)]!++
    const { statistic, limit } = chiSquare(counts, list)
    expect(statistic).toBeLessThan(limit)
  })
})
