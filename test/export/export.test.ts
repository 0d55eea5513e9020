import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { committedFiles } from '../../src/archive/files.ts'
import { type ExportOptions, exportLake } from '../../src/export/export.ts'
import { importFiles } from '../../src/import/import.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import { filesBelow } from '../archive/lake-contents.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { duckdb, FilledLake, SUMS, sumsOf } from './filled-lake.ts'
import { killedAt } from './killed.ts'

const TO = '/export'

let folder: string
let source: FilledLake

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-export-'))
  source = new FilledLake(openMemoryLake())
  await source.fill(100)
})
afterEach(() => rm(folder, { recursive: true }))

function run(destination: LakeStorage, options: Partial<ExportOptions> = {}) {
  return exportLake({
    ...{ lake: source.lake, root: source.root, destination, to: TO, format: 'jsonl.gz', open: true },
    signal: new AbortController().signal,
    onRetry: () => undefined,
    ...options,
  })
}

/** The lines of all files that a plain reader of the folder finds, sorted. */
async function exported(destination: LakeStorage): Promise<string[]> {
  const lines: string[] = []
  for await (const entry of destination.list(TO)) {
    if (entry.path.startsWith(`${TO}/_`)) continue
    for await (const { path } of filesBelow(destination, entry.path)) {
      const bytes = Buffer.from(await destination.read(path))
      const text = (path.endsWith('.gz') ? gunzipSync(bytes) : zstdDecompressSync(bytes)).toString()
      lines.push(...text.slice(0, -1).split('\n'))
    }
  }
  return lines.sort()
}

describe('formats', () => {
  it.each(['jsonl.gz', 'jsonl.zst'] as const)('%s holds the lines of the lake', async (format) => {
    const destination = openMemoryLake()
    expect(await run(destination, { format })).toMatchObject({ events: 100, files: 6 })
    expect(await exported(destination)).toEqual(await source.lines())
  })

  it('parquet is read by DuckDB: typed, to the microsecond, with further fields', async () => {
    await run(openLocalLake({ folder }), { format: 'parquet' })
    const table = `read_parquet('${folder}/export/year=*/month=*/day=*/*.parquet', hive_partitioning = true)`
    expect(await duckdb(`SELECT ${SUMS} FROM ${table}`)).toEqual([sumsOf(await source.lines())])
    expect(await duckdb(`SELECT typeof(timestamp), typeof(duration), year, month FROM ${table} LIMIT 1`)).toEqual([
      ['TIMESTAMP WITH TIME ZONE', 'INTEGER', '2025', '07'],
    ])
    expect(await duckdb(`SELECT artist, extra, day FROM ${table} WHERE "user" = 'user25'`)).toEqual([
      ['Zoë "Z", Ω', '{"mood":["\\"",25]}', '02'],
    ])
    expect(await duckdb(`SELECT count(extra) FROM ${table}`)).toEqual([['20']])
  })

  it('csv is read by DuckDB', async () => {
    await run(openLocalLake({ folder }), { format: 'csv' })
    const table = `read_csv('${folder}/export/year=*/month=*/day=*/*.csv')`
    expect(await duckdb(`SELECT ${SUMS} FROM ${table}`)).toEqual([sumsOf(await source.lines())])
    expect(await duckdb(`SELECT artist, extra FROM ${table} WHERE "user" = 'user25'`)).toEqual([
      ['Zoë "Z", Ω', '{"mood":["\\"",25]}'],
    ])
  })
})

it('exports only what is new, and days that are asked for', async () => {
  const destination = openMemoryLake()
  expect(await run(destination, { until: '2025-07-01' })).toMatchObject({ events: 34, files: 2 })
  expect(await run(destination)).toMatchObject({ events: 66, files: 4 })
  expect(await run(destination)).toMatchObject({ events: 0, files: 0 })
  await source.fill(10)
  expect(await run(destination)).toMatchObject({ events: 10 })
  expect(await exported(destination)).toEqual(await source.lines())
  expect(await verify({ lake: destination, root: TO })).toMatchObject({ ok: true, events: 110 })
})

it('leaves days that are not sealed, says so, and exports what comes late to those that are', async () => {
  const destination = openMemoryLake()
  const waiting = (days: number[], events: number) => days.map((day) => ({ day: `2025-07-0${day}`, events }))
  expect(await run(destination, { open: false })).toMatchObject({
    events: 0,
    waiting: [...waiting([1], 34), ...waiting([2, 3], 33)],
  })
  expect(await destination.stat(TO)).toBeUndefined()
  await source.seal('2025-07-02')
  expect(await run(destination, { open: false, filesHeld: 1 })).toMatchObject({ events: 33, files: 2 })
  expect(await run(destination, { open: false })).toMatchObject({ events: 0 })
  // Ten for each of the three days.
  await source.fill(30)
  expect(await run(destination, { open: false })).toMatchObject({
    events: 10,
    files: 2,
    waiting: [...waiting([1], 44), ...waiting([3], 43)],
  })
  expect(await run(destination)).toMatchObject({ events: 87, waiting: [] })
  expect(await exported(destination)).toEqual(await source.lines())
})

it('takes the imports of several lakes, and of several topics, into one destination', async () => {
  const destination = openMemoryLake()
  const first = (await source.lines())[0] as string
  const all: string[] = []
  const imports = [
    ['/a', 'bob'],
    ['/a', 'eve'],
    ['/b', 'eve'],
  ] as const
  for (const [root, user] of imports) {
    const lake = openMemoryLake()
    const line = first.replace(/user\d+/, user)
    await lake.write('/old/batch_20250703_200803.jsonl', Buffer.from(line))
    await importFiles({
      ...{ lake, root, folders: lake, origin: { from: 'folder', path: '/old' }, acceptGap: false },
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
    expect(await run(destination, { lake, root })).toMatchObject({ events: 1 })
    expect(await run(destination, { lake, root })).toMatchObject({ events: 0 })
    all.push(line)
  }
  await run(destination)
  expect(await exported(destination)).toEqual([...all, ...(await source.lines())].sort())
})

it('goes over the lake in rounds when it holds more files than may be held', async () => {
  const destination = openMemoryLake()
  expect(await run(destination, { filesHeld: 3 })).toMatchObject({ events: 100 })
  expect(await exported(destination)).toEqual(await source.lines())
})

describe('two exports to one place', () => {
  /** Runs another export, to its end, as soon as one has come to its change `n`. */
  const amid = (n: number, destination: LakeStorage): LakeStorage => {
    let [writes, other] = [0, undefined as Promise<unknown> | undefined]
    const write: LakeStorage['write'] = async (path, body) => {
      if (++writes === n) other = source.fill(50).then(() => run(destination))
      await other
      return destination.write(path, body)
    }
    return { ...boundLake(destination), write }
  }

  it('the first goes on with what is left when the other has ended before it claims', async () => {
    const destination = openMemoryLake()
    await run(amid(1, destination))
    expect(await exported(destination)).toEqual(await source.lines())
    expect(await run(destination)).toMatchObject({ events: 0, files: 0 })
  })

  it.each([2, 3, 7])('the first stops when the other begins at its write %s', async (n) => {
    const destination = openMemoryLake()
    await expect(run(amid(n, destination))).rejects.toMatchObject({
      code: 'COMMIT_FENCED',
      message: 'another export to this destination has begun meanwhile',
    })
    expect(await exported(destination)).toEqual(await source.lines())
    expect(await run(destination)).toMatchObject({ events: 0, files: 0 })
  })

  it('the first stops as such, too, when the other sweeps the file that it writes', async () => {
    const destination = openLocalLake({ folder })
    let other: Promise<unknown> | undefined
    const write: LakeStorage['write'] = (path, body) => {
      if (body instanceof Uint8Array) return destination.write(path, body)
      const slow = async function* () {
        yield* body
        other ??= run(destination)
        await other
      }
      return destination.write(path, slow())
    }
    await expect(run({ ...boundLake(destination), write })).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
    expect(await run(destination)).toMatchObject({ events: 0, files: 0 })
  })
})

it('refuses a file that is not what its record says, and exports nothing of it', async () => {
  for await (const { path, day } of committedFiles(source.lake, source.root)) {
    if (day !== '2025-07-02') continue
    const bytes = Buffer.from(await source.lake.read(path))
    await source.lake.remove(path)
    await source.lake.write(path, bytes.fill('x', 12, 13))
    break
  }
  const destination = openMemoryLake()
  await expect(run(destination)).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  expect(await exported(destination)).toEqual([])
})

it.each([
  ['before', false],
  ['after', true],
])('killed %s any change, the next run makes it whole, each event once', async (_, happens) => {
  const all = await source.lines()
  let died = 0
  for (let last = 1; ; last++) {
    const destination = openMemoryLake()
    const killed = killedAt(last, happens, destination)
    const first = await run(killed.storage, { format: 'jsonl.zst', until: '2025-07-02' }).catch((error) => error)
    if (!(first instanceof Error)) break
    died++
    await run(destination, { format: 'jsonl.zst' })
    expect(await exported(destination), `killed ${_} change ${last}`).toEqual(all)
  }
  expect(died).toBeGreaterThan(8)
})

describe('Delta', () => {
  interface Action {
    add?: { path: string; size: number; partitionValues: Record<string, string>; stats: string }
    protocol?: object
  }
  async function actions(destination: LakeStorage): Promise<Action[][]> {
    const versions: Action[][] = []
    for await (const { path } of destination.list(`${TO}/_delta_log`)) {
      const lines = Buffer.from(await destination.read(path))
        .toString()
        .trim()
        .split('\n')
      versions.push(lines.map((line) => JSON.parse(line)))
    }
    return versions
  }

  it('adds each file once, also those of runs before without it', async () => {
    const destination = openMemoryLake()
    await run(destination, { format: 'parquet', until: '2025-07-01' })
    expect(await run(destination, { format: 'parquet', delta: true })).toMatchObject({ deltaVersion: 0 })
    expect(await run(destination, { format: 'parquet', delta: true })).toMatchObject({ deltaVersion: 0 })
    await source.fill(10)
    expect(await run(destination, { format: 'parquet', delta: true })).toMatchObject({ deltaVersion: 1 })
    const added = (await actions(destination)).flat().flatMap(({ add }) => add ?? [])
    const files: string[] = []
    for await (const { path } of committedFiles(destination, TO)) files.push(path.slice(TO.length + 1))
    expect(added.map(({ path }) => path).sort()).toEqual(files.sort())
    expect(added.reduce((sum, { stats }) => sum + JSON.parse(stats).numRecords, 0)).toBe(110)
  })

  it.each([false, true])('killed at any change, happened %s, it is whole after the next run', async (happens) => {
    for (let last = 1; ; last++) {
      const destination = openMemoryLake()
      const killed = killedAt(last, happens, destination)
      const options = { format: 'parquet', delta: true, until: '2025-07-01' } as const
      const first = await run(killed.storage, options).catch((error) => error)
      if (!(first instanceof Error)) break
      await run(destination, options)
      const added = (await actions(destination)).flat().flatMap(({ add }) => add?.path ?? [])
      expect(added, `killed at ${last}`).toHaveLength(2)
      expect(new Set(added).size).toBe(2)
    }
  })
})
