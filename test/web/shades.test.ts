import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bounds, evenBounds, STEPS, stepOf } from '../../web/map/shades.ts'

it.each([bounds, evenBounds])('%o: bounds rise up to the largest number, and every number has its step', (bounds) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e12 }), fc.nat(), (most, n) => {
      const all = bounds(most)
      expect(all.length).toBeGreaterThan(0)
      expect(all.length).toBeLessThanOrEqual(STEPS)
      expect([...all].sort((a, b) => a - b)).toEqual(all)
      expect(all.at(-1)).toBeGreaterThanOrEqual(most)
      expect(stepOf(most, all)).toBe(STEPS)
      const events = n % (most + 1)
      const step = stepOf(events, all)
      expect(step === 0).toBe(events === 0)
      if (step > 0) {
        const i = step - 1 - (STEPS - all.length)
        expect(events).toBeLessThanOrEqual(all[i]!)
        expect(events).toBeGreaterThan(all[i - 1] ?? 0)
      }
    }),
  )
})

it('reads well', () => {
  expect(bounds(7_662)).toEqual([240, 480, 960, 2_000, 3_900, 7_700])
  expect(bounds(3)).toEqual([1, 2, 3])
  expect(bounds(0)).toEqual([])
})
