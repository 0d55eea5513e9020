import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord } from '../../src/archive/record.ts'
import { formatTimestamp, type MusicEvent } from '../../src/event.ts'
import { DIMENSIONS } from '../../src/stats/dimensions.ts'
import { DURATION_BOUNDS, durationBucket } from '../../src/stats/durations.ts'
import { DistinctSketch } from '../../src/stats/sketch.ts'
import { type Summary, SummaryBuilder, summarySchema } from '../../src/stats/summary.ts'
import { anyEvent, batch, eventOf, minuteOf, summaryOf, T0 } from './records.ts'

/** As it comes back from the lake. */
function stored(summary: Summary): Summary {
  const record = decodeRecord(encodeRecord(batch({ seq: 1, first: 0 }, [], { summary })), 'record')
  if (record.kind !== 'batch') throw new Error('a batch became something else')
  return record.summary
}

describe('SummaryBuilder', () => {
  it('is valid without events', () => {
    const summary = stored(new SummaryBuilder().build())
    expect(summary).toMatchObject({
      v: 2,
      events: 0,
      genre: { named: [], other: 0 },
      time: { oldest: null, newest: null, minutes: [], hours: [], days: [], earlier: 0 },
      duration: { sum: 0 },
      artists: { listed: [], unlisted: 0, most: 0, lack: 0 },
    })
    expect(DistinctSketch.decode(summary.distinct.users, 'test').estimate()).toEqual({ count: 0, exact: true })
  })

  it('counts each part', () => {
    const minute = T0 / 60_000
    const summary = summaryOf([
      eventOf({ timestamp: '2025-07-03T20:00:59.500000', duration: 5 }),
      eventOf({ timestamp: '2025-07-03T20:00:01', user: 'b', genre: 'Rock', duration: 6 }),
      eventOf({ timestamp: '2025-07-03T20:02:00.25', artist: 'Boston', country: 'US', duration: 9_000 }),
      eventOf({ timestamp: '2025-07-03T20:02:30.123456', track: 'Intro', action: 'skip', duration: 1 }),
    ])
    const buckets = Array.from({ length: DURATION_BOUNDS.length + 1 }, () => 0)
    buckets.splice(0, 2, 2, 1)
    buckets.splice(-1, 1, 1)
    expect(summary).toMatchObject({
      v: 2,
      events: 4,
      genre: {
        named: [
          ['Jazz', 3],
          ['Rock', 1],
        ],
        other: 0,
      },
      platform: { named: [['Spotify', 4]], other: 0 },
      device: { named: [['Desktop', 4]], other: 0 },
      action: {
        named: [
          ['like', 3],
          ['skip', 1],
        ],
        other: 0,
      },
      country: {
        named: [
          ['FR', 3],
          ['US', 1],
        ],
        other: 0,
      },
      time: {
        oldest: T0 + 1_000,
        newest: T0 + 150_123,
        minutes: [
          [minute, 2],
          [minute + 2, 2],
        ],
        hours: [],
        days: [],
        earlier: 0,
      },
      duration: { sum: 9_012, buckets },
      artists: {
        listed: [
          ['Carol Moore', 3],
          ['Boston', 1],
        ],
        unlisted: 0,
        most: 0,
        lack: 0,
      },
      tracks: {
        listed: [
          ['Carol Moore', 'MediumAquaMarine Nights - Live', 2],
          ['Boston', 'MediumAquaMarine Nights - Live', 1],
          ['Carol Moore', 'Intro', 1],
        ],
        unlisted: 0,
        most: 0,
        lack: 0,
      },
      distinct: { users: expect.anything(), artists: expect.anything(), tracks: expect.anything() },
    })
    const { users, artists, tracks } = summary.distinct
    expect([users, artists, tracks].map((data) => DistinctSketch.decode(data, 'test').estimate().count)).toEqual([
      2, 2, 3,
    ])
  })

  it('comes back from a commit record as it was', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        const summary = summaryOf(events)
        expect(stored(summary)).toEqual(summary)
      }),
    )
  })

  it('may be built in between, and is the same for the same events', () => {
    const events = Array.from({ length: 50 }, (_, i) =>
      eventOf({ user: `u${i % 7}`, genre: `g${i % 3}` }, T0 + i * 1e6),
    )
    const builder = new SummaryBuilder()
    for (const event of events) {
      builder.add(event, minuteOf(event))
      builder.build()
    }
    expect(builder.build()).toEqual(summaryOf(events))
  })

  it('lists the 200 most frequent artists, and says what it leaves out', () => {
    const events = Array.from({ length: 1_000 }, (_, i) =>
      eventOf({ artist: `artist ${Math.floor(Math.sqrt(i * 300))}` }),
    )
    const { artists } = summaryOf(events)
    expect(artists.listed).toHaveLength(200)
    const listed = artists.listed.reduce((sum, [, n]) => sum + n, 0)
    expect(artists.unlisted).toBe(1_000 - listed)
    expect(artists.lack).toBe(0)
    expect(artists.most).toBeLessThanOrEqual(artists.listed.at(-1)?.[1] ?? 0)
    expect(artists.most).toBeGreaterThan(0)
  })
})

describe('hostile producers', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\ud800', '\u0000', '<script>', '"\\\n'])(
    'may use %j as any name',
    (name) => {
      const fields = { user: name, artist: name, track: name, genre: name, platform: name, device: name, action: name }
      const summary = stored(summaryOf([eventOf(fields), eventOf(fields), eventOf()]))
      for (const dimension of ['genre', 'platform', 'device', 'action'] as const) {
        expect(summary[dimension].named[0]).toEqual([name, 2])
      }
      expect(summary.artists.listed[0]).toEqual([name, 2])
      expect(summary.tracks.listed[0]).toEqual([name, name, 2])
      expect(DistinctSketch.decode(summary.distinct.users, 'test').estimate().count).toBe(2)
    },
  )

  it('cannot make it large, wrong or slow with names and dates without end', () => {
    const long = 'x'.repeat(300)
    const builder = new SummaryBuilder()
    const flood = 100_000
    const began = process.cpuUsage()
    for (let i = 0; i < flood; i++) {
      const name = i % 10 === 0 ? `${long} ${i}` : `name ${i}`
      const fields = { user: name, artist: name, track: name, genre: name, platform: name, device: name, action: name }
      // Every minute of the calendar, back to the year 1, in an order of its own.
      const minute = -((i * 7_919) % 1_000_000_000)
      const event = eventOf(fields, minute * 60_000)
      builder.add({ ...event, timestamp: '2025-07-03T20:00:00' }, minute)
    }
    const usual = eventOf({ genre: 'Rock' })
    for (let i = 0; i < 50; i++) builder.add(usual, minuteOf(usual))
    const summary = stored(builder.build())
    const { user } = process.cpuUsage(began)
    expect(user / 1000).toBeLessThan(10_000)

    expect(summary.events).toBe(flood + 50)
    expect(summary.genre.named[0]).toEqual(['Rock', 50])
    for (const dimension of DIMENSIONS) expect(summary[dimension].named.length).toBeLessThanOrEqual(256)
    const { minutes, hours, days } = summary.time
    expect(minutes.length).toBeLessThanOrEqual(4096)
    expect(hours.length).toBeLessThanOrEqual(1024)
    expect(days.length).toBeLessThanOrEqual(1024)
    expect(minutes.at(-1)).toEqual([T0 / 60_000, 50])
    expect(summary.artists.listed[0]).toEqual(['Carol Moore', 50])
    expect(summary.artists.most).toBeGreaterThanOrEqual(flood / 10)
    const users = DistinctSketch.decode(summary.distinct.users, 'test').estimate().count
    expect(Math.abs(users / (flood + 1) - 1)).toBeLessThan(0.01)
    expect(JSON.stringify(summary).length).toBeLessThan(600_000)
  })

  it('cannot pass off a long name as one that is listed', () => {
    const long = 'x'.repeat(257)
    const summary = summaryOf([
      eventOf({ artist: long }),
      eventOf({ artist: long, track: 'b' }),
      eventOf({ track: long }),
    ])
    expect(summary.artists).toEqual({ listed: [['Carol Moore', 1]], unlisted: 2, most: 2, lack: 0 })
    expect(summary.tracks).toEqual({ listed: [], unlisted: 3, most: 3, lack: 0 })
    expect(DistinctSketch.decode(summary.distinct.tracks, 'test').estimate().count).toBe(3)
  })

  it('tells tracks apart whose artist and title only join to the same text', () => {
    const pairs = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['1', '1:a'],
      ['11', ':a'],
      ['', 'abc'],
      ['abc', ''],
    ]
    const events = pairs.map(([artist, track]) => eventOf({ artist: artist as string, track: track as string }))
    const summary = summaryOf(events)
    expect(summary.tracks.listed).toHaveLength(pairs.length)
    expect(DistinctSketch.decode(summary.distinct.tracks, 'test').estimate().count).toBe(pairs.length)
  })
})

describe('summarySchema', () => {
  const valid = summaryOf([eventOf(), eventOf({ genre: 'Rock' })])
  const minute = {
    ...{ minute: T0 / 60_000, events: 2, genre: [1, 1], platform: [2], device: [2], action: [2], country: [2] },
    duration: valid.duration,
  }

  it.each<[string, object]>([
    ['another version', { v: 3 }],
    ['a version without its parts', { sample: undefined }],
    ['a version with the parts of another', { v: 1 }],
    ['a split that does not add up to the events', { split: [{ ...minute, events: 1 }] }],
    ['a minute with more names than events', { split: [{ ...minute, genre: [3] }] }],
    ['a sample of another number of events', { sample: { ...valid.sample, of: 3 } }],
    ['an unknown part', { cells: [] }],
    ['counts that do not add up to the events', { events: 3 }],
    ['a dimension that does not', { genre: { named: [['Jazz', 3]], other: 0 } }],
    ['a negative count', { genre: { named: [['Jazz', 3]], other: -1 } }],
    ['a list without what it leaves out', { artists: { listed: [['a', 1]], unlisted: 0, most: 0, lack: 0 } }],
    ['a missing bucket', { duration: { sum: 1, buckets: [2] } }],
    ['another sketch', { distinct: { ...valid.distinct, users: { form: 'hll', precision: 12, data: '' } } }],
  ])('refuses %s', (_, change) => {
    expect(summarySchema.safeParse(valid).success).toBe(true)
    const summary = { ...valid, ...change } as Summary
    expect(() => stored(summary)).toThrow(expect.objectContaining({ code: 'COMMIT_CORRUPT' }))
  })

  it('reads version 1, which has neither split nor sample', () => {
    const { split, sample, ...parts } = valid
    const old = { ...parts, v: 1 as const }
    expect(stored(old)).toEqual(old)
  })
})

it('puts every duration in the bucket whose bound it does not exceed', () => {
  for (let seconds = 1; seconds <= 5_000; seconds++) {
    const bucket = durationBucket(seconds)
    expect(seconds).toBeLessThanOrEqual(DURATION_BOUNDS[bucket] ?? 86_400)
    expect(seconds).toBeGreaterThan(DURATION_BOUNDS[bucket - 1] ?? 0)
  }
  expect(durationBucket(86_400)).toBe(DURATION_BOUNDS.length)
})

it('reads the time of an event to the millisecond, whatever its digits', () => {
  fc.assert(
    fc.property(fc.integer({ min: -6e13, max: T0 }), fc.integer({ min: 0, max: 6 }), (at, digits) => {
      const full = formatTimestamp(at)
      const timestamp = digits === 0 ? full.slice(0, 19) : full.slice(0, 20 + digits)
      const event: MusicEvent = eventOf({ timestamp })
      const kept = digits === 0 ? 1000 : 10 ** Math.max(0, 3 - digits)
      expect(summaryOf([event]).time.newest).toBe(Math.floor(at / kept) * kept)
    }),
  )
})
