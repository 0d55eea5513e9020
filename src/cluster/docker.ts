/** Runs a cluster in containers, by docker-compose.yml. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { MusicFakerError } from '../errors.ts'
import type { Config } from '../settings.ts'
import type { Engine, ToolResult } from './engine.ts'
import { requireFreePorts } from './ports.ts'
import { requireFolder } from './requirements.ts'
import { runToEnd } from './run.ts'
import { type Liveness, SERVICE_NAMES, type ServiceName } from './services.ts'
import { PROGRAM_FOLDER, portVariables, type Site } from './site.ts'

const STOP_TIMEOUT_S = 20
/** The service of docker-compose.yml that holds the network and the ports of all others. */
const NETWORK = 'network'

/** True when both the engine and the Compose plug-in answer. */
export async function dockerAnswers(): Promise<boolean> {
  const answers = async (...args: string[]) => {
    try {
      const result = await runToEnd('docker', args, { environment: process.env, signal: AbortSignal.timeout(10_000) })
      return result.code === 0
    } catch {
      return false
    }
  }
  return (await answers('compose', 'version')) && (await answers('info'))
}

export function dockerEngine(config: Config, site: Site): Engine {
  const compose: Compose = (args, signal) => runCompose(config, site, args, signal)
  return {
    kind: 'docker',
    engineOf: () => 'docker',
    liveness: async (services) => {
      const containers = await listContainers(compose)
      const started = await startTimes(containers)
      return new Map(services.map((service) => [service, livenessOf(service, containers, started)]))
    },
    prepare: async (services) => {
      requireFolder(site.folder)
      // Once the container that holds the network runs, the ports are taken: by this very cluster.
      const containers = await listContainers(compose)
      if (!containers.some(({ Service, State }) => Service === NETWORK && State === 'running')) {
        await requireFreePorts(site, services)
      }
    },
    start: async (services, { report, signal }) => {
      report(`starting ${services.join(', ')} with Docker (the first time it downloads the images) ...`)
      await requireSuccess(compose(['up', '--detach', '--build', NETWORK, ...services], signal))
    },
    stop: async (services, { report }) => {
      const all = SERVICE_NAMES.every((service) => services.includes(service))
      const timeout = ['--timeout', String(STOP_TIMEOUT_S)]
      await requireSuccess(compose(all ? ['down', ...timeout] : ['stop', ...timeout, ...services]))
      report(`${services.join(', ')}: stopped`)
    },
    logs: (services, options) => followCompose(config, site, services, options),
    lastWords: async (service) => {
      const { stdout, stderr } = await compose(['logs', '--no-color', '--no-log-prefix', '--tail', '18', service])
      const where = ['docker', ...composeArgs(config), 'logs', service].join(' ')
      return { lines: `${stdout}${stderr}`.trimEnd().split('\n'), where }
    },
    kafkaTool: (className, args) =>
      compose(['exec', '-T', 'kafka', '/opt/kafka/bin/kafka-run-class.sh', className, ...args]),
    hdfs: (args) => compose(['exec', '-T', 'namenode', 'hdfs', 'dfs', ...args]),
  }
}

type Compose = (args: readonly string[], signal?: AbortSignal) => Promise<ToolResult>

/** The fields used here of what `docker compose ps --format json` prints. */
export interface Container {
  ID: string
  Service: string
  State: string
  ExitCode: number
}

async function listContainers(compose: Compose): Promise<Container[]> {
  return parseContainers((await requireSuccess(compose(['ps', '--all', '--format', 'json']))).stdout)
}

/** Compose prints one array, or since version 2.21 one object a line. */
export function parseContainers(output: string): Container[] {
  const trimmed = output.trim()
  if (trimmed === '') return []
  if (trimmed.startsWith('[')) return JSON.parse(trimmed) as Container[]
  return trimmed.split('\n').map((line) => JSON.parse(line) as Container)
}

/** When each container was last started, by its id: Compose only tells when it was made. */
async function startTimes(containers: readonly Container[]): Promise<Map<string, string>> {
  if (containers.length === 0) return new Map()
  const args = ['inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...containers.map(({ ID }) => ID)]
  const { stdout } = await requireSuccess(runToEnd('docker', args, { environment: process.env }))
  const rows = stdout.trim().split('\n')
  return new Map(containers.map(({ ID }) => [ID, rows.find((row) => row.startsWith(ID))?.split(' ')[1] ?? '']))
}

function livenessOf(
  service: ServiceName,
  containers: readonly Container[],
  started: ReadonlyMap<string, string>,
): Liveness {
  const container = containers.find((one) => one.Service === service)
  if (container === undefined) return { alive: false }
  if (container.State !== 'running') {
    return { alive: false, note: `container ${container.State}, exit code ${container.ExitCode}` }
  }
  const since = started.get(container.ID)
  return { alive: true, ...(since && { since: new Date(since).toISOString() }) }
}

/** One project per set of ports, so that a second cluster does not take the containers and volumes of the first. */
function composeArgs(config: Config): string[] {
  const project = config.portOffset === 0 ? 'music-faker' : `music-faker-${config.portOffset}`
  return ['compose', '--project-directory', PROGRAM_FOLDER, '--project-name', project]
}

function variables(config: Config, site: Site): NodeJS.ProcessEnv {
  return { ...process.env, ...portVariables(site), CLUSTER_TOPIC: config.topic }
}

function runCompose(config: Config, site: Site, args: readonly string[], signal?: AbortSignal): Promise<ToolResult> {
  return runToEnd('docker', [...composeArgs(config), ...args], {
    environment: variables(config, site),
    ...(signal && { signal }),
  })
}

async function requireSuccess(running: Promise<ToolResult>): Promise<ToolResult> {
  const result = await running
  if (result.code === 0) return result
  const end = result.stderr.trim().split('\n').slice(-12).join('\n')
  throw new MusicFakerError('CLUSTER_FAILED', `docker compose failed (exit code ${result.code}):\n${end}`, {
    next: 'Mend what it names, then run: music-faker up',
  })
}

async function followCompose(
  config: Config,
  site: Site,
  services: readonly ServiceName[],
  { follow, lines, out, signal }: { follow: boolean; lines: number; out: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const options = ['--no-color', '--tail', String(lines), ...(follow ? ['--follow'] : [])]
  const prefix = services.length === 1 ? ['--no-log-prefix'] : []
  const child = spawn('docker', [...composeArgs(config), 'logs', ...options, ...prefix, ...services], {
    env: variables(config, site),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.once('error', () => {})
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const line of createInterface({ input: child.stdout })) out(line)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
