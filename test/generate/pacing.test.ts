import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { hasCode } from '../../src/errors.ts'
import { pace, parseRate, parseSpeed, perSecondEvery } from '../../src/generate/pacing.ts'
import { Random } from '../../src/generate/random.ts'
import { FakeClock } from './fake-clock.ts'

const NONSENSE = ['', ' ', '0', '-1', '+5', 'abc', '1e3', '0x10', 'NaN', 'Infinity', '5 5', '1,000', '1_000', '5.', '.']

function refuses(parse: (text: string) => unknown, text: string): void {
  let thrown: unknown
  try {
    thrown = parse(text)
  } catch (error) {
    thrown = error
  }
  expect(hasCode(thrown, 'USAGE'), `${JSON.stringify(text)} gave ${String(thrown)}`).toBe(true)
}

describe('parseRate', () => {
  it.each([
    ['500/s', 500],
    ['500', 500],
    [' 500 / sec ', 500],
    ['30/min', 0.5],
    ['7200/h', 2],
    ['2k/s', 2000],
    ['2K', 2000],
    ['1.5M/hour', 1_500_000 / 3600],
    ['.5/s', 0.5],
    ['100M/s', 100_000_000],
  ])('reads %s', (text, perSecond) => {
    expect(parseRate(text)).toBe(perSecond)
  })

  it.each([...NONSENSE, '0/s', '500/', '/s', '500/d', '500/5s', '500 per s', '101M/s', '5g', '500//s', '60x'])(
    'refuses %j',
    (text) => refuses(parseRate, text),
  )

  it('reads or refuses whatever it is given, and never gives a rate that cannot be kept', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{1,6}[kmx]?(\/[a-z]{0,4})?$/)), (text) => {
        try {
          expect(parseRate(text)).toBeGreaterThan(0)
        } catch (error) {
          expect(hasCode(error, 'USAGE')).toBe(true)
        }
      }),
    )
  })
})

describe('parseSpeed', () => {
  it.each([
    ['60x', 60],
    ['60', 60],
    ['0.5x', 0.5],
    ['1000 X', 1000],
  ])('reads %s', (text, speed) => {
    expect(parseSpeed(text)).toBe(speed)
  })

  it.each([...NONSENSE, '0x', 'x', '60xx', '60/s', '1000001x'])('refuses %j', (text) => refuses(parseSpeed, text))
})

it('an interval of 0 is no pause', () => {
  expect(perSecondEvery(0)).toBeUndefined()
  expect(perSecondEvery(0.5)).toBe(2)
})

describe('pace', () => {
  /** Takes lots until `forMs` have passed; `takes` is how long the caller is busy with each. */
  async function lotsOf(perSecond: number, forMs: number, clock: FakeClock, takes = () => 0, maxBatch = 5000) {
    const stop = new AbortController()
    const lots: { at: number; lot: number }[] = []
    for await (const lot of pace({ perSecond, maxBatch, clock, signal: stop.signal })) {
      lots.push({ at: clock.elapsed(), lot })
      clock.pass(takes())
      if (clock.elapsed() >= forMs) stop.abort()
    }
    return lots
  }
  const dueBy = (at: number, perSecond: number) => Math.floor((at * perSecond) / 1000) + 1

  it('is never ahead, and gives all that is owed whenever it gives, however late timers and caller are', async () => {
    const cases = fc.record({
      perSecond: fc.oneof(
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        fc.double({ min: 10, max: 50_000, noNaN: true }),
      ),
      latest: fc.integer({ min: 0, max: 30 }),
      busiest: fc.integer({ min: 0, max: 200 }),
      seed: fc.integer({ min: 0, max: 1000 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ perSecond, latest, busiest, seed }) => {
        const random = new Random(seed)
        const clock = new FakeClock(0, () => random.float() * latest)
        const lots = await lotsOf(perSecond, 20_000, clock, () => random.float() * busiest)
        let given = 0
        for (const { at, lot } of lots) {
          expect(lot).toBe(Math.min(dueBy(at, perSecond) - given, 5000))
          expect(lot).toBeGreaterThan(0)
          given += lot
        }
      }),
      { numRuns: 30 },
    )
  })

  it.each([0.2, 1, 3, 7.5, 50, 333, 20_000])(
    'does not drift: %d/s over an hour, with late timers',
    async (perSecond) => {
      const random = new Random(1)
      const minutes = perSecond > 1000 ? 1 : 60
      const lots = await lotsOf(perSecond, minutes * 60_000, new FakeClock(0, () => random.float() * 5))
      const given = lots.reduce((sum, { lot }) => sum + lot, 0)
      expect(given).toBe(dueBy(lots.at(-1)!.at, perSecond))
    },
  )

  it('gives single events at their moments where they are slow, and few lots where they are fast', async () => {
    const slow = await lotsOf(2, 5000, new FakeClock())
    expect(slow).toEqual(Array.from({ length: 11 }, (_, i) => ({ at: i * 500, lot: 1 })))

    const fast = await lotsOf(10_000, 1000, new FakeClock())
    expect(fast.length).toBeLessThanOrEqual(51)
    expect(Math.max(...fast.map(({ lot }) => lot))).toBeLessThanOrEqual(200)
  })

  it('makes up for a short standstill at once, in lots of the largest size', async () => {
    const clock = new FakeClock()
    const busy = [0, 3000]
    const lots = await lotsOf(1000, 4000, clock, () => busy.shift() ?? 0, 500)
    expect(lots.slice(2, 8).map(({ lot }) => lot)).toEqual([500, 500, 500, 500, 500, 500])
    expect(lots.reduce((sum, { lot }) => sum + lot, 0)).toBe(dueBy(lots.at(-1)!.at, 1000))
  })

  it('lets go of what a long standstill would owe beyond 5 s, and keeps the rate afterwards', async () => {
    const clock = new FakeClock()
    const busy = [0, 3_600_000]
    const lots = await lotsOf(100, 3_610_000, clock, () => busy.shift() ?? 0)
    const after = lots.slice(2)
    expect(after[0]?.lot).toBe(500)
    const tail = after.slice(1).reduce((sum, { lot }) => sum + lot, 0)
    expect(Math.abs(tail - (lots.at(-1)!.at - after[0]!.at) / 10)).toBeLessThanOrEqual(1)
  })

  it('sleeps rather than spins over the longest intervals, never longer than a timer can', async () => {
    const clock = new FakeClock()
    const day = 86_400_000
    const lots = await lotsOf(1 / (30 * 86_400), 30 * day, clock)
    expect(lots.length).toBe(2)
    expect(Math.abs((lots[1]?.at ?? 0) - 30 * day)).toBeLessThanOrEqual(2)
    expect(clock.sleeps).toBeLessThan(50_000)
    expect(clock.longestSleep).toBeLessThan(2 ** 31)
  })

  it('ends in the middle of a wait when it is told to', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    clock.setAlarm(1234, () => stop.abort())
    let given = 0
    for await (const lot of pace({ perSecond: 0.1, maxBatch: 10, clock, signal: stop.signal })) given += lot
    expect(given).toBe(1)
    expect(clock.elapsed()).toBe(1234)
  })

  it('without a rate gives the largest lot each time, and lets others have their turn', async () => {
    const stop = new AbortController()
    let lots = 0
    setImmediate(() => setImmediate(() => stop.abort()))
    for await (const lot of pace({ perSecond: undefined, maxBatch: 70, clock: systemClock, signal: stop.signal })) {
      expect(lot).toBe(70)
      lots++
    }
    expect(lots).toBeGreaterThan(0)
  })

  it('keeps a real rate by the clock of the machine', async () => {
    const stop = new AbortController()
    const begin = performance.now()
    let given = 0
    for await (const lot of pace({ perSecond: 1000, maxBatch: 100, clock: systemClock, signal: stop.signal })) {
      given += lot
      if (given > 300) stop.abort()
    }
    // 300 events after the first take 300 ms; never less, and more only by one late wake-up.
    expect(performance.now() - begin).toBeGreaterThan(295)
  })
})
