import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SmallDisk } from '../../regression/small-disk.ts'
import { pageOf } from '../../src/report/page.ts'
import { writeReport } from '../../src/report/report.ts'
import { tablesOf } from '../../src/report/tables.ts'
import { Totals } from '../../src/stats/totals.ts'
import { FilledLake } from '../export/filled-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { batch, eventOf, T0 } from '../stats/records.ts'

const HOSTILE = '</title><img src=x onerror="alert(1)">\u202e\u0007'

let folder: string
let source: FilledLake

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-report-'))
  source = new FilledLake(openMemoryLake())
  await source.fill(60)
})
afterEach(() => rm(folder, { recursive: true }))

function report(day?: string) {
  const { lake, root } = source
  return writeReport({ lake, root, folder, day, now: Date.UTC(2025, 6, 4), signal: new AbortController().signal })
}

const rowsOf = async (name: string) => {
  const [, ...rows] = (await readFile(join(folder, `${name}.csv`), 'utf8')).trim().split('\r\n')
  return rows
}

it('tells of the whole lake without reading an event', async () => {
  const { lake } = source
  const stream = lake.stream.bind(lake)
  const read: string[] = []
  lake.stream = (path) => {
    read.push(path)
    return stream(path)
  }
  expect(await report()).toMatchObject({ statistics: { events: 60, distinct: { users: { count: 60, exact: true } } } })
  expect(read.filter((path) => path.includes('/year='))).toEqual([])
  expect(await rowsOf('countries')).toEqual(['BR,20,0.333333', 'DE,20,0.333333', 'FR,20,0.333333'])
  expect((await rowsOf('events')).reduce((sum, row) => sum + Number(row.split(',')[1]), 0)).toBe(60)
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<dt>events</dt><dd>60</dd>')
})

it('tells of one day what the events of that day say', async () => {
  expect(await report('2025-07-02')).toMatchObject({ statistics: { events: 20 } })
  expect(await rowsOf('countries')).toEqual(['DE,20,1'])
  const days = (await rowsOf('events')).map((row) => row.slice(0, 10))
  expect(new Set(days)).toEqual(new Set(['2025-07-02']))
  expect(await report('2024-01-01')).toMatchObject({ statistics: { events: 0 } })
})

it('leaves no half of a file where one cannot be written', async () => {
  await mkdir(join(folder, 'report.html'))
  await expect(report()).rejects.toMatchObject({ code: 'USAGE', next: expect.stringContaining('--to') })
  expect(await readdir(folder)).toEqual(['report.html'])
})

const refusal = SmallDisk.refusal()
it.skipIf(refusal !== undefined)(`says that the disk is full${refusal ? ` (skipped: ${refusal})` : ''}`, async () => {
  const disk = SmallDisk.mount(folder)
  try {
    disk.fill()
    await expect(report()).rejects.toMatchObject({ code: 'LAKE_FULL', next: expect.stringContaining('--to') })
    expect(await readdir(folder)).toEqual(['filler'])
  } finally {
    disk.unmount()
  }
})

it('keeps what events say from becoming markup or formulas', async () => {
  await source.fill(100, { genre: HOSTILE, platform: '=cmd()' })
  await report()
  const page = await readFile(join(folder, 'report.html'), 'utf8')
  expect(page).toContain('\\u202e')
  expect(page.match(/<(img|script|iframe|object)|onerror="|\p{Cf}/gu)).toBeNull()
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  expect((await rowsOf('platforms'))[0]).toMatch(/^'=cmd\(\),/)
})

it('says what of a ranking is not certain', () => {
  const totals = new Totals()
  const page = () => pageOf({ topic: 't', madeAt: 0 }, totals, [])
  const many = Array.from({ length: 300 }, (_, i) => eventOf({ artist: `a${i}`, track: `t${i}` }))
  // More names than the record of a batch lists, so that it may have had others once.
  totals.add(batch({ seq: 1, first: 0 }, [...many, ...many]))
  expect(page()).not.toContain('than is certain')
  totals.add(
    batch(
      { seq: 2, first: 600 },
      Array.from({ length: 50 }, () => eventOf({ artist: 'z', track: 'z' })),
    ),
  )
  expect(page().match(/than is certain/g)).toHaveLength(2)
  const [artists, tracks] = ['artists', 'tracks'].map((name) => tablesOf(totals).find((table) => table.name === name))
  expect(artists).toMatchObject({ columns: ['rank', 'artist', 'events', 'at_most'] })
  expect(artists?.rows.slice(0, 2)).toEqual([
    [1, 'z', 50, 52],
    [2, 'a0', 2, 2],
  ])
  expect(tracks?.rows[0]).toEqual([1, 'z', 'z', 50, 52])
})

it('says which events are in no hour, and where a field has more names than are counted', () => {
  const totals = new Totals()
  const page = () => pageOf({ topic: 't', madeAt: 0 }, totals, [])
  const day = (i: number) => eventOf({}, T0 - i * 86_400_000)
  totals.add(
    batch(
      { seq: 1, first: 0 },
      Array.from({ length: 6_000 }, (_, i) => day(i)),
    ),
  )
  const { unplaced } = totals.hours()
  expect(unplaced).toBeGreaterThan(0)
  expect(page()).toContain(`${unplaced} older events are in no hour.`)
  expect(page()).not.toContain('so many names')
  totals.add(
    batch(
      { seq: 2, first: 6_000 },
      Array.from({ length: 300 }, (_, i) => eventOf({ genre: `g${i}` })),
    ),
  )
  expect(page().match(/so many names/g)).toHaveLength(1)
})
