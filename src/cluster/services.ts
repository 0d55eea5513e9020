/** The services of a local cluster, and what is told about each. */

export const SERVICE_NAMES = ['kafka', 'namenode', 'datanode', 'dashboard'] as const

export type ServiceName = (typeof SERVICE_NAMES)[number]

/** How a service is run: in a container, or as a process of Java or Node on this machine. */
export type ServiceEngine = 'docker' | 'jvm' | 'node'

/**
 * `running`: alive and answering. `starting`: alive, not answering yet, and younger than its time to start.
 * `unhealthy`: alive, but not answering for longer than that. `stopped`: no such process.
 */
export type ServiceState = 'running' | 'starting' | 'unhealthy' | 'stopped'

export interface ServiceStatus {
  name: ServiceName
  state: ServiceState
  engine: ServiceEngine
  /** Of the process on this machine; absent in a container and when stopped. */
  pid?: number
  /** The port that its users connect to. */
  port: number
  /** What its users give to their clients: HOST:PORT for Kafka and HDFS data, a URL for what a browser opens. */
  address: string
  /** When it was started, ISO 8601, UTC. */
  since?: string
  /** Why it is not running, or what to know about it. */
  note?: string
}

/** Receives one line of progress for the user. */
export type Report = (line: string) => void

/** A service may take this long from its start to its first answer. */
export const START_TIMEOUT_MS = 60_000

/** What is told for a service that is being looked at. */
export interface Liveness {
  alive: boolean
  pid?: number
  /** ISO 8601, UTC. */
  since?: string
  note?: string
}

/** Names the state of a service from what is known of its process and whether it answers. */
export function stateOf(liveness: Liveness, answers: boolean, now: number): ServiceState {
  if (!liveness.alive) return 'stopped'
  if (answers) return 'running'
  const age = liveness.since === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(liveness.since)
  return age < START_TIMEOUT_MS ? 'starting' : 'unhealthy'
}
