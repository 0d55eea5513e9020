import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HyperLogLog } from '../../src/stats/hyperloglog.ts'
import { DistinctSketch, EXACT_LIMIT, type SketchData, sketchSchema } from '../../src/stats/sketch.ts'

function sketchOf(values: Iterable<string>): DistinctSketch {
  const sketch = new DistinctSketch()
  for (const value of values) sketch.add(value)
  return sketch
}

function* named(prefix: string, from: number, to: number): Generator<string> {
  for (let i = from; i < to; i++) yield `${prefix} ${i}`
}

function union(...sketches: DistinctSketch[]): DistinctSketch {
  const all = new DistinctSketch()
  for (const sketch of sketches) all.merge(sketch)
  return all
}

describe('counting', () => {
  it('is exact up to 16,384 values and an estimate from the next', () => {
    const sketch = sketchOf(named('listener', 0, EXACT_LIMIT))
    expect(sketch.estimate()).toEqual({ count: 16_384, exact: true })
    for (const value of named('listener', 0, EXACT_LIMIT)) sketch.add(value)
    expect(sketch.estimate()).toEqual({ count: 16_384, exact: true })
    sketch.add('one more')
    const { count, exact } = sketch.estimate()
    expect(exact).toBe(false)
    expect(Math.abs(count / 16_385 - 1)).toBeLessThan(0.01)
  })

  it('never goes back, not even where it becomes an estimate', () => {
    for (let set = 0; set < 12; set++) {
      const sketch = sketchOf(named(`set ${set}`, 0, EXACT_LIMIT))
      let before = EXACT_LIMIT
      for (const value of named(`more of set ${set}`, 0, 100)) {
        sketch.add(value)
        const { count } = sketch.estimate()
        expect(count).toBeGreaterThanOrEqual(before)
        before = count
      }
    }
  })

  it.each([20_000, 100_000, 1_000_000])('estimates %i values to within one in a hundred', (distinct) => {
    const { count, exact } = sketchOf(named('listener', 0, distinct)).estimate()
    expect(exact).toBe(false)
    expect(Math.abs(count / distinct - 1)).toBeLessThan(0.01)
  })

  it('errs as its standard error of 0.29 % says, to both sides', () => {
    const distinct = 30_000
    const errors = Array.from(
      { length: 24 },
      (_, i) => sketchOf(named(`set ${i}`, 0, distinct)).estimate().count / distinct - 1,
    )
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    expect(Math.abs(mean)).toBeLessThan(0.002)
    expect(deviation).toBeLessThan(0.004)
    expect(deviation).toBeGreaterThan(0.0005)
  })
})

it.each([
  [0x0000_4000, 0, 0, 1],
  [0x0000_0001, 0xffff_ffff, 0, 15],
  [0x0000_0000, 0x8000_0000, 0, 16],
  [0x0000_0000, 1, 0, 47],
  [0x0000_0000, 0, 0, 48],
  [0xffff_8000, 0x4000_0000, 2 ** 17 - 1, 17],
])('puts the hash %i:%i into register %i with %i', (first, second, register, value) => {
  const sketch = new HyperLogLog()
  sketch.add(first, second)
  expect(sketch.registers[register]).toBe(value)
  expect(sketch.registers.reduce((sum, n) => sum + n, 0)).toBe(value)
})

describe('merging', () => {
  const sets = fc.array(fc.array(fc.integer({ min: 0, max: 200 }).map(String), { maxLength: 60, size: 'max' }), {
    maxLength: 6,
  })

  it('gives the sketch of the union, in any order and grouping', () => {
    fc.assert(
      fc.property(sets, fc.nat(), (parts, cut) => {
        const whole = sketchOf(parts.flat()).encode()
        const sketches = parts.map(sketchOf)
        const at = cut % (parts.length + 1)
        expect(union(...sketches).encode()).toEqual(whole)
        expect(union(...sketches.toReversed()).encode()).toEqual(whole)
        expect(union(union(...sketches.slice(at)), union(...sketches.slice(0, at))).encode()).toEqual(whole)
        expect(DistinctSketch.decode(whole, 'test').estimate()).toEqual({
          count: new Set(parts.flat()).size,
          exact: true,
        })
      }),
    )
  })

  it('does so across both forms', () => {
    const exact = sketchOf(named('a', 0, 10_000))
    const other = sketchOf(named('a', 5_000, 12_000))
    const dense = sketchOf(named('b', 0, 20_000))
    const whole = sketchOf([...named('a', 0, 12_000), ...named('b', 0, 20_000)]).encode()
    expect(whole.form).toBe('hll')
    for (const order of [
      [exact, other, dense],
      [dense, exact, other],
      [other, dense, exact],
      [union(dense, other), exact],
      [exact, union(other, dense), dense],
    ]) {
      expect(union(...order).encode()).toEqual(whole)
    }
    expect(exact.estimate()).toEqual({ count: 10_000, exact: true })
  })

  it('turns into an estimate exactly when the union passes the limit', () => {
    const half = sketchOf(named('a', 0, EXACT_LIMIT / 2))
    const rest = sketchOf(named('a', EXACT_LIMIT / 2 - 1, EXACT_LIMIT))
    expect(union(half, rest).estimate()).toEqual({ count: EXACT_LIMIT, exact: true })
    expect(union(half, rest, sketchOf(['b'])).estimate().exact).toBe(false)
  })
})

describe('on disk', () => {
  it.each([0, 1, 5_000, EXACT_LIMIT, EXACT_LIMIT + 1, 40_000])('comes back as it was with %i values', (distinct) => {
    const sketch = sketchOf(named('listener', 0, distinct))
    const data = sketchSchema.parse(JSON.parse(JSON.stringify(sketch.encode())))
    const back = DistinctSketch.decode(data, 'test')
    expect(back.estimate()).toEqual(sketch.estimate())
    expect(back.encode()).toEqual(data)
  })

  it('stays small', () => {
    expect(sketchOf(named('a', 0, 5)).encode().data.length).toBeLessThan(60)
    expect(sketchOf(named('a', 0, EXACT_LIMIT)).encode().data.length).toBeLessThan(175_000)
    expect(sketchOf(named('a', 0, 300_000)).encode().data.length).toBeLessThan(70_000)
  })

  const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64')
  const dense = (registers: Uint8Array): SketchData => ({
    form: 'hll',
    precision: 17,
    data: deflateSync(registers).toString('base64'),
  })
  it.each<[string, SketchData]>([
    ['half a hash', { form: 'exact', data: base64(1, 2, 3, 4) }],
    ['hashes out of order', { form: 'exact', data: base64(0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1) }],
    ['a hash twice', { form: 'exact', data: base64(0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2) }],
    ['what is not deflated', { form: 'hll', precision: 17, data: base64(1, 2, 3, 4) }],
    ['too few registers', dense(new Uint8Array(100))],
    ['registers without end', dense(new Uint8Array(10_000_000))],
    ['a register beyond 48', dense(new Uint8Array(2 ** 17).fill(49))],
  ])('refuses %s', (_, data) => {
    expect(() => DistinctSketch.decode(data, 'test')).toThrow(expect.objectContaining({ code: 'COMMIT_CORRUPT' }))
  })
})
