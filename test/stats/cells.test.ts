import { describe, expect, it } from 'vitest'
import type { MusicEvent } from '../../src/event.ts'
import { Generator } from '../../src/generate/generator.ts'
import { DIMENSIONS } from '../../src/stats/dimensions.ts'
import { Rows } from '../../src/stats/rows.ts'
import { decodeSample, SAMPLE_ROWS } from '../../src/stats/sample.ts'
import type { Filter } from '../../src/stats/sieve.ts'
import { Totals } from '../../src/stats/totals.ts'
import { viewFigures } from '../../src/stats/view.ts'
import { batch, eventOf, minuteOf, summaryOf, T0 } from './records.ts'

const MINUTE = 60_000

/** `count` generated events, evenly over `spanMs` from T0 on. */
function generated(count: number, spanMs: number, seed = 1): MusicEvent[] {
  const generator = new Generator({ seed, artists: 300, listeners: 2_000 })
  return Array.from({ length: count }, (_, i) => generator.next(T0 + Math.floor((i * spanMs) / count)))
}

function totalsOf(batches: readonly MusicEvent[][]): Totals {
  const totals = new Totals()
  let first = 0
  for (const [i, events] of batches.entries()) {
    totals.add(batch({ seq: i + 1, first }, events))
    first += events.length
  }
  return totals
}

function lots(events: readonly MusicEvent[], size: number): MusicEvent[][] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, i) => events.slice(i * size, i * size + size))
}

const passing = (events: readonly MusicEvent[], filter: Filter) =>
  events.filter((event) => DIMENSIONS.every((field) => filter[field]?.includes(event[field]) ?? true))

describe('the sample of a batch', () => {
  it('holds every event of a small one, in order', () => {
    const events = generated(SAMPLE_ROWS, MINUTE)
    const { sample } = summaryOf(events)
    const { columns, genre, tracks, artists } = decodeSample(sample!, 'test')
    expect(sample).toMatchObject({ of: SAMPLE_ROWS, rows: SAMPLE_ROWS })
    expect(columns.genre.map((i) => genre[i])).toEqual(events.map((event) => event.genre))
    expect(columns.duration).toEqual(events.map(({ duration }) => duration))
    expect(columns.second.map((second) => Math.floor(second / 60))).toEqual(events.map(minuteOf))
    expect(columns.track.map((i) => [artists[tracks[i]![0]], tracks[i]![1]])).toEqual(
      events.map(({ artist, track }) => [artist, track]),
    )
    expect(new Set(columns.user).size).toBe(new Set(events.map(({ user }) => user)).size)
  })

  it.each([SAMPLE_ROWS + 1, 5_000, 100_000])('is bounded and the same for the same batch of %i events', (count) => {
    const events = Array.from({ length: count }, (_, i) => eventOf({ user: `u${i}`, duration: 1 + (i % 300) }))
    const { sample } = summaryOf(events)
    expect(sample!.of).toBe(count)
    expect(sample!.rows).toBeGreaterThan(SAMPLE_ROWS / 3)
    expect(sample!.rows).toBeLessThanOrEqual(SAMPLE_ROWS)
    expect(summaryOf(events).sample).toEqual(sample)
  })

  it('keeps no long name', () => {
    const long = 'x'.repeat(10_000)
    const { sample } = summaryOf([eventOf({ user: long, artist: long, track: long, genre: long })])
    const { artists, tracks, genre } = decodeSample(sample!, 'test')
    expect([artists, tracks, genre]).toEqual([[''], [[0, '']], ['']])
    expect(JSON.stringify(sample).length).toBeLessThan(1_000)
  })

  it.each([{ rows: 2 }, { data: 'AAAA' }, { data: '' }])('refuses one that is damaged: %j', (change) => {
    const { sample } = summaryOf([eventOf()])
    expect(() => decodeSample({ ...sample!, ...change }, 'test')).toThrow(
      expect.objectContaining({ code: 'COMMIT_CORRUPT' }),
    )
  })
})

describe('estimates', () => {
  const events = generated(60_000, 50 * MINUTE)
  const totals = totalsOf(lots(events, 6_000))
  const now = T0 + 50 * MINUTE

  it('are within four standard errors of what they estimate, and say that they are estimates', () => {
    for (const filter of [
      { country: ['FR'] },
      { genre: ['Rock'], device: ['Mobile'] },
      { action: ['skip'] },
    ] as Filter[]) {
      for (const window of [900, 3_600, null]) {
        const { figures, from } = viewFigures(totals, { window, filter, now })
        const since = from === null ? events : events.filter((event) => minuteOf(event) * 60 >= from - 59)
        const right = passing(
          since.filter(({ timestamp }) => Date.parse(`${timestamp}Z`) >= (from ?? 0) * 1_000),
          filter,
        ).length
        // One in twelve or more is in the sample: counts of such a sample err by the square root of twelve times the count.
        expect(Math.abs(figures.events - right)).toBeLessThan(4 * Math.sqrt(16 * right))
        expect([figures.eventsExact, figures.exact, figures.users.kind]).toEqual([false, false, 'at_least'])
      }
    }
  })

  it('add up: the parts of one answer to its total', () => {
    const sum = (numbers: Iterable<number>) => Array.from(numbers).reduce((all, n) => all + n, 0)
    const filters: Filter[] = [{}, { country: ['FR'] }, { action: ['skip'], device: ['Mobile'] }, { when: ['4-20'] }]
    for (const filter of filters) {
      for (const window of [60, 900, 86_400, null]) {
        const { figures } = viewFigures(totals, { window, filter, now })
        const { curve, fields, hours } = figures
        const left = DIMENSIONS.filter((field) => !filter[field])
        for (const { named, other } of left.map((field) => fields[field])) {
          expect(sum(named.map(([, n]) => n)) + other).toBe(figures.events)
        }
        expect([sum(curve.events), sum(figures.durations.buckets)]).toEqual([figures.events, figures.events])
        for (const [i, n] of curve.events.entries()) {
          expect(sum(Array.from(curve.genres.values(), (values) => values[i] as number))).toBe(n)
        }
        if (!filter.when) expect(sum(hours.matrix.flat())).toBe(figures.events)
      }
    }
  })

  it('are not needed while the sample of all time holds every event', () => {
    const some = generated(20_000, 2 * MINUTE)
    const small = totalsOf(lots(some, 500))
    const filter: Filter = { country: ['FR'], action: ['play'] }
    for (const window of [60, 3_600, null]) {
      const { from, figures } = viewFigures(small, { window, filter, now: T0 + 2 * MINUTE })
      const right = passing(some, filter).filter(({ timestamp }) => Date.parse(`${timestamp}Z`) >= (from ?? 0) * 1_000)
      expect(figures).toMatchObject({ events: right.length, eventsExact: true, exact: true, curve: { exact: true } })
      expect(figures.users).toEqual({ count: new Set(right.map(({ user }) => user)).size, kind: 'exact' })
    }
  })

  it('are not needed either for hours so long ago that events are counted by the day only', () => {
    const old = Array.from({ length: 21_000 }, (_, i) => eventOf({}, T0 - i * 3 * 3_600_000))
    const whole = totalsOf(lots(old, 500))
    expect(whole.hours().unplaced).toBeGreaterThan(0)
    // T0 is a Thursday, at 20:00; a week has 56 of these steps.
    const right = old.length / 56
    for (const filter of [{}, { when: ['4-20'] }] as Filter[]) {
      const { events, eventsExact, hours } = viewFigures(whole, { window: null, filter, now }).figures
      expect([events, eventsExact]).toEqual([filter.when ? right : old.length, true])
      expect([hours.matrix[3]?.[20], hours.unplaced, hours.exact]).toEqual([right, 0, true])
    }
  })

  it('are not needed without a filter: whole minutes are counted', () => {
    const { figures, from } = viewFigures(totals, { window: 900, filter: {}, now })
    const since = events.filter(({ timestamp }) => Date.parse(`${timestamp}Z`) >= (from ?? 0) * 1_000)
    expect([from! % 60, figures.eventsExact, figures.exact, figures.curve.exact]).toEqual([0, true, true, true])
    expect(figures.events).toBe(since.length)
    for (const field of DIMENSIONS) {
      for (const [name, n] of figures.fields[field].named) {
        expect(since.filter((event) => event[field] === name)).toHaveLength(n)
      }
    }
    expect(figures.durations.buckets.reduce((sum, n) => sum + n, 0)).toBe(since.length)
  })
})

it('of hours of the week tell of days, too, whose events are in no hour any more', () => {
  const old = Array.from({ length: 60_000 }, (_, i) => eventOf({}, T0 - i * 3 * 3_600_000))
  const whole = new Totals({ fine: 8, older: 8, all: 8_000 })
  for (const [i, events] of lots(old, 500).entries()) whole.add(batch({ seq: i + 1, first: i * 500 }, events))
  const { events, eventsExact } = viewFigures(whole, { window: null, filter: { when: ['4-20'] }, now: T0 }).figures
  // Some 6,000 rows are left: one event in 56 errs by a tenth then.
  expect(Math.abs(events / (old.length / 56) - 1)).toBeLessThan(0.4)
  expect(eventsExact).toBe(false)
})

describe('a window without a filter', () => {
  it('that holds every event shows the totals, sketches included', () => {
    const totals = totalsOf([generated(30_000, 200 * MINUTE)])
    const { events, distinct, distributions, topArtists, topTracks, durations } = totals.snapshot()
    for (const window of [86_400, null]) {
      const { figures } = viewFigures(totals, { window, filter: {}, now: T0 + 201 * MINUTE })
      expect(figures).toMatchObject({ events, eventsExact: true, exact: true, topArtists, topTracks })
      expect(figures.fields).toEqual(distributions)
      expect([figures.users, figures.artists, figures.tracks]).toEqual(
        [distinct.users, distinct.artists, distinct.tracks].map(({ count }) => ({ count, kind: 'exact' })),
      )
      expect(figures.durations.mean).toBe(durations.mean)
      expect(figures.curve.events.reduce((sum, n) => sum + n, 0)).toBe(events)
    }
  })

  it('counts exactly also where a batch is of many minutes', () => {
    const events = generated(30_000, 100 * MINUTE)
    const { figures, from, to } = viewFigures(totalsOf([events]), { window: 3_600, filter: {}, now: T0 + 100 * MINUTE })
    const inside = events.filter((event) => minuteOf(event) * 60 >= (from ?? 0) && minuteOf(event) * 60 < to)
    expect([figures.events, figures.eventsExact, figures.exact]).toEqual([inside.length, true, true])
    expect(Object.fromEntries(figures.fields.action.named).skip).toBe(passing(inside, { action: ['skip'] }).length)
  })
})

describe('a field of more names than a summary lists', () => {
  it('is not called exact, with and without a window: a name that was rare in one batch was left out there', () => {
    const genres = Array.from({ length: 300 }, (_, i) => `genre ${String(i).padStart(3, '0')}`)
    const often = (name: string) => Array.from({ length: 600 }, () => eventOf({ genre: name }))
    const totals = totalsOf([
      [...often('genre 000'), ...genres.map((genre) => eventOf({ genre }))],
      [...often('genre 299'), ...genres.map((genre) => eventOf({ genre }))],
    ])
    expect(totals.snapshot().distributions.genre).toMatchObject({ exact: false })
    expect(totals.snapshot().distributions.genre.named).toContainEqual(['genre 299', 601])
    expect(totals.snapshot().distributions.platform).toEqual({ named: [['Spotify', 1_800]], other: 0, exact: true })
    totals.add(batch({ seq: 3, first: 0 }, [eventOf({}, T0 - 86_400_000)]))
    const { figures } = viewFigures(totals, { window: 3_600, filter: {}, now: T0 + MINUTE })
    expect([figures.events, figures.exact]).toEqual([1_800, true])
    expect([figures.fields.genre.exact, figures.curve.exact, figures.fields.platform.exact]).toEqual([
      false,
      false,
      true,
    ])
  })

  it('is exact as long as only long names are left out', () => {
    const totals = totalsOf([[eventOf(), eventOf({ genre: 'x'.repeat(300) })]])
    expect(totals.snapshot().distributions.genre).toEqual({ named: [['Jazz', 1]], other: 1, exact: true })
  })
})

describe('bounds', () => {
  it('hold whatever comes: minutes, rows and names have their limits', () => {
    const totals = new Totals()
    const RECORDS = 70
    let first = 0
    for (let seq = 1; seq <= RECORDS; seq++) {
      const events = Array.from({ length: 500 }, (_, i) => {
        const name = `${seq} ${i} ${'x'.repeat(200)}`
        return eventOf({ user: name, artist: name, track: name, genre: name, country: 'FR' }, T0 + (first + i) * MINUTE)
      })
      totals.add(batch({ seq, first }, events))
      first += 500
    }
    const { cells } = totals
    expect(cells.minutes.size).toBeLessThanOrEqual(5_000)
    // Six million characters of names of more than 200 each.
    expect(cells.tracks.end).toBeLessThan(30_000)
    expect(cells.all.size).toBe(first)
    expect(cells.names.genre.end).toBeLessThanOrEqual(256)
    expect(cells.floor).toBeGreaterThan(T0 / MINUTE)
    const { figures } = viewFigures(totals, { window: null, filter: { country: ['FR'] }, now: T0 + first * MINUTE })
    expect([figures.events, figures.eventsExact, figures.topTracks.exact]).toEqual([first, true, false])
    // It came, but when all places for genres were taken.
    const genre = [`${RECORDS} 1 ${'x'.repeat(200)}`]
    const missed = viewFigures(totals, { window: 3_600, filter: { genre }, now: T0 + first * MINUTE })
    expect([missed.figures.events, missed.figures.eventsExact]).toEqual([0, false])
  })

  it('of rows: the heavier stay, and the weights of what is left add up', () => {
    let dropped = 0
    const rows = new Rows(() => dropped++)
    const row = { second: 0, genre: 0, platform: 0, device: 0, action: 0, country: 0, track: 0, duration: 1, user: 0 }
    for (let i = 0; i < 10_000; i++) {
      const weight = i % 100 === 0 ? 1_000 : 1
      const chance = ((i * 7_919) % 10_000) / 10_000 + 0.00005
      if (rows.wants(weight, chance)) rows.add({ ...row, weight, chance }, 400)
    }
    expect(rows.size).toBeLessThanOrEqual(400)
    expect(rows.size + dropped).toBeLessThanOrEqual(10_000)
    const heavy = Array.from(rows.columns.weight.subarray(0, rows.size)).filter((weight) => weight === 1_000)
    expect(heavy).toHaveLength(100)
    expect(Math.abs(rows.weights() / (100 * 1_000 + 9_900) - 1)).toBeLessThan(0.05)
  })
})

describe('records of version 1', () => {
  it('count in totals, and are told of where a window cannot know them', () => {
    const totals = new Totals()
    const events = generated(100, 10 * MINUTE)
    const { split, sample, ...old } = summaryOf(events.slice(0, 60))
    totals.add(batch({ seq: 1, first: 0 }, events.slice(0, 60), { summary: { ...old, v: 1 } }))
    totals.add(batch({ seq: 2, first: 60 }, events.slice(60)))
    const now = T0 + 10 * MINUTE
    expect(totals.snapshot().events).toBe(100)
    expect(viewFigures(totals, { window: null, filter: {}, now }).figures).toMatchObject({ events: 100, unknown: 0 })
    const filter = { country: ['US'] }
    for (const window of [3_600, null]) {
      expect(viewFigures(totals, { window, filter, now }).figures).toMatchObject({
        events: passing(events.slice(60), filter).length,
        unknown: 60,
      })
    }
  })
})

describe('a window', () => {
  it('is compared with as much time before, also where it begins and ends with whole minutes', () => {
    // Every minute has more events than it keeps rows, and twelve come a second.
    const totals = totalsOf(lots(generated(43_200, 60 * MINUTE), 720))
    const now = T0 + 30 * MINUTE + 50_000
    for (const window of [60, 300, 900]) {
      const { from, before } = viewFigures(totals, { window, filter: {}, now })
      const seconds = now / 1_000 + 1 - (from as number)
      expect([before?.to, (before?.to ?? 0) - (before?.from ?? 0)]).toEqual([from, seconds])
      expect(Math.abs((before?.figures.events ?? 0) / (12 * seconds) - 1)).toBeLessThan(0.1)
    }
  })

  it('ends with the newest event where that is older than the window', () => {
    const totals = totalsOf([generated(100, 10 * MINUTE)])
    const old = viewFigures(totals, { window: 900, filter: {}, now: T0 + 86_400_000 })
    expect([old.endsAt, old.figures.events]).toEqual(['newest_event', 100])
    const recent = viewFigures(totals, { window: 900, filter: {}, now: T0 + 12 * MINUTE })
    expect([recent.endsAt, recent.to]).toEqual(['now', (T0 + 12 * MINUTE) / 1_000 + 1])
    expect(viewFigures(new Totals(), { window: 900, filter: {}, now: T0 }).figures.events).toBe(0)
  })
})
