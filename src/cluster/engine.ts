/**
 * The two ways to run a cluster, behind one small port: containers (`docker.ts`) or processes (`jvm.ts`).
 * A site stays with the one it was first started with, because each keeps its data elsewhere.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MusicFakerError } from '../errors.ts'
import type { Config } from '../settings.ts'
import { dockerAnswers, dockerEngine } from './docker.ts'
import { jvmEngine } from './jvm.ts'
import type { Liveness, Report, ServiceEngine, ServiceName } from './services.ts'
import type { Site } from './site.ts'

export type EngineKind = 'docker' | 'jvm'

export interface Call {
  report: Report
  signal: AbortSignal
}

export interface ToolResult {
  code: number
  stdout: string
  stderr: string
}

export interface Engine {
  readonly kind: EngineKind
  /** What a service runs as. */
  engineOf(service: ServiceName): ServiceEngine
  /** What is known of the process or container of a service, without asking it anything. */
  liveness(services: readonly ServiceName[]): Promise<Map<ServiceName, Liveness>>
  /**
   * Gets what the services need (programs, jars, disk) and checks their ports, before anything is started.
   * @throws CLUSTER_MISSING, CLUSTER_FAILED, CONFIG_INVALID, PORT_TAKEN
   */
  prepare(services: readonly ServiceName[], call: Call): Promise<void>
  /** Starts services that are prepared and not alive, on empty storage after formatting it. Does not wait for them. */
  start(services: readonly ServiceName[], call: Call): Promise<void>
  /** Stops services and waits for their end: SIGTERM, then SIGKILL after 20 s. Does nothing to those that are stopped. */
  stop(services: readonly ServiceName[], call: Call): Promise<void>
  /** Gives the last lines of each log to `out`, and with `follow` those to come until the signal. */
  logs(
    services: readonly ServiceName[],
    options: { follow: boolean; lines: number; out: (line: string) => void; signal: AbortSignal },
  ): Promise<void>
  /** The end of what a service said before it failed, and where to read more. */
  lastWords(service: ServiceName): Promise<{ lines: string[]; where: string }>
  /** Runs a class of Kafka's tools to its end. */
  kafkaTool(className: string, args: readonly string[]): Promise<ToolResult>
  /** Runs `hdfs dfs` with these arguments to its end. */
  hdfs(args: readonly string[]): Promise<ToolResult>
}

/**
 * The engine of a site: the one it was started with; for a new site Docker where it answers, else the JVM.
 * @param wanted overrides the choice for a new site
 * @throws CLUSTER_MISSING when the site was started with Docker, which does not answer now
 */
export async function engineOf(config: Config, site: Site, wanted?: EngineKind): Promise<Engine> {
  const kind = recordedEngine(site) ?? wanted ?? ((await dockerAnswers()) ? 'docker' : 'jvm')
  if (kind === 'jvm') return jvmEngine(config, site)
  if (await dockerAnswers()) return dockerEngine(config, site)
  throw new MusicFakerError('CLUSTER_MISSING', 'this cluster was started with Docker, which does not answer now', {
    next: `Start Docker. Or remove ${engineFile(site)} to have an empty cluster without it.`,
  })
}

/** Remembers with what a site was started. */
export function recordEngine(site: Site, kind: EngineKind): void {
  if (!existsSync(engineFile(site))) writeFileSync(engineFile(site), `${kind}\n`)
}

function recordedEngine(site: Site): EngineKind | undefined {
  if (!existsSync(engineFile(site))) return undefined
  const kind = readFileSync(engineFile(site), 'utf8').trim()
  return kind === 'docker' || kind === 'jvm' ? kind : undefined
}

function engineFile(site: Site): string {
  return join(site.folder, 'engine')
}
