import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apportion } from '../../src/stats/apportion.ts'

const sum = (numbers: readonly number[]) => numbers.reduce((all, n) => all + n, 0)

it('adds up to the whole, each part off by less than 1', () => {
  const parts = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 1e9 }), (values, whole) => {
      const all = sum(values)
      const shares = apportion(values, whole)
      expect(sum(shares)).toBe(all === 0 ? 0 : whole)
      for (const [i, share] of shares.entries()) {
        if (all > 1e-3) expect(Math.abs(share - ((values[i] as number) * whole) / all)).toBeLessThan(1.001)
      }
    }),
  )
})

it('leaves whole parts as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1e9)), (values) => {
      expect(apportion(values, sum(values))).toEqual(values)
    }),
  )
})
