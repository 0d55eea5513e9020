import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  commitsSchema,
  distributionsSchema,
  lagSchema,
  quarantineSchema,
  realtimeSchema,
  recentSchema,
  seriesSchema,
  snapshotSchema,
  statsSchema,
  topSchema,
} from '../../src/dashboard/api.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import type { MusicEvent } from '../../src/event.ts'
import { Flow, until } from './flow.ts'

const EVENTS = 600
const MINUTE = 60_000

let flow: Flow
let dashboard: Dashboard
let events: MusicEvent[]

beforeAll(async () => {
  flow = await Flow.open()
  events = await flow.generate(EVENTS, 30 * MINUTE)
  await flow.appendRaw('{not json', '[1]', '{"user":"u"}')
  await flow.archive()
  dashboard = await flow.dashboard()
})
afterAll(() => flow.close())

const json = async (path: string) => {
  const response = await fetch(dashboard.url + path)
  expect(response.status).toBe(200)
  return response.json()
}
const keys = async (path: string) => Object.keys(z.looseObject({}).parse(await json(path)))
const stats = async () => statsSchema.parse(await json('/api/stats'))
const metrics = async () => realtimeSchema.parse(await json('/api/realtime_metrics'))
const lag = async () => lagSchema.parse(await json('/api/lag'))
const counts = (field: keyof MusicEvent) => {
  const by = new Map<unknown, number>()
  for (const event of events) by.set(event[field], (by.get(event[field]) ?? 0) + 1)
  return [...by].sort((a, b) => b[1] - a[1])
}

describe('the routes of the Python version', () => {
  it('/api/stats counts what was archived, keys in their old order', async () => {
    const answer = await stats()
    expect((await keys('/api/stats')).slice(0, 5)).toEqual([
      'total_events',
      'unique_artists',
      'unique_tracks',
      'unique_users',
      'last_update',
    ])
    expect(answer).toMatchObject({
      total_events: EVENTS,
      unique_artists: counts('artist').length,
      unique_tracks: new Set(events.map(({ artist, track }) => `${artist}\n${track}`)).size,
      unique_users: counts('user').length,
      exact: { artists: true, tracks: true, users: true },
      quarantined: 3,
    })
  })

  it('/api/stats tells in UTC when the lake was read', async () => {
    const before = Date.now()
    await until('the lake is read again', async () => {
      const { last_update } = await stats()
      expect(last_update).toMatch(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/)
      return last_update >= new Date(before).toISOString().slice(11, 19)
    })
  })

  it('/api/realtime_metrics says that data is fresh, keys in their old order', async () => {
    const answer = await metrics()
    expect((await keys('/api/realtime_metrics')).slice(0, 4)).toEqual([
      'status',
      'total_events',
      'data_freshness',
      'timestamp',
    ])
    expect(answer).toMatchObject({
      status: 'ok',
      total_events: EVENTS,
      data_freshness: 'fresh',
      waiting_events: 0,
    })
    expect(answer.timestamp).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/)
    expect(Math.abs(Date.parse(`${answer.timestamp}Z`) - Date.now())).toBeLessThan(5_000)
  })

  it('take a parameter that gets round a cache', async () => {
    expect(await json('/api/stats?_=1751573276')).toMatchObject({ total_events: EVENTS })
  })
})

describe('figures of the lake', () => {
  it('/api/distributions counts each value of each field', async () => {
    const distributions = distributionsSchema.parse(await json('/api/distributions?limit=1000'))
    for (const field of ['genre', 'platform', 'device', 'action', 'country'] as const) {
      expect(Object.fromEntries(distributions[field].values)).toEqual(Object.fromEntries(counts(field)))
      expect(distributions[field].others).toBe(0)
    }
  })

  it('/api/distributions sums up what the limit leaves out', async () => {
    const { country } = distributionsSchema.parse(await json('/api/distributions?limit=2'))
    expect(country.values).toHaveLength(2)
    expect(country.others + country.values.reduce((sum, [, n]) => sum + n, 0)).toBe(EVENTS)
  })

  it('/api/top ranks artists and tracks', async () => {
    const artists = topSchema.parse(await json('/api/top?limit=3'))
    expect(artists.values.map(({ events: n }) => n)).toEqual(
      counts('artist')
        .slice(0, 3)
        .map(([, n]) => n),
    )
    const tracks = topSchema.parse(await json('/api/top?kind=tracks&limit=1'))
    const { name, artist, events: n } = tracks.values[0]!
    expect(events.filter((event) => event.track === name && event.artist === artist)).toHaveLength(n)
  })

  it('/api/series counts by minute of the event, also over a given range', async () => {
    const series = seriesSchema.parse(await json('/api/series'))
    expect(series.values).toHaveLength(60)
    expect(series.values.reduce((sum, n) => sum + n, 0)).toBe(EVENTS)

    const minute = events[100]!.timestamp.slice(0, 16)
    const [from, to] = [`${minute}:00Z`, new Date(Date.parse(`${minute}:00Z`) + MINUTE).toISOString()]
    const one = seriesSchema.parse(await json(`/api/series?step=minute&from=${from}&to=${to}`))
    expect(one.values).toEqual([events.filter(({ timestamp }) => timestamp.startsWith(minute)).length])
  })

  it('/api/commits lists the records of each partition', async () => {
    const { commits } = commitsSchema.parse(await json('/api/commits?limit=200'))
    expect(commits.reduce((sum, commit) => sum + commit.events, 0)).toBe(EVENTS)
    expect(commits.reduce((sum, commit) => sum + commit.quarantined, 0)).toBe(3)
  })

  it('/api/quarantine counts by reason and names the files', async () => {
    const quarantine = quarantineSchema.parse(await json('/api/quarantine'))
    expect(quarantine.total).toBe(3)
    expect(quarantine.reasons).toEqual({ bad_json: 1, not_an_object: 1, missing_field: 1 })
    for (const file of quarantine.files) {
      expect((await flow.lake.stat(file.path))?.bytes).toBe(file.bytes)
    }
    expect(quarantine.files.reduce((sum, file) => sum + file.messages, 0)).toBe(3)
  })

  it('/api/snapshot holds all of it', async () => {
    const snapshot = snapshotSchema.parse(await json('/api/snapshot'))
    expect(snapshot.totals?.events).toBe(EVENTS)
    expect(snapshot.quarantine?.total).toBe(3)
    expect(snapshot.series?.values.reduce((sum, n) => sum + n, 0)).toBe(EVENTS)
    expect(snapshot.problems).toEqual([])
  })
})

describe('figures of the log', () => {
  it('/api/lag and /api/recent show events that are not archived yet; archiving them shows everywhere', async () => {
    const more = await flow.generate(50)
    await until('50 events wait', async () => (await lag()).waiting === 50)
    for (const { end, archived, lag: waiting } of (await lag()).partitions) expect(waiting).toBe(end - archived)

    const newest = new Set(more.map(({ user, timestamp }) => `${user} ${timestamp}`))
    await until('the feed shows them', async () => {
      const recent = recentSchema.parse(await json('/api/recent?limit=20'))
      return recent.rows.length === 20 && recent.rows.every((row) => newest.has(`${row.user} ${row.timestamp}`))
    })

    await flow.archive()
    await until('all is archived', async () => (await metrics()).waiting_events === 0)
    await until('the totals grow', async () => (await stats()).total_events === EVENTS + 50)
    await until('the group has committed all', async () =>
      (await lag()).partitions.every(({ end, committed }) => committed === end),
    )
  })
})

describe('freshness', () => {
  it('is empty before the first event and stale a minute after the last commit', async () => {
    const other = await Flow.open()
    try {
      const { url } = await other.dashboard()
      const freshness = async () =>
        realtimeSchema.parse(await (await fetch(`${url}/api/realtime_metrics`)).json()).data_freshness
      expect(await freshness()).toBe('empty')
      await other.generate(5, 3 * MINUTE)
      await other.archive(() => Date.now() - 2 * MINUTE)
      await until('it is stale', async () => (await freshness()) === 'stale')
      await other.generate(1)
      await other.archive()
      await until('it is fresh', async () => (await freshness()) === 'fresh')
    } finally {
      await other.close()
    }
  })
})
