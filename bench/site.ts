/** Where a benchmark works: an embedded log and lake in a temporary folder, or the Kafka and HDFS that the run has started. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down, up } from '../src/cluster/cluster.ts'
import { loadConfig } from '../src/config.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { destroy, freeConfig } from '../test/services.ts'

export interface BenchSite {
  config: Config
  log: EventLog
  lake: LakeStorage
}

/** Gives `work` an empty embedded site, and removes it after. */
export function withEmbeddedSite<T>(work: (site: BenchSite) => Promise<T>): Promise<T> {
  return withFolder((dataDir) => withSite(loadConfig({ dataDir }, {}).config, work))
}

/**
 * Gives `work` the topic of that name on the Kafka and HDFS that main.ts has started for this run. Benchmarks share topics:
 * filling one takes longer than reading it.
 */
export function withClusterSite<T>(
  topic: { topic: string; partitions?: number },
  work: (site: BenchSite) => Promise<T>,
): Promise<T> {
  return withSite(loadConfig(topic, process.env).config, work)
}

/** Starts a Kafka and an HDFS on free ports for `work`, which gets their settings as an environment; removes both after. */
export function withCluster<T>(work: (environment: Record<string, string>) => Promise<T>): Promise<T> {
  return withFolder(async (dataDir) => {
    const config = await freeConfig(dataDir)
    const call = { report: () => undefined, signal: new AbortController().signal }
    // A run that is stopped leaves no services behind.
    const leave = () => process.exit(130)
    const destroyThis = () => destroy(dataDir)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave)
    process.once('exit', destroyThis)
    try {
      await up(config, { ...call, services: ['kafka', 'namenode', 'datanode'] })
      return await work({ MF_PROFILE: 'cluster', MF_DATA_DIR: dataDir, MF_PORT_OFFSET: String(config.portOffset) })
    } finally {
      await down(config, call)
      process.off('exit', destroyThis)
    }
  })
}

export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
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
