/** Runs a cluster as processes of this machine: Kafka and HDFS on Java, the dashboard on the Node that runs this. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MusicFakerError } from '../errors.ts'
import { environmentOf, programArguments } from '../self.ts'
import type { Config } from '../settings.ts'
import { type JarKind, jarFolder, provideJars } from './download.ts'
import type { Call, Engine, ToolResult } from './engine.ts'
import { followFile, lastLines } from './logs.ts'
import { requireFreePorts } from './ports.ts'
import { forget, isAlive, recall, startDetached, stopProcess } from './process.ts'
import { requireFolder, requireJava } from './requirements.ts'
import { runToEnd } from './run.ts'
import type { Liveness, ServiceName } from './services.ts'
import {
  hdfsData,
  hostVariables,
  kafkaData,
  logFile,
  outputFile,
  pidFile,
  SETTINGS_FOLDER,
  type Site,
  temporaryFolder,
} from './site.ts'

const STOP_TIMEOUT_MS = 20_000
const LOG_BYTES = 10_000_000

/**
 * Measured on 2 cores: from nothing to ready in 5 to 7 s with these, 8 s with Java's defaults; from formatted storage in 4
 * to 5 s and 6 s. Kafka took 210 to 297 thousand events/s of ProducerPerformance with them, 180 to 191 thousand without.
 */
const JAVA_FLAGS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']
/** A JVM that is out of memory ends, rather than linger half alive. */
const SERVER_FLAGS = ['-Xmx512m', '-XX:+ExitOnOutOfMemoryError']

const MAIN_CLASSES = {
  kafka: 'kafka.Kafka',
  namenode: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
  datanode: 'org.apache.hadoop.hdfs.server.datanode.DataNode',
}

export function jvmEngine(config: Config, site: Site): Engine {
  return {
    kind: 'jvm',
    engineOf: (service) => (service === 'dashboard' ? 'node' : 'jvm'),
    liveness: async (services) => new Map(services.map((service) => [service, livenessOf(site, service)])),
    prepare: (services, call) => prepare(site, services, call),
    start: async (services, call) => {
      // HDFS and Kafka format at the same time; the DataNode waits for its NameNode by itself.
      const results = await Promise.allSettled(services.map((service) => start(config, site, service, call)))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
    stop: async (services, call) => {
      await Promise.all(services.map((service) => stop(site, service, call)))
    },
    logs: (services, options) => logs(site, services, options),
    lastWords: async (service) => ({
      lines: [...lastLines(logFile(site, service), 12), ...lastLines(outputFile(site, service), 6)],
      where: logFile(site, service),
    }),
    kafkaTool: (className, args) => runJava(site, 'kafka', className, args),
    hdfs: (args) => runJava(site, 'hdfs', 'org.apache.hadoop.fs.FsShell', args),
  }
}

function livenessOf(site: Site, service: ServiceName): Liveness {
  const process = recall(pidFile(site, service))
  if (process === undefined) return { alive: false }
  if (isAlive(process)) return { alive: true, pid: process.pid, since: process.since }
  return { alive: false, note: `ended by itself after its start at ${process.since}` }
}

async function prepare(site: Site, services: readonly ServiceName[], call: Call): Promise<void> {
  for (const folder of ['run', 'logs', 'data']) requireFolder(join(site.folder, folder))
  const kinds = new Set(services.flatMap((service) => kindOf(service) ?? []))
  if (kinds.size > 0) requireJava(process.env)
  await requireFreePorts(site, services)
  for (const kind of kinds) await provideJars(kind, call)
}

function kindOf(service: ServiceName): JarKind | undefined {
  if (service === 'dashboard') return undefined
  return service === 'kafka' ? 'kafka' : 'hdfs'
}

async function start(config: Config, site: Site, service: ServiceName, call: Call): Promise<void> {
  await format(site, service, call)
  call.report(`${service}: starting ...`)
  const program = service === 'dashboard' ? dashboardProgram(config, site) : serverProgram(site, service)
  await startDetached({ ...program, folder: join(site.folder, 'logs'), pidFile: pidFile(site, service) })
}

function serverProgram(site: Site, service: keyof typeof MAIN_CLASSES) {
  const kind = service === 'kafka' ? 'kafka' : 'hdfs'
  const logging = ['-Dlog.level=INFO', '-Dlog.to=file', `-Dlog.file=${logFile(site, service)}`]
  const args = service === 'kafka' ? [join(SETTINGS_FOLDER, 'kafka', 'server.properties')] : []
  // HDFS unpacks its web pages there, and leaves them behind when it is killed.
  const temporary = [`-Djava.io.tmpdir=${emptied(temporaryFolder(site, service))}`]
  return {
    command: requireJava(process.env),
    args: [...SERVER_FLAGS, ...logging, ...temporary, ...javaArgs(kind), MAIN_CLASSES[service], ...args],
    environment: javaEnvironment(site),
    output: outputFile(site, service),
  }
}

function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** The dashboard gets every setting of this command, so that it shows this cluster whatever its own file or flags say. */
function dashboardProgram(config: Config, site: Site) {
  const log = logFile(site, 'dashboard')
  rotate(log)
  return {
    command: process.execPath,
    args: [...programArguments(), 'dashboard'],
    // Its file may be named relative to the folder of this command.
    environment: { ...process.env, ...environmentOf({ ...config, profile: 'cluster' }), MF_CONFIG: undefined },
    output: log,
  }
}

function rotate(log: string): void {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(log, `${log}.1`)
}

/**
 * Storage is formatted only where there is none: what is there may be all that its user has. The file that each check
 * looks for is the last that formatting writes, so that an interrupted one is done again.
 */
async function format(site: Site, service: ServiceName, call: Call): Promise<void> {
  if (service === 'kafka' && !existsSync(join(kafkaData(site), 'meta.properties'))) {
    const settings = join(SETTINGS_FOLDER, 'kafka', 'server.properties')
    const id = randomBytes(16).toString('base64url')
    // One argument: an id may begin with a dash.
    await formatWith(site, call, 'kafka', 'kafka.tools.StorageTool', ['format', `--cluster-id=${id}`, '-c', settings])
  }
  const image = join(hdfsData(site), 'namenode', 'current')
  if (service === 'namenode' && !listFiles(image).some((name) => /^fsimage_\d+$/.test(name))) {
    // The NameNode refuses to format a folder that holds anything, also the leavings of an interrupted format.
    rmSync(join(hdfsData(site), 'namenode'), { recursive: true, force: true })
    await formatWith(site, call, 'hdfs', MAIN_CLASSES.namenode, ['-format', '-nonInteractive'])
  }
}

function listFiles(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

async function formatWith(site: Site, call: Call, kind: JarKind, className: string, args: string[]): Promise<void> {
  call.report(`${kind === 'kafka' ? 'kafka' : 'namenode'}: formatting new storage ...`)
  mkdirSync(kind === 'kafka' ? kafkaData(site) : hdfsData(site), { recursive: true })
  const { code, stdout, stderr } = await runJava(site, kind, className, args, call.signal)
  if (code === 0) return
  const end = `${stdout}${stderr}`.trim().split('\n').slice(-12).join('\n')
  throw new MusicFakerError('CLUSTER_FAILED', `cannot format the storage of ${kind} in ${site.folder}:\n${end}`, {
    next: 'Mend what it names, then run: music-faker up',
  })
}

function runJava(
  site: Site,
  kind: JarKind,
  className: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<ToolResult> {
  return runToEnd(requireJava(process.env), [...javaArgs(kind), className, ...args], {
    environment: javaEnvironment(site),
    ...(signal && { signal }),
  })
}

/** Without a UTF-8 locale Java cannot open a path with an accent. */
function javaEnvironment(site: Site): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C.UTF-8', ...hostVariables(site) }
}

/** The settings folder stands first on the path of HDFS, which looks there for core-site.xml and the others. */
function javaArgs(kind: JarKind): string[] {
  const settings = join(SETTINGS_FOLDER, kind)
  const jars = join(jarFolder(kind), '*')
  return kind === 'kafka'
    ? [...JAVA_FLAGS, `-Dlog4j2.configurationFile=${join(settings, 'log4j2.properties')}`, '-cp', jars]
    : [...JAVA_FLAGS, '-cp', `${settings}:${jars}`]
}

async function stop(site: Site, service: ServiceName, { report }: Call): Promise<void> {
  const file = pidFile(site, service)
  const process = recall(file)
  if (process !== undefined) {
    const result = await stopProcess(process, STOP_TIMEOUT_MS)
    if (result === 'killed') report(`${service}: did not end within ${STOP_TIMEOUT_MS / 1000} s, killed`)
    if (result === 'ended') report(`${service}: stopped`)
  }
  forget(file)
}

async function logs(
  site: Site,
  services: readonly ServiceName[],
  { follow, lines, out, signal }: { follow: boolean; lines: number; out: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const named = (service: ServiceName) => (services.length === 1 ? out : (line: string) => out(`${service} | ${line}`))
  if (!follow) {
    for (const service of services) lastLines(logFile(site, service), lines).forEach(named(service))
    return
  }
  await Promise.all(
    services.map((service) => followFile(logFile(site, service), { lines, out: named(service), signal })),
  )
}
