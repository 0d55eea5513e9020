import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import { type Filter, WINDOWS, type Window } from '../../src/dashboard/api-view.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import type { MusicEvent } from '../../src/event.ts'
import { DIMENSIONS } from '../../src/stats/dimensions.ts'
import { Flow, until } from './flow.ts'
import { chosen, countBy, expected, lakeEvents, timeOf } from './lake-figures.ts'

const MINUTE = 60_000
const EVENTS = 3_000
const LOT = 600

let flow: Flow
let dashboard: Dashboard
let events: MusicEvent[]

beforeAll(async () => {
  flow = await Flow.open()
  // Two days, and as many in the last hour, so that each window holds some and none holds all.
  for (const spanMs of [2 * 1_440 * MINUTE, 59 * MINUTE]) {
    // In small batches, so that nothing is sampled away.
    for (let lot = 0; lot < EVENTS / LOT; lot++) {
      await flow.generate(LOT, spanMs)
      await flow.archive()
    }
  }
  dashboard = await flow.dashboard()
  events = await lakeEvents(flow.lake, flow.root)
})
afterAll(() => flow.close())

async function snapshot(window: Window, filter: Filter = {}): Promise<Snapshot> {
  const query = new URLSearchParams({ window })
  for (const [field, values] of Object.entries(filter)) for (const value of values) query.append(field, value)
  const response = await fetch(`${dashboard.url}/api/snapshot?${query}`)
  expect(response.status).toBe(200)
  return snapshotSchema.parse(await response.json())
}

/** The one of now, and the one of five hours ago. */
const HOURS = [0, 5]
  .map((ago) => {
    const at = new Date(Date.now() - ago * 60 * MINUTE)
    return `${at.getUTCDay() || 7}-${at.getUTCHours()}`
  })
  .sort()

const FILTERS: [string, Filter][] = [
  ['no filter', {}],
  ['a country', { country: ['FR'] }],
  ['two genres', { genre: ['Pop', 'Rock'] }],
  ['a device', { device: ['Mobile'] }],
  ['a platform', { platform: ['Spotify'] }],
  ['an action', { action: ['skip'] }],
  ['several fields', { country: ['GB', 'US'], device: ['Mobile'], action: ['play'] }],
  ['what nothing has', { genre: ['__proto__'] }],
  ['two hours of the week', { when: HOURS }],
  ['an hour of the week and a device', { when: HOURS.slice(1), device: ['Mobile'] }],
]
const CASES = (Object.keys(WINDOWS) as Window[]).flatMap((window) =>
  FILTERS.map(([name, filter]) => ({ window, name, filter })),
)

describe('a window and a filter, against the events in the files of the lake', () => {
  it.each(CASES)('$window, $name', async ({ window, filter }) => {
    const found = await snapshot(window, filter)
    const { view, viewTotals, distributions, top, durations, overTime, hours, skips } = found
    if (!view || !viewTotals || !distributions || !top || !durations || !overTime || !hours || !skips) {
      throw new Error('a section is missing')
    }
    const [from, to] = [view.from === null ? Number.NEGATIVE_INFINITY : Date.parse(view.from), Date.parse(view.to)]
    const length = WINDOWS[window]
    if (length !== null) {
      expect(to - from).toBeGreaterThanOrEqual(length * 1_000)
      expect(to - from).toBeLessThan((length + 60) * 1_000)
    }
    const { fields, ...right } = expected(events, from, to, filter)
    if (Object.keys(filter).length === 0 || right.events > 0) expect(right.events).toBeGreaterThan(0)

    expect(view).toMatchObject({ window, filter, unknown: 0, endsAt: 'now' })
    expect(viewTotals).toMatchObject({
      events: { count: right.events, kind: 'exact' },
      users: { count: right.users, kind: 'exact' },
      artists: { count: right.artists, kind: 'exact' },
      tracks: { count: right.tracks, kind: 'exact' },
    })
    for (const field of DIMENSIONS) {
      expect([field, Object.fromEntries(distributions[field].values)]).toEqual([field, fields[field]])
      expect(distributions[field]).toMatchObject({ others: 0, exact: true })
    }
    const { artistCounts, trackCounts } = right
    expect(top.artists.exact && top.tracks.exact).toBe(true)
    for (const { name, events: n } of top.artists.values) expect([name, n]).toEqual([name, artistCounts[name]])
    for (const { name, artist, events: n } of top.tracks.values) expect(n).toBe(trackCounts[`${artist}\n${name}`])
    const first = (counts: Record<string, number>) =>
      Object.values(counts)
        .sort((a, b) => b - a)
        .slice(0, 10)
    expect(top.artists.values.map((value) => value.events)).toEqual(first(artistCounts))
    expect(top.tracks.values.map((value) => value.events)).toEqual(first(trackCounts))

    expect(durations.mean).toBe(right.events === 0 ? null : Math.round((right.seconds / right.events) * 10) / 10)
    expect(durations.buckets.reduce((sum, bucket) => sum + bucket.events, 0)).toBe(right.events)
    expect(hours).toEqual({ matrix: right.hours, unplaced: 0, exact: true })
    expect(skips).toMatchObject({ plays: right.plays, skips: right.skips, exact: true, curve: right.curve })
    expectCurves(found, from, to, filter)
  })

  it('compares with the span of the same length before', async () => {
    for (const [, filter] of FILTERS) {
      const { view, viewTotals, top } = await snapshot('15m', filter)
      const before = viewTotals?.before
      if (!view || !before) throw new Error('a section is missing')
      expect(before.to).toBe(view.from)
      const [from, to] = [Date.parse(before.from), Date.parse(before.to)]
      expect(to - from).toBe(15 * MINUTE)
      const right = expected(events, from, to, filter)
      expect(before).toMatchObject({
        events: { count: right.events, kind: 'exact' },
        users: { count: right.users },
        artists: { count: right.artists },
        tracks: { count: right.tracks },
      })
      expect(top?.artists.comparedWith).toEqual({ from: before.from, to: before.to })
      const ranked = Object.entries(right.artistCounts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      for (const { name, was } of top?.artists.values ?? []) {
        const rank = ranked.slice(0, 100).findIndex(([artist]) => artist === name) + 1
        expect([name, was]).toEqual([name, rank === 0 ? null : rank])
      }
    }
  })
})

function expectCurves({ overTime }: Snapshot, from: number, to: number, filter: Filter): void {
  if (!overTime) throw new Error('a section is missing')
  const { step, events: values, genres, others } = overTime
  const start = Date.parse(overTime.from)
  const inView = chosen(events, from, to, filter)
  const steps = (some: MusicEvent[]) => {
    const counts = countBy(some, (event) => String(Math.floor((timeOf(event) - start) / step / 1_000)))
    return values.map((_, i) => counts[i] ?? 0)
  }
  expect(values.length).toBeLessThanOrEqual(121)
  expect(overTime).toMatchObject({ exact: true, coarser: 0 })
  expect(Date.parse(overTime.to)).toBe(start + values.length * step * 1_000)
  expect(values).toEqual(steps(inView))
  const named = new Set(genres.map(({ name }) => name))
  for (const { name, values: curve } of genres) expect(curve).toEqual(steps(inView.filter((e) => e.genre === name)))
  expect(others).toEqual(steps(inView.filter(({ genre }) => !named.has(genre))))
}

describe('the queries of a view', () => {
  it.each([
    ['window=2m', 'window'],
    ['genre=&genre=Rock', 'genre'],
    [`genre=${'x'.repeat(257)}`, 'genre'],
    [Array.from({ length: 9 }, (_, i) => `genre=${i}`).join('&'), 'genre'],
    ['user=eric04', 'user'],
    ['when=8-1', 'when'],
    ['when=1-24', 'when'],
    ['when=1-01', 'when'],
  ])('refuses %s', async (query, what) => {
    for (const path of ['/api/snapshot', '/api/live']) {
      const response = await fetch(`${dashboard.url}${path}?${query}`)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ code: 'USAGE', detail: expect.stringContaining(what) })
    }
  })

  it('leaves rows of other events out of the feed', async () => {
    await until('the feed has rows', async () => (await snapshot('all')).recent.rows.length > 0)
    const { recent } = await snapshot('all', { device: ['Mobile'] })
    expect(recent.rows.every(({ device }) => device === 'Mobile')).toBe(true)
  })
})

it('tells totals and figures of one moment in one answer, while events come in', async () => {
  const coming = await Flow.open()
  try {
    const { url } = await coming.dashboard()
    let ended = false
    const archived = (async () => {
      for (let lot = 0; lot < 40; lot++) {
        await coming.generate(60)
        await coming.archive()
      }
      ended = true
    })()
    let events = 0
    while (!ended) {
      const answer = await fetch(`${url}/api/snapshot`)
      const { totals, viewTotals } = snapshotSchema.parse(await answer.json())
      expect(viewTotals?.events.count).toBe(totals?.events)
      expect(totals?.events ?? 0).toBeGreaterThanOrEqual(events)
      events = totals?.events ?? 0
    }
    await archived
    expect(events).toBeGreaterThan(0)
  } finally {
    await coming.close()
  }
})
