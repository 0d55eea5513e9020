/** A fresh embedded log and lake in a temporary folder, and what several benchmarks do with them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../src/config.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'

export interface BenchSite {
  config: Config
  log: EventLog
  lake: LakeStorage
}

/** Gives `work` an empty site, and removes it after. */
export async function withEmbeddedSite<T>(work: (site: BenchSite) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-bench-'))
  const { config } = loadConfig({ dataDir }, {})
  const log = await openLog(config)
  const lake = await openLake(config)
  try {
    await log.ensureTopic()
    return await work({ config, log, lake })
  } finally {
    await lake.close()
    await log.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
