/**
 * Starts one real Kafka and one real HDFS for all tests of the project "services", on free ports and in a temporary
 * folder, and stops them after. Tests ask for them by `inject('services')`. They share them: each takes topics, groups
 * and paths of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { down, type ServiceName, up } from '../src/cluster/cluster.ts'
import { isFree } from '../src/cluster/ports.ts'
import { portsOf, siteOf } from '../src/cluster/site.ts'
import { type Config, loadConfig } from '../src/config.ts'
import { hasCode } from '../src/errors.ts'

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

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const dataDir = await mkdtemp(join(tmpdir(), 'music-faker-services-'))
  const interrupted = new AbortController()
  let running: Config | undefined
  const teardown = async () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    if (running !== undefined) await down(running, { report: () => {}, signal: new AbortController().signal })
    await rm(dataDir, { recursive: true, force: true })
  }
  const onSignal = () => interrupted.abort(new Error('interrupted'))
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    for (let attempt = 1; ; attempt++) {
      running = await freeConfig(dataDir)
      try {
        const talk: string[] = []
        const report = (line: string) => void talk.push(line)
        await up(running, { report, signal: interrupted.signal, services: SHARED, engine: 'jvm' })
        break
      } catch (error) {
        // Another test run may have taken a port between the look and the start.
        if (!hasCode(error, 'PORT_TAKEN') || attempt === 5) throw error
      }
    }
    const { kafkaBrokers, hdfsNamenodes, portOffset } = running
    project.provide('services', {
      kafka: { brokers: kafkaBrokers },
      hdfs: { namenodes: hdfsNamenodes },
      dataDir,
      portOffset,
    })
    return teardown
  } catch (error) {
    await teardown()
    if (!hasCode(error, 'CLUSTER_MISSING')) throw error
    process.stderr.write(`\nSKIPPED: every test on real Kafka and HDFS, because ${error.message}.\n${error.next}\n\n`)
    project.provide('services', { skipped: error.message })
    return undefined
  }
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
