import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DIMENSIONS } from '../../src/stats/dimensions.ts'
import type { Rows } from '../../src/stats/rows.ts'
import { Totals } from '../../src/stats/totals.ts'
import { totalsStateSchema } from '../../src/stats/totals-state.ts'
import { anyEvent, batch, claim, eventOf, gap, T0 } from './records.ts'

/** Through its schema, as in a checkpoint. */
function putAway(totals: Totals): Totals {
  const again = new Totals()
  again.merge(totalsStateSchema.parse(structuredClone(totals.encode())), 'a test')
  return again
}

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

  it('counts on from where it was put away, at any moment, as if it had not been', () => {
    const parts = fc.array(fc.array(anyEvent, { maxLength: 30, size: 'max' }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(parts, fc.nat(8), (batches, at) => {
        const records = [
          claim({ seq: 1, first: 0 }),
          ...batches.map((events, i) => batch({ seq: i + 2, first: 0 }, events, { quarantined: { bad_json: i } })),
          gap({ seq: 99, first: 0 }, 7),
        ]
        const whole = new Totals()
        let parted = new Totals()
        for (const [i, record] of records.entries()) {
          if (i === at) parted = putAway(parted)
          whole.add(record)
          parted.add(record)
        }
        expect(putAway(parted).snapshot()).toEqual(whole.snapshot())
        expect(parted.series('minute', 0, 1e13)).toEqual(whole.series('minute', 0, 1e13))
      }),
    )
  })

  it('counts on from where it was put away also beyond its bounds', () => {
    const whole = new Totals()
    let parted = new Totals()
    for (let seq = 1; seq <= 60; seq++) {
      const events = Array.from({ length: 400 }, (_, i) => {
        const name = `${(seq * i) % 5_000}-${i % 7}`
        return eventOf({ genre: name, artist: name, track: name, user: name }, T0 - ((seq * 37) % 60) * 4e10 - i * 6e6)
      })
      const record = batch({ seq, first: 0 }, events)
      whole.add(record)
      parted.add(record)
      if (seq % 25 === 0) parted = putAway(parted)
    }
    expect(parted.encode()).toEqual(whole.encode())
    expect(parted.snapshot()).toEqual(whole.snapshot())
    for (const step of ['minute', 'hour', 'day'] as const) {
      expect(parted.series(step, 0, T0)).toEqual(whole.series(step, 0, T0))
    }
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

describe('what windows and filters are answered from', () => {
  /** All that the cells know, with names in the place of numbers, and rows in an order of their own. */
  function contents({ cells }: Totals) {
    const rowsIn = ({ columns, size, threshold }: Rows) => ({
      threshold,
      rows: Array.from({ length: size }, (_, i) => {
        const track = columns.track[i] as number
        return [
          ...DIMENSIONS.map((dimension) => cells.names[dimension].name(columns[dimension][i] as number)),
          ...[columns.second[i], columns.user[i], columns.weight[i], columns.chance[i], columns.duration[i]],
          ...[cells.tracks.artists.name(cells.tracks.artistOf(track)), cells.tracks.title(track)],
        ].join('|')
      }).sort(),
    })
    const minutes = [...cells.minutes].map(([at, { rows, counts, buckets, ...minute }]) => ({
      ...{ at, events: minute.events, unknown: minute.unknown, counted: minute.counted, seconds: minute.seconds },
      buckets: [...buckets],
      counts: DIMENSIONS.map((d) =>
        [...counts[d]].flatMap((n, i) => (n ? [`${cells.names[d].name(i)}=${n}`] : [])).sort(),
      ),
      rows: rowsIn(rows),
    }))
    const { events, unknown, beyond, floor } = cells
    return { minutes: minutes.sort((a, b) => a.at - b.at), all: rowsIn(cells.all), events, unknown, beyond, floor }
  }

  const limits = { fine: 40, older: 10, all: 100 }

  it('comes back as it was, sampled or whole', () => {
    const totals = new Totals(limits)
    for (let seq = 1; seq <= 300; seq++) {
      const events = Array.from({ length: 20 }, (_, i) =>
        eventOf({ user: `user ${i}`, track: `track ${seq % 50}`, genre: `genre ${i % 5}` }, T0 + (seq % 200) * 60_000),
      )
      totals.add(batch({ seq, first: 0 }, events))
    }
    const again = new Totals(limits)
    again.merge(totalsStateSchema.parse(structuredClone(totals.encode())), 'a test')
    expect(contents(again)).toEqual(contents(totals))
    expect(totals.cells.all.threshold).toBeGreaterThan(0)
  })

  it('is read as version 1 left it', async () => {
    const totals = new Totals({ fine: 8, older: 4, all: 16 })
    for (let seq = 1; seq <= 4; seq++) {
      const events = Array.from({ length: 6 }, (_, i) =>
        eventOf(
          { user: `user ${i}`, track: `track ${(seq + i) % 5}`, genre: `genre ${i % 3}` },
          T0 + (seq % 2) * 60_000,
        ),
      )
      totals.add(batch({ seq, first: 0 }, events))
    }
    const cells = JSON.parse(await readFile(join(import.meta.dirname, 'cells-v1.json'), 'utf8'))
    const again = new Totals({ fine: 8, older: 4, all: 16 })
    again.merge(totalsStateSchema.parse({ ...totals.encode(), cells }), 'a test')
    expect(cells.v).toBe(1)
    expect(contents(again)).toEqual(contents(totals))
    expect(totalsStateSchema.safeParse({ ...totals.encode(), cells: { ...cells, columns: 'AAAA' } }).success).toBe(
      false,
    )
  })

  it('is the same whether it is settled bit by bit or asked for at once', async () => {
    const [settled, asked] = [new Totals(limits), new Totals(limits)]
    for (const totals of [settled, asked]) {
      for (let seq = 1; seq <= 1_100; seq++) totals.add(batch({ seq, first: 0 }, [eventOf({}, T0 + seq * 1_000)]))
    }
    await settled.settle()
    expect(contents(settled)).toEqual(contents(asked))
    expect(settled.cells.events).toBe(1_100)
  })

  it('adds up over partitions, and keeps to its own limits', () => {
    const [one, two, both] = [new Totals(limits), new Totals(limits), new Totals({ fine: 60, older: 20, all: 50 })]
    for (let seq = 1; seq <= 100; seq++) {
      const events = Array.from({ length: 9 }, (_, i) => eventOf({ user: `user ${seq * i}` }, T0 + (seq % 3) * 60_000))
      for (const [partition, totals] of [one, two].entries()) totals.add(batch({ seq, first: 0, partition }, events))
    }
    for (const totals of [one, two]) both.merge(totalsStateSchema.parse(totals.encode()), 'a test')
    expect(both.cells.events).toBe(1_800)
    for (const minute of both.cells.minutes.values()) {
      expect(minute.rows.size).toBeLessThanOrEqual(60)
      expect(minute.counted).toBe(minute.events)
      expect(minute.rows.weights() / minute.events).toBeGreaterThan(0.5)
      expect(minute.rows.weights() / minute.events).toBeLessThan(2)
    }
    expect(both.cells.all.size).toBeLessThanOrEqual(50)
  })

  it('does not know the events of a record whose sample is damaged', () => {
    const totals = new Totals()
    const record = batch({ seq: 1, first: 0 }, [eventOf(), eventOf()])
    record.summary.sample = { ...record.summary.sample!, data: 'AAAA' }
    totals.add(record)
    expect([totals.snapshot().events, totals.cells.events, totals.cells.unknown]).toEqual([2, 0, 2])
  })

  it('refuses rows that refer to no name, or are fewer than it says', () => {
    const totals = new Totals()
    totals.add(batch({ seq: 1, first: 0 }, [eventOf()]))
    const state = totals.encode()
    const spoilt = [
      { ...state.cells, names: { ...state.cells.names, genre: [''] } },
      { ...state.cells, artists: [] },
      { ...state.cells, titles: [''] },
      { ...state.cells, all: { size: 2, threshold: 0 } },
      { ...state.cells, minutes: 2 },
      { ...state.cells, columns: state.cells.columns.subarray(1) },
    ]
    for (const cells of spoilt) expect(totalsStateSchema.safeParse({ ...state, cells }).success).toBe(false)
  })
})
