/**
 * TCP connections to brokers: one shared per broker for short requests, and separate ones for requests that wait at the
 * broker (a fetch, joining a group), because a broker answers the requests of one connection one after the other.
 */
import { isIP } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { Connection } from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'

export interface KafkaOptions {
  /** Bootstrap brokers, HOST:PORT. */
  brokers: readonly string[]
  topic: string
  /** Partitions of the topic where it has to be created. */
  partitions: number
  /** How the brokers' logs and quotas name this client. */
  clientId?: string
  sasl?: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  /** Encrypts the connections; `{}` with Node's own authorities. */
  tls?: TlsOptions
  /** Milliseconds that one request may take. Appending is tried for four times as long. */
  requestTimeout: number
  /** Milliseconds that opening waits for a broker. */
  connectTimeout: number
}

export interface Broker {
  host: string
  port: number
}

/** One address is given up after this long, so that the next one gets its turn. */
const CONNECT_ATTEMPT_MS = 3000

export class KafkaConnections {
  readonly #options: KafkaOptions
  readonly #shared = new Map<string, Promise<Connection>>()
  readonly #all = new Set<Connection>()
  #closed = false

  constructor(options: KafkaOptions) {
    this.#options = options
  }

  /** Opens a connection of the caller's own; `closeConnection` ends it. Rejects with the library's errors. */
  async open(broker: Broker, requestTimeout = this.#options.requestTimeout): Promise<Connection> {
    if (this.#closed) throw new MusicFakerError('LOG_REFUSED', 'the log is closed')
    const { clientId = 'music-faker', connectTimeout, sasl, tls } = this.#options
    const connection = new Connection(clientId, {
      connectTimeout: Math.min(CONNECT_ATTEMPT_MS, connectTimeout),
      requestTimeout,
      ...(sasl === undefined ? {} : { sasl }),
      ...(tls === undefined ? {} : { tls, tlsServerName: isIP(broker.host) === 0 }),
    })
    // Every failure also reaches a callback; without a listener the event would end the process.
    connection.on('error', () => {})
    this.#all.add(connection)
    connection.once('close', () => {
      this.#all.delete(connection)
      // The library would keep it until it is time to renew its login, and begin that then.
      void connection.close()
    })
    try {
      await connection.connect(broker.host, broker.port)
    } catch (error) {
      this.close(connection)
      throw error
    }
    if (this.#closed) this.close(connection)
    return connection
  }

  /** The connection for short requests to a broker, opened anew when it was lost. */
  async shared(broker: Broker): Promise<Connection> {
    const address = `${broker.host}:${broker.port}`
    const known = this.#shared.get(address)
    if (known !== undefined) {
      const connection = await known
      await renewed(connection)
      if (usable(connection)) return connection
      // Another caller may have replaced it while this one waited.
      if (this.#shared.get(address) !== known) return this.shared(broker)
    }
    const opening = this.open(broker)
    this.#shared.set(address, opening)
    opening.catch(() => {
      if (this.#shared.get(address) === opening) this.#shared.delete(address)
    })
    return opening
  }

  /** Ends a connection at once; what waits on it rejects. */
  close(connection: Connection): void {
    this.#all.delete(connection)
    connection.socket?.destroy()
  }

  closeAll(): void {
    this.#closed = true
    for (const connection of this.#all) this.close(connection)
    this.#shared.clear()
  }
}

/** Whether a connection takes requests: one that renews its login does not, see `renewed`. */
export function usable({ status, socket }: Connection): boolean {
  return !socket.destroyed && status === 'connected'
}

/**
 * Waits until a connection has renewed its login, if it is about to; to be called before each request. A broker that sets
 * `connections.max.reauth.ms` takes any request that comes amid that for a breach, refuses it and hangs up. What fails makes the
 * connection unusable.
 */
export async function renewed(connection: Connection): Promise<void> {
  const { status, socket } = connection
  if (status === 'reauthenticating' && !socket.destroyed) await connection.ready().catch(() => undefined)
}

/** `host:port`, also with an IPv6 address in brackets. */
export function parseBroker(address: string): Broker {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
