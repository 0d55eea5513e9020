/** The library as another program uses it: from its entry alone. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { archive, decode, Generator, lakeRoot, loadConfig, openLake, openLog, produce, REALTIME } from '../src/index.ts'

test('events flow from the generator through the log into the lake', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'mf-library-'))
  const { config } = loadConfig({ dataDir, partitions: 1 }, {})
  const log = await openLog(config)
  const lake = await openLake(config)
  try {
    await log.ensureTopic()
    await produce({ log, generator: new Generator({ seed: 1 }), count: 100 })
    const summary = await archive({
      log,
      lake,
      root: lakeRoot(config.topic),
      group: config.group,
      limits: REALTIME,
      once: true,
      acceptGap: false,
      signal: new AbortController().signal,
    })
    expect(summary).toMatchObject({ events: 100, quarantined: 0, drained: true })
    expect((await log.describe()).partitions).toEqual(new Map([[0, { start: 0, end: 100 }]]))
    expect(decode(Buffer.from('{}'), 0)).toMatchObject({ ok: false, reason: 'missing_field' })
  } finally {
    await log.close()
    await lake.close()
    await rm(dataDir, { recursive: true })
  }
})
