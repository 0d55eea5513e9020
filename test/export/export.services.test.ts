/** An export of a lake on real HDFS to real HDFS, read back by an engine nobody here wrote. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { committedFiles } from '../../src/archive/files.ts'
import { siteOf } from '../../src/cluster/site.ts'
import { loadConfig } from '../../src/config.ts'
import { exportLake } from '../../src/export/export.ts'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { duckdb, FilledLake, SUMS, sumsOf } from './filled-lake.ts'
import { missing, sumsBy } from './python.ts'

const services = inject('services')
const withoutSpark = missing('pyspark')

it.skipIf('skipped' in services)(
  `exports HDFS to HDFS: Parquet that DuckDB reads, and Spark from there${withoutSpark === undefined ? '' : ` (left out: ${withoutSpark})`}, and a Delta log`,
  async () => {
    if ('skipped' in services) return
    const { namenodes } = services.hdfs
    const lake = openWebHdfsLake({ namenodes, user: 'music-faker-test', requestTimeout: 30_000 })
    const topic = `export_${randomUUID()}`
    const source = new FilledLake(lake, topic)
    const to = `/${topic}_copy/music`
    const folder = await mkdtemp(join(tmpdir(), 'music-faker-export-'))
    const run = () =>
      exportLake({
        ...{ lake, root: source.root, destination: lake, to, format: 'parquet', open: true, delta: true },
        signal: new AbortController().signal,
        onRetry: () => undefined,
      })
    try {
      await source.fill(20)
      expect(await run()).toMatchObject({ events: 20, deltaVersion: 0 })
      await source.fill(10)
      expect(await run()).toMatchObject({ events: 10, deltaVersion: 1 })
      expect(await run()).toMatchObject({ events: 0, deltaVersion: 1 })
      let files = 0
      for await (const { path } of committedFiles(lake, to)) {
        await writeFile(join(folder, `${files++}-${basename(path)}`), await lake.read(path))
      }
      const sums = sumsOf(await source.lines())
      expect(await duckdb(`SELECT ${SUMS} FROM '${folder}/*.parquet'`)).toEqual([sums])
      if (withoutSpark !== undefined) return
      const { config } = loadConfig({ dataDir: services.dataDir, portOffset: services.portOffset }, {})
      const hdfs = `hdfs://127.0.0.1:${siteOf(config).ports.namenodeRpc}`
      expect(await sumsBy('pyspark', `${hdfs}${to}`)).toEqual(sums)
    } finally {
      await rm(folder, { recursive: true })
      await lake.remove(source.root)
      await lake.remove(`/${topic}_copy`)
      await lake.close()
    }
  },
  180_000,
)
