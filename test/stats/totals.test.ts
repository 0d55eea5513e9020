import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Totals } from '../../src/stats/totals.ts'
import { anyEvent, batch, claim, eventOf, gap, T0 } from './records.ts'

describe('Totals', () => {
  it('begins empty', () => {
    const snapshot = new Totals().snapshot()
    expect(snapshot).toMatchObject({
      events: 0,
      quarantined: {},
      distinct: { users: { count: 0, exact: true } },
      distributions: { genre: { named: [], other: 0 } },
      topArtists: { entries: [], exact: true },
      durations: { mean: null },
      oldestEvent: null,
      newestEvent: null,
      lastCommit: null,
    })
  })

  it('is the same for a whole as for any split of it, in any order', () => {
    const split = fc.array(fc.array(anyEvent, { maxLength: 40, size: 'max' }), { maxLength: 8 })
    fc.assert(
      fc.property(split, fc.infiniteStream(fc.nat()), (parts, random) => {
        const whole = new Totals()
        whole.add(batch({ seq: 1, first: 0 }, parts.flat()))
        const sum = new Totals()
        const records = parts.map((events, i) => batch({ seq: i + 1, first: 0, at: T0 }, events))
        while (records.length > 0) {
          const [record] = records.splice((random.next().value as number) % records.length, 1)
          if (record) sum.add(record)
        }
        const contents = (totals: Totals) => {
          const { events, distinct, distributions, topArtists, topTracks, durations, oldestEvent, newestEvent } =
            totals.snapshot()
          const parts = { events, distinct, distributions, topArtists, topTracks, durations, oldestEvent, newestEvent }
          return { ...parts, days: totals.series('day', 0, 1e13), minutes: totals.series('minute', 0, 1e13) }
        }
        expect(contents(sum)).toEqual(contents(whole))
        expect(contents(sum).topTracks.exact).toBe(true)
      }),
    )
  })

  it('sums what records say beside their summaries', () => {
    const totals = new Totals()
    totals.add(claim({ seq: 1, first: 0 }))
    totals.add(batch({ seq: 2, first: 0 }, [eventOf()], { quarantined: { bad_json: 2, tombstone: 1 }, skipped: 4 }))
    totals.add(gap({ seq: 3, first: 8 }, 100))
    totals.add(batch({ seq: 4, first: 108 }, [eventOf(), eventOf()], { quarantined: { bad_json: 1 } }))
    expect(totals.snapshot()).toMatchObject({
      events: 3,
      quarantined: { bad_json: 3, tombstone: 1 },
      skipped: 4,
      gaps: 100,
      records: 4,
      files: 2,
      bytes: 600,
      lastCommit: T0 + 4_000,
    })
  })

  it('dates the last commit by batches that hold an event', () => {
    const totals = new Totals()
    totals.add(batch({ seq: 1, first: 0 }, [eventOf()]))
    totals.add(batch({ seq: 2, first: 1 }, [], { quarantined: { bad_json: 1 } }))
    totals.add(claim({ seq: 3, first: 2 }))
    expect(totals.snapshot().lastCommit).toBe(T0 + 1_000)
  })

  it('bounds what top lists may lack when summaries leave something out', () => {
    const totals = new Totals()
    const counts = new Map<string, number>()
    for (let seq = 1; seq <= 6; seq++) {
      const events = Array.from({ length: 1_500 }, (_, i) => {
        const artist = `artist ${Math.floor(900 * (i / 1_500) ** 3 + seq * 20)}`
        counts.set(artist, (counts.get(artist) ?? 0) + 1)
        return eventOf({ artist })
      })
      totals.add(batch({ seq, first: 0 }, events))
    }
    const { entries, exact } = totals.snapshot().topArtists
    expect(entries).toHaveLength(100)
    expect(exact).toBe(false)
    for (const { names, events, atMost } of entries) {
      expect(events).toBeLessThanOrEqual(counts.get(names[0]) ?? 0)
      expect(atMost).toBeGreaterThanOrEqual(counts.get(names[0]) ?? 0)
    }
  })

  it('keeps within bounds when every record brings new names', () => {
    const totals = new Totals()
    for (let seq = 1; seq <= 60; seq++) {
      const events = Array.from({ length: 400 }, (_, i) => {
        const name = `${seq}-${i}`
        return eventOf(
          { genre: name, artist: name, track: name, user: name },
          T0 - seq * 400 * 3_600_000 - i * 3_600_000,
        )
      })
      totals.add(batch({ seq, first: 0 }, [...events, eventOf({ genre: 'Rock' }), eventOf({ genre: 'Rock' })]))
    }
    const { distributions, distinct, topArtists, events } = totals.snapshot()
    expect(events).toBe(60 * 402)
    expect(distributions.genre.named).toHaveLength(1024)
    expect(distributions.genre.named[0]).toEqual(['Rock', 120])
    expect(distributions.genre.named.reduce((sum, [, n]) => sum + n, distributions.genre.other)).toBe(events)
    expect(distinct.users.exact).toBe(false)
    expect(Math.abs(distinct.users.count / 24_001 - 1)).toBeLessThan(0.01)
    expect(topArtists.entries[0]).toMatchObject({ names: ['Carol Moore'], events: 120 })
  })

  it('keeps minutes for a week, hours for a year, days beyond', () => {
    const totals = new Totals()
    const day = 86_400_000
    const days = 1_500
    for (let d = 0; d < days; d++) {
      // Every minute of the newest ten days, one an hour before.
      const stepMs = d < days - 10 ? 3_600_000 : 60_000
      const events = Array.from({ length: day / stepMs }, (_, i) => eventOf({}, T0 + d * day + i * stepMs))
      totals.add(batch({ seq: d + 1, first: 0 }, events))
    }
    const end = T0 + days * day
    const sum = (points: [number, number][]) => points.reduce((all, [, n]) => all + n, 0)
    const week = totals.series('minute', end - 7 * day, end)
    expect([week.points.length, week.coarser]).toEqual([7 * 1440, 0])
    const year = totals.series('hour', end - 365 * day, end)
    expect([year.points.length, year.coarser]).toEqual([365 * 24, 0])
    const all = totals.series('day', T0 - day, end)
    expect([sum(all.points), all.coarser]).toEqual([totals.snapshot().events, 0])
    const old = totals.series('minute', T0, T0 + day)
    expect(old.points).toEqual([])
    expect(old.coarser).toBeGreaterThanOrEqual(24)
  })

  it('refuses a damaged sketch and adds nothing of its record', () => {
    const totals = new Totals()
    totals.add(batch({ seq: 1, first: 0 }, [eventOf()]))
    const before = totals.snapshot()
    const record = batch({ seq: 2, first: 1 }, [eventOf()])
    record.summary.distinct.tracks = { form: 'exact', data: 'AAAA' }
    expect(() => totals.add(record)).toThrow(expect.objectContaining({ code: 'COMMIT_CORRUPT' }))
    expect(totals.snapshot()).toEqual(before)
    expect(totals.snapshot().distinct.users.count).toBe(1)
  })
})
