import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../src/errors.ts'
import { planFlow, presentTimes, requirePast, scheduledTimes } from '../../src/generate/event-time.ts'
import { FakeClock } from './fake-clock.ts'

const START = Date.UTC(2025, 0, 1)
const NOW = Date.UTC(2025, 6, 3)
const DAY_S = 86_400

function usage(run: () => unknown): boolean {
  try {
    run()
  } catch (error) {
    return hasCode(error, 'USAGE')
  }
  return false
}

function expectAscending(times: Float64Array): void {
  for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThanOrEqual(times[i - 1] as number)
  expect(times.every(Number.isSafeInteger)).toBe(true)
}

describe('planFlow', () => {
  it('follows the clock where there is no start', () => {
    expect(planFlow({}, 0.1)).toEqual({ perSecond: undefined, schedule: undefined })
    expect(planFlow({ perSecond: 5 }, 0.1)).toEqual({ perSecond: 5, schedule: undefined })
  })

  it('settles rate, speed and step from a start', () => {
    const plan = (perSecond?: number, speed?: number) => planFlow({ start: START, perSecond, speed }, 0.1)
    expect(plan()).toEqual({ perSecond: undefined, schedule: { start: START, step: 0.1 } })
    expect(plan(50)).toEqual({ perSecond: 50, schedule: { start: START, step: 0.02 } })
    expect(plan(50, 60)).toEqual({ perSecond: 50, schedule: { start: START, step: 1.2 } })
    expect(plan(undefined, 60)).toEqual({ perSecond: 600, schedule: { start: START, step: 0.1 } })
  })

  it('refuses a speed without a start', () => {
    expect(usage(() => planFlow({ speed: 60 }, 0.1))).toBe(true)
  })
})

describe('requirePast', () => {
  const from = (start: number, step = 1, perSecond?: number) => ({ perSecond, schedule: { start, step } })

  it('takes starts from 1970 to now', () => {
    for (const start of [0, START, NOW]) expect(usage(() => requirePast(from(start), undefined, NOW))).toBe(false)
    for (const start of [-1, NOW + 1, Number.NaN])
      expect(usage(() => requirePast(from(start), undefined, NOW))).toBe(true)
    expect(usage(() => requirePast({ perSecond: 1, schedule: undefined }, 1e9, NOW))).toBe(false)
  })

  it('refuses a count that reaches more than a day ahead, having allowed for the time the run takes', () => {
    expect(usage(() => requirePast(from(NOW), DAY_S, NOW))).toBe(false)
    expect(usage(() => requirePast(from(NOW), DAY_S + 1, NOW))).toBe(true)
    expect(usage(() => requirePast(from(NOW, 1, 1), 100 * DAY_S, NOW))).toBe(false)
    expect(usage(() => requirePast(from(NOW, 1, 2), 100 * DAY_S, NOW))).toBe(true)
  })
})

describe('scheduledTimes', () => {
  it('puts each event into its own step, the same ones however they are asked for', () => {
    const cases = fc.record({
      step: fc.double({ min: 1e-5, max: 100, noNaN: true }),
      lots: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      seed: fc.integer({ min: 0, max: 0xffff_ffff }),
    })
    fc.assert(
      fc.property(cases, ({ step, lots, seed }) => {
        const take = scheduledTimes(seed, { start: START, step })
        const times = Float64Array.from(lots.flatMap((count) => [...take(count)]))
        expectAscending(times)
        for (const [event, time] of times.entries()) {
          expect(time).toBeGreaterThanOrEqual(Math.floor(START * 1000 + event * step * 1e6))
          expect(time).toBeLessThanOrEqual(START * 1000 + (event + 1) * step * 1e6)
        }
        expect(scheduledTimes(seed, { start: START, step })(times.length)).toEqual(times)
      }),
    )
  })

  it('fills the microseconds with all that there are', () => {
    const micros = [...scheduledTimes(42, { start: START, step: 0.07 })(20_000)].map((time) => time % 1000)
    expect(new Set(micros).size).toBe(1000)
  })
})

describe('presentTimes', () => {
  it('is never ahead of the clock and never goes back, also when the clock does', () => {
    const steps = fc.array(
      fc.record({ ms: fc.integer({ min: -5000, max: 5000 }), count: fc.integer({ min: 1, max: 300 }) }),
    )
    fc.assert(
      fc.property(steps, (lots) => {
        const clock = new FakeClock(NOW)
        const take = presentTimes(42, clock)
        let latest = 0
        const all: number[] = []
        for (const { ms, count } of lots) {
          clock.pass(ms)
          latest = Math.max(latest, clock.now())
          const times = take(count)
          expect(times.length).toBe(count)
          expect(times.at(-1)).toBeLessThanOrEqual(latest * 1000)
          all.push(...times)
        }
        expectAscending(Float64Array.from(all))
      }),
    )
  })

  it('dates single events to the present millisecond, with microseconds', () => {
    const clock = new FakeClock(NOW)
    const take = presentTimes(42, clock)
    const micros = new Set<number>()
    for (let i = 0; i < 500; i++) {
      clock.pass(1000)
      const [time] = take(1) as unknown as [number]
      expect(clock.now() * 1000 - time).toBeLessThanOrEqual(1000)
      micros.add(time % 1000)
    }
    expect(micros.size).toBeGreaterThan(300)
  })

  it('spreads what was gathered over that time, and a large lot over a second', () => {
    const clock = new FakeClock(NOW)
    const oldest = (count: number, gatherMs?: number) => {
      clock.pass(5000)
      return clock.now() - (presentTimes(42, clock, gatherMs)(count)[0] as number) / 1000
    }
    expect(oldest(100, 250)).toBeGreaterThan(240)
    expect(oldest(100, 250)).toBeLessThanOrEqual(250)
    expect(oldest(100)).toBeLessThanOrEqual(100)
    expect(oldest(8000)).toBeGreaterThan(990)
    expect(oldest(8000)).toBeLessThanOrEqual(1000)
  })
})
