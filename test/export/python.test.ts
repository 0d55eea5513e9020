/** Engines of Python read what is exported, and the lake itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exportLake } from '../../src/export/export.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import { FilledLake, sumsOf } from './filled-lake.ts'
import { type Engine, missing, sumsBy } from './python.ts'

let folder: string
let source: FilledLake

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-python-'))
  const lake = openLocalLake({ folder })
  source = new FilledLake(lake)
  for (const events of [60, 10]) {
    await source.fill(events)
    await exportLake({
      ...{ lake, root: source.root, destination: lake, to: '/export', format: 'parquet', open: true, delta: true },
      signal: new AbortController().signal,
      onRetry: () => undefined,
    })
  }
})
afterAll(() => rm(folder, { recursive: true }))

const READINGS: [Engine, string, string, ...string[]][] = [
  ['pyarrow', 'Parquet', 'export'],
  ['deltalake', 'the Delta table', 'export'],
  ['pyspark', 'Parquet', 'export'],
  ['pyspark', 'the lake itself', 'music', 'json'],
]

for (const [engine, what, path, ...form] of READINGS) {
  const why = missing(engine)
  it.skipIf(why !== undefined)(
    `${engine} reads ${what}${why === undefined ? '' : ` (skipped: ${why})`}`,
    async () => {
      expect(await sumsBy(engine, join(folder, path), ...form)).toEqual(sumsOf(await source.lines()))
    },
    180_000,
  )
}
