/**
 * Where one local cluster lives: its folders, its ports, and the environment from which the settings files in `cluster/`
 * take them. Everything that a cluster keeps is under `<dataDir>/cluster/`:
 *
 *   engine            "jvm" or "docker": what the cluster was first started with, and stays with
 *   lock.sqlite       locked while a command starts or stops services; lock.pid tells which
 *   run/<service>.json   the process of a service: pid, identity, start
 *   run/<service>.tmp    its temporary files; emptied at each start
 *   logs/<service>.log   its log; `.log.1` and `.log.2` are older; `.out` is what the process itself printed
 *   data/kafka, data/hdfs/namenode, data/hdfs/datanode
 *
 * With Docker the data and the logs are in the volumes and the log driver of Docker.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MusicFakerError } from '../errors.ts'
import type { Config } from '../settings.ts'
import type { ServiceName } from './services.ts'

export interface Site {
  /** `<dataDir>/cluster`, absolute. */
  folder: string
  ports: Ports
  /** Where the dashboard answers to programs of this machine. */
  dashboardHost: string
}

/** Every port of a cluster. Those that no setting names are the usual ones plus `portOffset`. */
export interface Ports {
  kafka: number
  kafkaController: number
  namenode: number
  namenodeRpc: number
  datanode: number
  datanodeHttp: number
  datanodeIpc: number
  dashboard: number
}

/** The folder of settings files and poms, in a clone and in the package. */
export const SETTINGS_FOLDER = fileURLToPath(new URL('../../cluster/', import.meta.url))

/** The folder of docker-compose.yml and Dockerfile, in a clone and in the package. */
export const PROGRAM_FOLDER = fileURLToPath(new URL('../../', import.meta.url))

/** All services listen here, so that nothing of the cluster can be reached from outside this machine. */
export const BIND = '127.0.0.1'

const ANY_ADDRESS = new Set(['0.0.0.0', '::'])
const LOCAL_HOSTS = new Set([BIND, 'localhost'])

/** @throws CONFIG_INVALID when the settings describe services that are not on this machine, or that need a login */
export function siteOf(config: Config): Site {
  const broker = new URL(`kafka://${config.kafkaBrokers[0]}`)
  const namenode = new URL(config.hdfsNamenodes[0] ?? '')
  requireLocal('kafkaBrokers', broker, config.kafkaTls || config.kafkaSaslMechanism !== undefined)
  requireLocal('hdfsNamenodes', namenode, namenode.protocol === 'https:')
  const offset = config.portOffset
  return {
    folder: resolve(config.dataDir, 'cluster'),
    dashboardHost: ANY_ADDRESS.has(config.host) ? BIND : config.host,
    ports: {
      kafka: Number(broker.port),
      kafkaController: 9093 + offset,
      namenode: Number(namenode.port || 80),
      namenodeRpc: 9000 + offset,
      datanode: 9866 + offset,
      datanodeHttp: 9864 + offset,
      datanodeIpc: 9867 + offset,
      dashboard: config.port,
    },
  }
}

/** What a service listens on, the port of its users first. */
export function portsOf(site: Site, service: ServiceName): number[] {
  const { ports } = site
  switch (service) {
    case 'kafka':
      return [ports.kafka, ports.kafkaController]
    case 'namenode':
      return [ports.namenode, ports.namenodeRpc]
    case 'datanode':
      return [ports.datanode, ports.datanodeHttp, ports.datanodeIpc]
    case 'dashboard':
      return [ports.dashboard]
  }
}

/** What users of a service give to their clients or open in a browser. */
export function addressOf(site: Site, service: ServiceName): string {
  switch (service) {
    case 'kafka':
      return `${BIND}:${site.ports.kafka}`
    case 'namenode':
      return `http://${BIND}:${site.ports.namenode}`
    case 'datanode':
      return `${BIND}:${site.ports.datanode}`
    case 'dashboard':
      return `http://localhost:${site.ports.dashboard}`
  }
}

/** The ports, under the names by which the files in `cluster/` and docker-compose.yml refer to them. */
export function portVariables({ ports }: Site): Record<string, string> {
  return {
    CLUSTER_KAFKA_PORT: String(ports.kafka),
    CLUSTER_CONTROLLER_PORT: String(ports.kafkaController),
    CLUSTER_NAMENODE_PORT: String(ports.namenode),
    CLUSTER_NAMENODE_RPC_PORT: String(ports.namenodeRpc),
    CLUSTER_DATANODE_PORT: String(ports.datanode),
    CLUSTER_DATANODE_HTTP_PORT: String(ports.datanodeHttp),
    CLUSTER_DATANODE_IPC_PORT: String(ports.datanodeIpc),
    CLUSTER_DASHBOARD_PORT: String(ports.dashboard),
  }
}

/** The environment of services that run on this machine: ports, folders and where to listen. */
export function hostVariables(site: Site): Record<string, string> {
  return {
    ...portVariables(site),
    CLUSTER_BIND: BIND,
    CLUSTER_KAFKA_DATA: kafkaData(site),
    CLUSTER_HDFS_DATA: hdfsData(site),
  }
}

export function kafkaData(site: Site): string {
  return join(site.folder, 'data', 'kafka')
}

export function hdfsData(site: Site): string {
  return join(site.folder, 'data', 'hdfs')
}

export function logFile(site: Site, service: ServiceName): string {
  return join(site.folder, 'logs', `${service}.log`)
}

/** What the process of a service printed by itself, such as why Java would not start. */
export function outputFile(site: Site, service: ServiceName): string {
  return join(site.folder, 'logs', `${service}.out`)
}

export function pidFile(site: Site, service: ServiceName): string {
  return join(site.folder, 'run', `${service}.json`)
}

export function temporaryFolder(site: Site, service: ServiceName): string {
  return join(site.folder, 'run', `${service}.tmp`)
}

function requireLocal(setting: 'kafkaBrokers' | 'hdfsNamenodes', address: URL, secured: boolean): void {
  if (LOCAL_HOSTS.has(address.hostname) && !secured) return
  const what = secured ? 'with encryption or a login' : `at ${address.host}`
  throw new MusicFakerError('CONFIG_INVALID', `the cluster of "up" is on this machine, but ${setting} is ${what}`, {
    next: `Services that others run need no "up": use them as they are. For a cluster on this machine, unset ${setting} and its login.`,
  })
}
