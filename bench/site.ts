/** A fresh log and lake for a benchmark: embedded in a temporary folder, or a Kafka and an HDFS started for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down, up } from '../src/cluster/cluster.ts'
import { type Config, loadConfig } from '../src/config.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { freeConfig } from '../test/services.ts'

export interface BenchSite {
  config: Config
  log: EventLog
  lake: LakeStorage
}

/** Gives `work` an empty embedded site, and removes it after. */
export function withEmbeddedSite<T>(work: (site: BenchSite) => Promise<T>): Promise<T> {
  return withFolder((dataDir) => withSite(loadConfig({ dataDir }, {}).config, work))
}

/** Gives `work` a Kafka and an HDFS on free ports, and stops and removes them after. */
export function withClusterSite<T>(work: (site: BenchSite) => Promise<T>): Promise<T> {
  return withFolder(async (dataDir) => {
    const config = await freeConfig(dataDir)
    const call = { report: () => undefined, signal: new AbortController().signal }
    try {
      await up(config, { ...call, services: ['kafka', 'namenode', 'datanode'] })
      return await withSite(config, work)
    } finally {
      await down(config, call)
    }
  })
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'music-faker-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withSite<T>(config: Config, work: (site: BenchSite) => Promise<T>): Promise<T> {
  const log = await openLog(config)
  const lake = await openLake(config)
  try {
    await log.ensureTopic()
    return await work({ config, log, lake })
  } finally {
    await lake.close()
    await log.close()
  }
}
