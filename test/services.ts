/**
 * Starts one real Kafka and one real HDFS for all tests of the project "services", on free ports and in a temporary
 * folder, and stops them after. Tests ask for them by `inject('services')`. They share them: each takes topics, groups
 * and paths of its own.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { down, type ServiceName, up } from '../src/cluster/cluster.ts'
import { isFree } from '../src/cluster/ports.ts'
import { identify, isAlive, recall } from '../src/cluster/process.ts'
import { pidFile, portsOf, siteOf } from '../src/cluster/site.ts'
import { loadConfig } from '../src/config.ts'
import { hasCode } from '../src/errors.ts'
import type { Config } from '../src/settings.ts'

export type Services =
  | {
      kafka: { brokers: string[] }
      hdfs: { namenodes: string[] }
      /** The settings `dataDir` and `portOffset` under which `ps` and the tools of `src/cluster` find them. */
      dataDir: string
      portOffset: number
    }
  | {
      /** Why there are none on this machine. */
      skipped: string
    }

declare module 'vitest' {
  interface ProvidedContext {
    services: Services
  }
}

const SHARED: ServiceName[] = ['kafka', 'namenode', 'datanode']
const FOLDER_PREFIX = 'music-faker-services-'
const OWNER = 'owner.json'
/** Builds the page for the tests in Chromium, where its sources have changed. */
const SETUP = fileURLToPath(new URL('../scripts/setup.sh', import.meta.url))

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  execFileSync('sh', [SETUP])
  if (process.env.SERVICES) {
    project.provide('services', running(process.env.SERVICES))
    return undefined
  }
  sweep()
  const dataDir = mkdtempSync(join(tmpdir(), FOLDER_PREFIX))
  writeFileSync(join(dataDir, OWNER), JSON.stringify({ pid: process.pid, identity: identify(process.pid), since: '' }))
  // Ctrl-C makes Vitest leave within a millisecond: too soon for a teardown, not for this.
  const destroyThis = () => destroy(dataDir)
  process.once('exit', destroyThis)
  try {
    const config = await start(dataDir)
    project.provide('services', servicesOf(config))
    return async () => {
      await down(config, quiet())
      process.off('exit', destroyThis)
      destroy(dataDir)
    }
  } catch (error) {
    if (!hasCode(error, 'CLUSTER_MISSING')) throw error
    process.stderr.write(`\nSKIPPED: every test on real Kafka and HDFS, because ${error.message}.\n${error.next}\n\n`)
    project.provide('services', { skipped: error.message })
    return undefined
  }
}

/** Those that "music-faker up" started in another shell: `PORT_OFFSET:DATA_DIR`. Saves their start in each run. */
function running(place: string): Services {
  const [, portOffset, dataDir] = /^(\d+):(.+)$/.exec(place) ?? []
  if (dataDir === undefined) throw new Error(`SERVICES must be PORT_OFFSET:DATA_DIR, not ${place}`)
  return servicesOf(loadConfig({ profile: 'cluster', dataDir, portOffset: Number(portOffset) }, {}).config)
}

function servicesOf({ kafkaBrokers, hdfsNamenodes, dataDir, portOffset }: Config): Services {
  return { kafka: { brokers: kafkaBrokers }, hdfs: { namenodes: hdfsNamenodes }, dataDir, portOffset }
}

/** Settings of a cluster whose ports are all free now, below the range from which the system gives out ports. */
export async function freeConfig(dataDir: string): Promise<Config> {
  for (;;) {
    const portOffset = 1_000 + Math.floor(Math.random() * 20_000)
    const { config } = loadConfig({ profile: 'cluster', dataDir, portOffset }, {})
    const site = siteOf(config)
    const ports = [...SHARED, 'dashboard' as const].flatMap((service) => portsOf(site, service))
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return config
  }
}

/** Kills what runs from a folder of a test and removes it: its data is worth nothing. */
export function destroy(dataDir: string): void {
  const { config } = loadConfig({ dataDir }, {})
  for (const service of [...SHARED, 'dashboard' as const]) {
    const remembered = recall(pidFile(siteOf(config), service))
    if (remembered !== undefined && isAlive(remembered)) process.kill(remembered.pid, 'SIGKILL')
  }
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

async function start(dataDir: string): Promise<Config> {
  for (let attempt = 1; ; attempt++) {
    const config = await freeConfig(dataDir)
    try {
      await up(config, { ...quiet(), services: SHARED, engine: 'jvm' })
      return config
    } catch (error) {
      // Another test run may have taken a port between the look and the start.
      if (!hasCode(error, 'PORT_TAKEN') || attempt === 5) throw error
    }
  }
}

function quiet() {
  return { report: () => {}, signal: new AbortController().signal }
}

/** Destroys what test runs left that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDER_PREFIX))) {
    const owner = recall(join(tmpdir(), name, OWNER))
    if (owner !== undefined && !isAlive(owner)) destroy(join(tmpdir(), name))
  }
}
