/** What the commands `up`, `down`, `restart`, `ps` and `logs` do, whichever engine runs the services. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'
import type { Config } from '../settings.ts'
import { type Call, type Engine, type EngineKind, engineOf, recordEngine, type ToolResult } from './engine.ts'
import { withLock } from './lock.ts'
import { answers } from './ready.ts'
import { requireFolder } from './requirements.ts'
import { SERVICE_NAMES, type ServiceName, type ServiceStatus, START_TIMEOUT_MS, stateOf } from './services.ts'
import { addressOf, portsOf, type Site, siteOf } from './site.ts'

const POLL_MS = 150
/** After so long without news the user is told what is waited for. */
const PATIENCE_MS = 10_000

export interface UpOptions extends Call {
  /** Only these. By default all of them, and the topic. */
  services?: readonly ServiceName[]
  /** Overrides the choice for a cluster that is started for the first time: Docker where it answers, else the JVM. */
  engine?: EngineKind
}

/**
 * Starts what is missing of the cluster and waits until all of it answers; what runs already is left alone. Storage is
 * formatted only where there is none. Without `services` the topic is created too, where it is missing.
 *
 * Services outlive this call. On failure, and when `signal` aborts, those that were started keep running: calling `up`
 * again goes on from there, and `down` ends them.
 *
 * @returns the status of the services asked for, all running
 * @throws CLUSTER_MISSING, CLUSTER_FAILED, PORT_TAKEN, CONFIG_INVALID; the signal's reason
 */
export async function up(config: Config, options: UpOptions): Promise<ServiceStatus[]> {
  const site = siteOf(config)
  const wanted = SERVICE_NAMES.filter((service) => (options.services ?? SERVICE_NAMES).includes(service))
  requireFolder(site.folder)
  let began = Date.now()
  const sayWhatRuns = () => options.report('what was started goes on running; to stop it: music-faker down')
  try {
    const { engine, missing } = await withLock(site, options, async () => {
      const engine = await engineOf(config, site, options.engine)
      const before = await statusOf(engine, site, wanted)
      for (const status of before) if (status.state !== 'stopped') options.report(describe(status))
      const missing = before.filter((status) => status.state === 'stopped').map((status) => status.name)
      if (missing.length > 0) {
        await engine.prepare(missing, options)
        recordEngine(site, engine.kind)
      }
      began = Date.now()
      options.signal.addEventListener('abort', sayWhatRuns, { once: true })
      await startEach(engine, missing.filter(isFirst), options)
      return { engine, missing }
    })
    // Without the lock: a DataNode that waits for its NameNode would keep another command from starting that.
    await waitUntilReady(engine, site, wanted.filter(isFirst), options)
    if (options.services === undefined) await ensureTopic(config)
    // Last, because it needs the topic and the lake.
    if (missing.includes('dashboard')) await withLock(site, options, () => startEach(engine, ['dashboard'], options))
    await waitUntilReady(engine, site, wanted, options)
    if (missing.length > 0) options.report(`ready in ${((Date.now() - began) / 1000).toFixed(1)} s`)
    return statusOf(engine, site, wanted)
  } finally {
    options.signal.removeEventListener('abort', sayWhatRuns)
  }
}

function isFirst(service: ServiceName): boolean {
  return service !== 'dashboard'
}

/** Starts those that do not live: another command may have started one meanwhile. */
async function startEach(engine: Engine, services: readonly ServiceName[], call: Call): Promise<void> {
  const alive = await engine.liveness(services)
  const dead = services.filter((service) => !alive.get(service)?.alive)
  if (dead.length > 0) await engine.start(dead, call)
}

/** Stops services gracefully, all by default, at the same time. Their data stays. Nothing to stop is no error. */
export async function down(config: Config, options: Call & { services?: readonly ServiceName[] }): Promise<void> {
  const site = siteOf(config)
  if (!existsSync(site.folder)) return options.report('nothing to stop')
  const services = options.services ?? SERVICE_NAMES
  await withLock(site, options, async () => {
    const engine = await engineOf(config, site)
    const alive = await engine.liveness(services)
    if (![...alive.values()].some((service) => service.alive)) options.report('nothing to stop')
    await engine.stop(services, options)
  })
}

/** Stops and starts one service, and waits until it answers. @throws as `up` does */
export async function restart(config: Config, service: ServiceName, options: Call): Promise<ServiceStatus[]> {
  await down(config, { ...options, services: [service] })
  return up(config, { ...options, services: [service] })
}

/** The status of every service, asked now. Starts and changes nothing. */
export async function ps(config: Config): Promise<ServiceStatus[]> {
  const site = siteOf(config)
  return statusOf(await engineOf(config, site), site, SERVICE_NAMES)
}

/** Gives the last lines of the logs to `out`, each with the name of its service when all are asked for. */
export async function logs(
  config: Config,
  service: ServiceName | undefined,
  options: { follow: boolean; lines: number; out: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const site = siteOf(config)
  const engine = await engineOf(config, site)
  await engine.logs(service === undefined ? SERVICE_NAMES : [service], options)
}

/**
 * Runs one of Kafka's own tools, such as `org.apache.kafka.tools.TopicCommand`, and waits for its end.
 * @throws CLUSTER_MISSING when there is no Java or Docker to run it
 */
export async function runKafkaTool(config: Config, className: string, args: readonly string[]): Promise<ToolResult> {
  return (await engineOf(config, siteOf(config))).kafkaTool(className, args)
}

/** Runs what `hdfs dfs` runs, with its arguments, such as `-ls -R /music_events`. @throws as `runKafkaTool` does */
export async function runHdfs(config: Config, args: readonly string[]): Promise<ToolResult> {
  return (await engineOf(config, siteOf(config))).hdfs(args)
}

async function statusOf(engine: Engine, site: Site, services: readonly ServiceName[]): Promise<ServiceStatus[]> {
  const alive = await engine.liveness(services)
  return Promise.all(
    services.map(async (name) => {
      const { pid, since, note, ...liveness } = alive.get(name) ?? { alive: false }
      const answering = liveness.alive && (await answers(site, name))
      const state = stateOf({ ...liveness, ...(since !== undefined && { since }) }, answering, Date.now())
      return {
        name,
        state,
        engine: engine.engineOf(name),
        port: portsOf(site, name)[0] ?? 0,
        address: addressOf(site, name),
        ...(pid !== undefined && { pid }),
        ...(since !== undefined && { since }),
        ...(note !== undefined && { note }),
      }
    }),
  )
}

function describe({ name, state, address, pid }: ServiceStatus): string {
  const how = state === 'running' ? 'already running' : state
  return `${name}: ${how} at ${address}${pid === undefined ? '' : ` (pid ${pid})`}`
}

async function waitUntilReady(
  engine: Engine,
  site: Site,
  services: readonly ServiceName[],
  { report, signal }: Call,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  let patience = Date.now() + PATIENCE_MS
  const waiting = new Set(services)
  let first = true
  while (waiting.size > 0) {
    for (const status of await statusOf(engine, site, [...waiting])) {
      if (status.state === 'stopped') throw await failure(engine, status.name, 'ended while it was starting')
      if (status.state !== 'running') continue
      waiting.delete(status.name)
      if (!first) report(`${status.name}: ready at ${status.address}`)
    }
    first = false
    const [late] = waiting
    if (late === undefined) return
    if (Date.now() > patience) {
      report(`waiting for ${[...waiting].join(', ')}${asNeeds(await absentNeed(engine, site, late))} ...`)
      patience += PATIENCE_MS
    }
    if (Date.now() > deadline) {
      const what = `does not answer after ${START_TIMEOUT_MS / 1000} s`
      throw await failure(engine, late, what, await absentNeed(engine, site, late))
    }
    await delay(POLL_MS, undefined, { signal })
  }
}

/** The service without which this one never answers, where it does not run itself. */
async function absentNeed(engine: Engine, site: Site, service: ServiceName): Promise<ServiceStatus | undefined> {
  if (service !== 'datanode') return undefined
  const [namenode] = await statusOf(engine, site, ['namenode'])
  return namenode?.state === 'running' ? undefined : namenode
}

function asNeeds(need: ServiceStatus | undefined): string {
  return need ? `, as ${need.name} is ${need.state}` : ''
}

async function failure(
  engine: Engine,
  service: ServiceName,
  what: string,
  need?: ServiceStatus,
): Promise<MusicFakerError> {
  const { lines, where } = await engine.lastWords(service)
  const message = `${service} ${what}${asNeeds(need)}. Its last lines:\n${lines.join('\n')}`
  return new MusicFakerError('CLUSTER_FAILED', message, {
    next: `Its log: ${where}. Then: music-faker restart ${need?.name ?? service}`,
  })
}

async function ensureTopic(config: Config): Promise<void> {
  const { openKafkaLog } = await import('../log/kafka.ts')
  const log = await openKafkaLog({
    brokers: config.kafkaBrokers,
    topic: config.topic,
    partitions: config.partitions,
    requestTimeout: config.requestTimeout,
    connectTimeout: config.connectTimeout,
  })
  try {
    await log.ensureTopic()
  } finally {
    await log.close()
  }
}
