import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import { PARTS, records, tableOf } from '../../src/dashboard/export.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { eventOf } from '../stats/records.ts'
import { Flow, until } from './flow.ts'

const VIEW = 'window=60m&device=Mobile'

let flow: Flow
let dashboard: Dashboard

beforeAll(async () => {
  flow = await Flow.open()
  await flow.generate(400, 30 * 60_000)
  await flow.append(
    ['=cmd|calc', '+1', '-2', '@SUM(A1)', '\t=1', ' =1', '＝1', 'x;=1', 'a,"b"\r\nc'].map((artist) =>
      eventOf({ artist, device: 'Mobile', genre: artist }, Date.now() - 1_000),
    ),
  )
  await flow.archive()
  dashboard = await flow.dashboard()
  await until('the feed has rows', async () => (await snapshot()).recent.rows.length > 0)
})
afterAll(() => flow.close())

const snapshot = async (): Promise<Snapshot> =>
  snapshotSchema.parse(await (await fetch(`${dashboard.url}/api/snapshot?${VIEW}`)).json())
const table = async (part: string, format: string) => {
  const response = await fetch(`${dashboard.url}/api/export?${VIEW}&part=${part}&format=${format}`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-disposition')).toBe(`attachment; filename="music-faker-${part}-60m.${format}"`)
  return response.text()
}

/** RFC 4180, as a spreadsheet reads it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

describe('/api/export', () => {
  it.each(PARTS)('gives %s as a table, the same in CSV and in JSON', async (part) => {
    // What is shown moves on with time; two answers in a row are of the same figures.
    await until('both are the same', async () => {
      const [columns = [], ...rows] = parseCsv(await table(part, 'csv'))
      const json = JSON.parse(await table(part, 'json')) as Record<string, unknown>[]
      expect(rows.length).toBeGreaterThan(0)
      for (const row of rows) expect(row).toHaveLength(columns.length)
      const texts = json.map((record) => Object.values(record).map((value) => (value === null ? '' : String(value))))
      const plain = rows.map((row) => row.map((cell) => cell.replace(/(^|[;\t])'(?=[\s\0]*[=+\-@＝])/, '$1')))
      return JSON.stringify([columns, plain]) === JSON.stringify([Object.keys(json[0] ?? {}), texts])
    })
  })

  it('holds what the view shows', async () => {
    await until('both are of the same moment', async () => {
      const { top, distributions, overTime } = await snapshot()
      const artists = JSON.parse(await table('artists', 'json')) as { artist: string; events: number }[]
      const genres = JSON.parse(await table('genre', 'json')) as { genre: string | null; events: number }[]
      const curve = JSON.parse(await table('over_time', 'json')) as { events: number }[]
      const listed = genres.filter(({ genre }) => genre !== null).map(({ genre, events }) => [genre, events])
      return (
        JSON.stringify(artists.map(({ artist, events }) => [artist, events])) ===
          JSON.stringify(top?.artists.values.map(({ name, events }) => [name, events])) &&
        JSON.stringify(listed) === JSON.stringify(distributions?.genre.values) &&
        JSON.stringify(curve.map(({ events }) => events)) === JSON.stringify(overTime?.events)
      )
    })
  })

  it('writes no text that a spreadsheet takes for a formula', async () => {
    const cells = parseCsv(await table('genre', 'csv')).flat()
    expect(cells).toContain("'=cmd|calc")
    for (const cell of cells) expect(cell).not.toMatch(/(^|[;\t])[\s\0]*[=+\-@\uff1d]/)
  })

  it('keeps each genre apart from the other columns, whatever its name', async () => {
    const now = await snapshot()
    const names = ['Rock', 'events', 'other genres', 'events (genre)', 'from', 'exact', '__proto__']
    const overTime = {
      ...now.overTime!,
      genres: names.map((name, i) => ({ name, values: now.overTime!.events.map(() => 1_000 + i) })),
    }
    const rows = records(tableOf({ ...now, overTime }, 'over_time'))
    expect(rows).toHaveLength(overTime.events.length)
    for (const [i, row] of rows.entries()) {
      expect(Object.entries(row)).toEqual([
        ['from', expect.stringMatching(/^\d{4}-/)],
        ['events', overTime.events[i]],
        ['exact', overTime.exact],
        ['Rock', 1_000],
        ['events (genre)', 1_001],
        ['other genres (genre)', 1_002],
        ['events (genre) (genre)', 1_003],
        ['from (genre)', 1_004],
        ['exact (genre)', 1_005],
        ['__proto__', 1_006],
        ['other genres', overTime.others[i]],
      ])
    }
  })

  it('refuses a part or a format that there is not', async () => {
    for (const query of ['', 'part=users', 'part=genre&format=xlsx']) {
      expect((await fetch(`${dashboard.url}/api/export?${query}`)).status).toBe(400)
    }
  })
})
