import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_POINTS, STEPS } from '../../src/dashboard/api.ts'
import { dense, lastMoment, seriesRange } from '../../src/dashboard/series.ts'

const T = Date.UTC(2025, 6, 3, 20, 8, 3)
const MINUTE = 60_000
const step = fc.constantFrom('minute', 'hour', 'day')

describe('the range of a series', () => {
  it('is the last 60 steps, the present one included, where nothing is asked', () => {
    const range = seriesRange({ step: 'minute' }, T)
    expect(new Date(range.to).toISOString()).toBe('2025-07-03T20:09:00.000Z')
    expect(range.to - range.from).toBe(60 * MINUTE)
    expect(seriesRange({ step: 'minute' }, Date.UTC(2025, 6, 3, 20, 8)).to).toBe(range.to)
  })

  it('is what was asked, widened to whole steps', () => {
    const range = seriesRange({ step: 'hour', from: '2025-07-03T01:30:00Z', to: '2025-07-03T03:00:00.001Z' }, T)
    expect(range.from).toBe(Date.UTC(2025, 6, 3, 1))
    expect(range.to).toBe(Date.UTC(2025, 6, 3, 4))
  })

  it('always begins and ends at a step, and is refused when empty or too long', () => {
    const time = fc.integer({ min: 0, max: 4e12 })
    fc.assert(
      fc.property(step, time, time, (step, from, to) => {
        const ms = STEPS[step] * 1_000
        const query = { step, from: new Date(from).toISOString(), to: new Date(to).toISOString() }
        const steps = Math.ceil(to / ms) - Math.floor(from / ms)
        if (steps < 1 || steps > MAX_POINTS) {
          expect(() => seriesRange(query, T)).toThrow(expect.objectContaining({ code: 'USAGE' }))
        } else {
          const range = seriesRange(query, T)
          expect([range.from % ms, range.to % ms, (range.to - range.from) / ms]).toEqual([0, 0, steps])
        }
      }),
    )
  })

  it('ends with the newest event only where that is long ago', () => {
    expect(lastMoment('minute', null, T)).toBe(T)
    expect(lastMoment('minute', T - 59 * MINUTE, T)).toBe(T)
    expect(lastMoment('minute', T + 5 * MINUTE, T)).toBe(T)
    expect(lastMoment('minute', T - 61 * MINUTE, T)).toBe(T - 61 * MINUTE)
    expect(lastMoment('hour', T - 61 * MINUTE, T)).toBe(T)
  })
})

describe('dense', () => {
  it('has a number for each step and loses no event of the range', () => {
    const points = fc.uniqueArray(fc.tuple(fc.integer({ min: -5, max: 65 }), fc.nat(1_000)), { selector: ([at]) => at })
    fc.assert(
      fc.property(points, (points) => {
        const range = seriesRange({ step: 'minute' }, T)
        const values = dense(
          range,
          points.map(([i, n]) => [range.from + i * MINUTE, n] as const),
        )
        expect(values).toHaveLength(60)
        for (const [i, n] of points) if (i >= 0 && i < 60) expect(values[i]).toBe(n)
        const inside = points.filter(([i]) => i >= 0 && i < 60).reduce((sum, [, n]) => sum + n, 0)
        expect(values.reduce((sum, n) => sum + n, 0)).toBe(inside)
      }),
    )
  })
})
