/** The parts that keep statistics bounded: names by dimension, the most frequent names, and time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash64 } from '../../src/stats/hash.ts'
import { Newest } from '../../src/stats/newest.ts'
import { LONGEST_NAME, Tally } from '../../src/stats/tally.ts'
import { Timeline } from '../../src/stats/timeline.ts'
import { TopCounter } from '../../src/stats/top.ts'

const words = new Int32Array(2)

function truth(names: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Few names often, many seldom. */
const names = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 400 }).map(String)), {
  maxLength: 400,
})

describe('Tally', () => {
  it('counts every event, under its name or as other', () => {
    fc.assert(
      fc.property(names, (stream) => {
        const tally = new Tally(8)
        for (const name of stream) tally.add(name)
        const { named, other } = tally.read()
        const counts = truth(stream)
        expect(named.length).toBeLessThanOrEqual(8)
        expect(named.reduce((sum, [, n]) => sum + n, other)).toBe(stream.length)
        for (const [name, n] of named) expect(n).toBeLessThanOrEqual(counts.get(name) ?? 0)
        if (counts.size <= 8) expect(new Map(named)).toEqual(counts)
      }),
    )
  })

  it('sorts by count, then by name', () => {
    const tally = new Tally(8)
    for (const name of ['b', 'a', 'c', 'c', 'B']) tally.add(name)
    expect(tally.read().named).toEqual([
      ['c', 2],
      ['B', 1],
      ['a', 1],
      ['b', 1],
    ])
  })

  it('keeps a frequent name through a flood of rare ones, before and after', () => {
    const tally = new Tally(256)
    for (let i = 0; i < 10_000; i++) tally.add(`junk ${i}`)
    for (let i = 0; i < 1_000; i++) tally.add('Rock')
    for (let i = 0; i < 10_000; i++) tally.add(`rubbish ${i}`)
    const { named, other } = tally.read()
    expect(named[0]).toEqual(['Rock', 1_000])
    expect(named).toHaveLength(256)
    expect(other).toBe(20_000 - 255)
  })

  it('never keeps a name longer than 256', () => {
    const tally = new Tally(8)
    tally.add('x'.repeat(LONGEST_NAME))
    tally.add('x'.repeat(LONGEST_NAME + 1))
    expect(tally.read()).toEqual({ named: [['x'.repeat(256), 1]], other: 1 })
  })
})

describe('TopCounter', () => {
  type Counter = TopCounter<readonly [string]>

  function count(counter: Counter, name: string, n = 1): void {
    hash64(name, words)
    const [first = 0, second = 0] = words
    if (!counter.count(first, second, n)) counter.open(first, second, [name], n)
  }

  function expectBounds(counter: Counter, limit: number, stream: string[]): void {
    const counts = truth(stream)
    const { listed, most } = counter.rank(limit)
    expect(listed.length).toBeLessThanOrEqual(limit)
    for (const {
      names: [name],
      events,
      lack,
    } of listed) {
      const n = counts.get(name) ?? 0
      expect(events).toBeLessThanOrEqual(n)
      expect(events + lack).toBeGreaterThanOrEqual(n)
      counts.delete(name)
    }
    for (const n of counts.values()) expect(n).toBeLessThanOrEqual(most)
  }

  it('is exact while it holds every name, and says how far it may err otherwise', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 2, max: 40 }), (stream, capacity) => {
        const counter: Counter = new TopCounter(capacity)
        for (const name of stream) count(counter, name)
        expectBounds(counter, 5, stream)
        const counts = truth(stream)
        if (counts.size > capacity) return
        const { listed, most } = counter.rank(5)
        const expected = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        expect(listed).toEqual(expected.slice(0, 5).map(([name, events]) => ({ names: [name], events, lack: 0 })))
        expect(most).toBe(expected[5]?.[1] ?? 0)
      }),
    )
  })

  it('bounds the sums of shortened rankings', () => {
    fc.assert(
      fc.property(fc.array(names, { maxLength: 6 }), fc.integer({ min: 2, max: 30 }), (streams, capacity) => {
        const sum: Counter = new TopCounter(capacity)
        for (const stream of streams) {
          const part: Counter = new TopCounter(capacity)
          for (const name of stream) count(part, name)
          const { listed, most } = part.rank(4)
          sum.begin(most, Math.max(0, ...listed.map(({ lack }) => lack)))
          for (const ranked of listed) count(sum, ranked.names[0], ranked.events)
        }
        expectBounds(sum, 5, streams.flat())
      }),
    )
  })

  it('finds what is frequent among far more names than it holds', () => {
    const counter: Counter = new TopCounter(1_000)
    for (let i = 0; i < 50_000; i++) {
      count(counter, `rare ${i}`)
      if (i % 50 === 0) count(counter, `hit ${(i / 50) % 5}`)
    }
    const { listed, most } = counter.rank(5)
    expect(new Set(listed.map(({ names: [name] }) => name))).toEqual(
      new Set(['hit 0', 'hit 1', 'hit 2', 'hit 3', 'hit 4']),
    )
    // Space-Saving: no more than events / names kept through a drop.
    expect(most).toBeLessThanOrEqual(51_000 / 500)
  })
})

describe('Timeline', () => {
  const limits = { minutes: 60, hours: 24, days: 3 }
  const dense = fc.integer({ min: 0, max: 500 })
  const anyMinute = fc.oneof(dense, fc.integer({ min: -100_000, max: 100_000 }))
  const lengths = { maxLength: 500, size: 'max' } as const
  const minutes = fc.oneof(fc.array(dense, lengths), fc.array(anyMinute, lengths))

  it('loses detail of the oldest, never a count', () => {
    fc.assert(
      fc.property(minutes, (stream) => {
        const timeline = new Timeline(limits)
        for (const minute of stream) timeline.add(minute)
        const cells = timeline.cells()
        for (const grain of ['minutes', 'hours', 'days'] as const) {
          expect(cells[grain].length).toBeLessThanOrEqual(limits[grain])
          const starts = cells[grain].map(([at]) => at)
          expect(starts).toEqual(starts.toSorted((a, b) => a - b))
        }
        const sum = [...cells.minutes, ...cells.hours, ...cells.days].reduce((all, [, n]) => all + n, cells.earlier)
        expect(sum).toBe(stream.length)
        const newest = Math.max(...stream)
        if (stream.length > 0) {
          expect(cells.minutes.at(-1)).toEqual([newest, stream.filter((minute) => minute === newest).length])
        }
        const oldestMinute = cells.minutes[0]?.[0] ?? 0
        for (const [hour] of cells.hours) expect(hour * 60 + 59).toBeLessThan(oldestMinute)
      }),
    )
  })

  it('gives the same series for a whole as for its parts, in any step', () => {
    fc.assert(
      fc.property(fc.array(minutes, { maxLength: 4 }), (parts) => {
        const wide = { minutes: 100_000, hours: 100, days: 100 }
        const whole = new Timeline(wide)
        const sum = new Timeline(wide)
        for (const part of parts) {
          const one = new Timeline(wide)
          for (const minute of part) {
            one.add(minute)
            whole.add(minute)
          }
          sum.merge(one.cells())
        }
        for (const step of ['minute', 'hour', 'day'] as const) {
          const expected = whole.series(step, -7e9, 7e9)
          expect(sum.series(step, -7e9, 7e9)).toEqual(expected)
          expect(expected.points.reduce((all, [, n]) => all + n, 0)).toBe(parts.flat().length)
          expect(expected.coarser).toBe(0)
        }
      }),
    )
  })

  it('steps at UTC boundaries, also before 1970, and takes `from` but not `to`', () => {
    const timeline = new Timeline(limits)
    for (const minute of [-1, 0, 59, 60, 1439, 1440]) timeline.add(minute)
    expect(timeline.series('day', -86_400_000, 86_400_000)).toEqual({
      step: 'day',
      points: [
        [-86_400_000, 1],
        [0, 4],
      ],
      coarser: 0,
    })
    expect(timeline.series('hour', 0, 3_600_000).points).toEqual([[0, 2]])
    expect(timeline.series('minute', 60_000 * 60, 60_000 * 1440).points).toEqual([
      [3_600_000, 1],
      [86_340_000, 1],
    ])
  })

  it('says how many are older than all its days: they are in no step, either', () => {
    const timeline = new Timeline(limits)
    const DAYS = 500
    for (let day = 0; day < DAYS; day++) timeline.add(day * 1_440)
    const { days, earlier } = timeline.cells()
    expect(earlier).toBeGreaterThan(0)
    for (const step of ['minute', 'hour', 'day'] as const) {
      const { points, coarser } = timeline.series(step, 0, DAYS * 86_400_000)
      expect(points.reduce((all, [, n]) => all + n, coarser)).toBe(DAYS)
    }
    const [oldest = 0] = days[0] ?? []
    expect(timeline.series('day', (oldest + 1) * 86_400_000, DAYS * 86_400_000).coarser).toBe(0)
  })

  it('says how many events it knows by a longer step only', () => {
    const timeline = new Timeline(limits)
    for (let minute = 0; minute < 200; minute++) timeline.add(minute)
    timeline.cells()
    const { points, coarser } = timeline.series('minute', 0, 200 * 60_000)
    expect(points.length + coarser).toBe(200)
    expect(points.length).toBeLessThanOrEqual(60)
    expect(timeline.series('minute', 190 * 60_000, 200 * 60_000)).toMatchObject({ coarser: 0, points: { length: 10 } })
    expect(timeline.series('hour', 0, 200 * 60_000).points).toEqual([
      [0, 60],
      [3_600_000, 60],
      [7_200_000, 60],
      [10_800_000, 20],
    ])
  })
})

describe('Newest', () => {
  it('keeps the newest, whatever the order in which they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60, size: 'max' }), (times) => {
        const newest = new Newest<number>(10)
        for (const time of times) newest.add(time, time)
        expect(newest.read(10)).toEqual(times.toSorted((a, b) => b - a).slice(0, 10))
        expect(newest.read(3)).toHaveLength(Math.min(3, times.length))
      }),
    )
  })

  it('puts the later of two of one time first', () => {
    const newest = new Newest<string>(3)
    for (const item of ['a', 'b', 'c', 'd']) newest.add(1, item)
    expect(newest.read(3)).toEqual(['d', 'c', 'b'])
  })
})
