import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { committedFiles } from '../../src/archive/files.ts'
import { FIELDS } from '../../src/event.ts'
import { importFiles } from '../../src/import/import.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import { type QueryOptions, query } from '../../src/sql/sql.ts'
import { FilledLake, SUMS, sumsOf } from '../export/filled-lake.ts'

let folder: string
let source: FilledLake

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-sql-test-'))
  source = new FilledLake(openLocalLake({ folder }))
  await source.fill(60)
})
afterEach(() => rm(folder, { recursive: true }))

/** An event of the user `name`, as text: `from` in it is replaced by `to`. */
function event(name: string, from: string, to: string): string {
  const fields = {
    artist: 'a',
    track: 't',
    timestamp: '2025-07-03T20:07:00',
    genre: 'Jazz',
    duration: 7,
    platform: 'p',
  }
  return JSON.stringify({ user: name, ...fields, device: 'd', action: 'like', country: 'FR' }).replace(from, to)
}

function ask(sql: string, options: Partial<QueryOptions> = {}) {
  return query({ sql, lake: source.lake, root: source.root, ...options }, async ({ columns, rows }) => {
    const all: unknown[][] = []
    for await (const row of rows) all.push(row)
    return { columns, rows: all }
  })
}

describe.each([
  ['read where it is', true],
  ['loaded', false],
])('a lake that is %s', (_, inPlace) => {
  const place = () => (inPlace ? { folder } : {})

  it('gives the sums of its lines', async () => {
    const { rows } = await ask(`SELECT ${SUMS} FROM events`, place())
    expect(rows.map((row) => row.map(String))).toEqual([sumsOf(await source.lines())])
  })

  it('gives typed values by name, of the days asked for', async () => {
    const asked = 'SELECT "user", timestamp, duration, count(*) OVER () AS n FROM events ORDER BY "user" LIMIT 1'
    expect(await ask(asked, { ...place(), from: '2025-07-02', until: '2025-07-02' })).toEqual({
      columns: ['user', 'timestamp', 'duration', 'n'],
      rows: [['user1', '2025-07-02 20:07:01.000001', 101, 20]],
    })
  })

  it('begins anew when a file is joined with others before there is a row', async () => {
    const { lake, root } = source
    const list = lake.list.bind(lake)
    const { value: file } = await committedFiles(lake, root).next()
    await lake.rename(file!.path, '/elsewhere')
    let listed = 0
    lake.list = async function* (path, options) {
      if (path === `${root}/_commits` && ++listed === 2) await lake.rename('/elsewhere', file!.path)
      yield* list(path, options)
    }
    expect((await ask('SELECT count(*) FROM events', place())).rows).toEqual([[60]])
    expect(listed).toBe(2)
  })

  it('reads every event, also those that DuckDB refuses', async () => {
    source.put(event('half', '"t"', '"t\\ud83d"'))
    source.put(event('further', '}', ',"further":"\\ud83d","user\\u0020":1}'))
    source.put(event('twice', '"artist":"a"', '"artist":"of which this is not it","artist":"a"'))
    await source.fill(1)
    const asked = `SELECT "user", artist, track, timestamp, duration FROM events WHERE artist = 'a' ORDER BY "user"`
    expect((await ask(asked, place())).rows).toEqual([
      ['further', 'a', 't', '2025-07-03 20:07:00', 7],
      ['half', 'a', 't\ufffd', '2025-07-03 20:07:00', 7],
      ['twice', 'a', 't', '2025-07-03 20:07:00', 7],
    ])
    expect((await ask(`SELECT ${SUMS} FROM events`, place())).rows.map((row) => row.map(String))).toEqual([
      sumsOf(await source.lines()),
    ])
  })

  it('does not look at files that no record names', async () => {
    await source.lake.write(`${source.root}/year=2025/month=07/day=01/batch_x.jsonl`, Buffer.from('not an event\n'))
    expect((await ask('SELECT count(*) FROM events', place())).rows).toEqual([[60]])
  })
})

it.each(['user=bob', 'a*b', "a[1]?'"])(
  'takes nothing from the name of the folder that the lake is in: %s',
  async (name) => {
    const within = join(folder, name)
    source = new FilledLake(openLocalLake({ folder: within }))
    await source.fill(10)
    await cp(within, join(folder, 'aXb'), { recursive: true })
    const { rows } = await ask('DESCRIBE events', { folder: within })
    expect(rows.map(([column]) => column)).toEqual([...FIELDS])
    const asked = 'SELECT count(*), count(DISTINCT "user") FROM events'
    expect((await ask(asked, { folder: within })).rows).toEqual([[10, 10]])
  },
)

describe('an error after the first rows', () => {
  const given: unknown[][] = []
  const failing = (sql: string) =>
    query({ sql, lake: source.lake, root: source.root, folder }, async ({ rows }) => {
      for await (const row of rows) given.push(row)
    }).catch((error) => error)

  it('does not pass for the end, and is told in the words of DuckDB', async () => {
    const sql = `SELECT CASE range WHEN 500000 THEN CAST('a' || range AS INTEGER) END FROM range(1000000)`
    expect(await failing(sql)).toMatchObject({ code: 'USAGE', message: expect.stringContaining("'a500000'") })
    expect(given.length).toBeGreaterThan(0)
  })

  it('that is of an event which DuckDB refuses says how to have that one read', async () => {
    const file = join(folder, 'batch_20250703_200803.jsonl')
    await writeFile(file, `${event('many', '', '')}\n`.repeat(20_000) + event('half', '"t"', '"t\\ud83d"'))
    await importFiles({
      ...{ lake: source.lake, root: source.root, folders: openLocalLake({ folder: '/' }), acceptGap: false },
      origin: { from: 'folder', path: file },
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
    const told = { code: 'USAGE', next: expect.stringContaining('ORDER BY ALL') }
    expect(await failing('SELECT * FROM events')).toMatchObject(told)
    expect((await ask('SELECT "user" FROM events ORDER BY ALL', { folder })).rows).toHaveLength(20_061)
  })
})

it('has an empty table where nothing was archived', async () => {
  expect((await ask('SELECT count(*) FROM events', { root: '/nothing', folder })).rows).toEqual([[0]])
})

it('says that the temporary folder is full when what does not fit into memory does not fit there', async () => {
  const small = "SET memory_limit = '40MB'; SET max_temp_directory_size = '1MB'"
  const sorted = 'SELECT md5(range::VARCHAR) AS text FROM range(1000000) ORDER BY text'
  await expect(ask(`${small}; ${sorted}`, { folder })).rejects.toMatchObject({
    code: 'LAKE_FULL',
    next: expect.stringContaining('TMPDIR'),
  })
})

it('gives every column a name of its own', async () => {
  const { columns, rows } = await ask('SELECT 1 AS a, 2 AS a, 3 AS "a:1", 4 AS a', { folder })
  expect({ columns, rows }).toEqual({ columns: ['a', 'a:2', 'a:1', 'a:3'], rows: [[1, 2, 3, 4]] })
})

it.each(['', ' ', ';', '-- nothing'])('says of a query without a statement that there is none: %j', async (sql) => {
  const told = { code: 'USAGE', message: 'DuckDB refuses the query: there is no statement in it' }
  await expect(ask(sql, { folder })).rejects.toMatchObject(told)
})

it('says what is wrong with a query in the words of DuckDB', async () => {
  await expect(ask('SELECT nonsense FROM events', { folder })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('nonsense'),
    next: expect.stringContaining('country'),
  })
})
