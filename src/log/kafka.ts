/**
 * The log on Apache Kafka 3.9 or newer. Offsets are the topic's own; messages of aborted transactions are never read.
 * Fetching, appending and group membership are requests of our own over the library's connections and wire formats; the
 * files beside this one say why its clients will not do.
 */
import { MusicFakerError } from '../errors.ts'
import { KafkaCluster, PLACES_AGE_MS } from './kafka-cluster.ts'
import type { KafkaOptions } from './kafka-connections.ts'
import { CHECK_BROKERS, hasProtocolError } from './kafka-errors.ts'
import { Membership } from './kafka-group.ts'
import { KafkaProducer } from './kafka-producer.ts'
import { KafkaReader } from './kafka-reader.ts'
import { retry, within } from './kafka-retry.ts'
import type {
  Assignment,
  EventLog,
  JoinOptions,
  LogMessage,
  PartitionReader,
  ReadFrom,
  TopicDescription,
} from './log.ts'

export type { KafkaOptions } from './kafka-connections.ts'

/**
 * Waits for a broker to answer, then opens the log. The topic may be missing.
 * @throws LOG_UNREACHABLE, naming the brokers, when none has answered within `connectTimeout`; LOG_AUTH at once; LOG_FORMAT
 * when Kafka is older than 3.9
 */
export async function openKafkaLog(options: KafkaOptions): Promise<EventLog> {
  const cluster = new KafkaCluster(options)
  const what = `cannot reach Kafka at ${options.brokers.join(', ')}`
  const deadline = performance.now() + options.connectTimeout
  let failure: unknown
  const check = async () => {
    const checking = cluster.check().catch((error) => {
      failure = error
      throw error
    })
    if (await within(deadline - performance.now(), checking)) return
    // How an earlier try failed tells more than that there was no time for the last one.
    throw failure ?? new MusicFakerError('LOG_UNREACHABLE', `${what}: no answer`, { next: CHECK_BROKERS })
  }
  try {
    await retry(what, deadline, check)
  } catch (error) {
    cluster.connections.closeAll()
    throw error
  }
  return new KafkaLog(cluster)
}

class KafkaLog implements EventLog {
  readonly #cluster: KafkaCluster
  readonly #producer: KafkaProducer
  readonly #closed = new AbortController()
  readonly #memberships = new Set<Promise<void>>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
    this.#producer = new KafkaProducer(cluster, this.#closed.signal)
  }

  get topic(): string {
    return this.#cluster.options.topic
  }

  /**
   * The topic gets as many partitions as the options say, three replicas where the cluster has three brokers, and is kept by
   * size (10 GiB a partition), not by time.
   */
  async ensureTopic(): Promise<void> {
    await this.#retry(`cannot create topic ${this.topic}`, async () => {
      const { partitions } = await this.#cluster.places(performance.now()).catch(async (error) => {
        if (!hasProtocolError(error, 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
        await this.#cluster.createTopic()
        // Brokers learn of it one after the other.
        throw new MusicFakerError('LOG_UNREACHABLE', `topic ${this.topic} was created, but is not known everywhere yet`)
      })
      if (partitions.some(({ leader }) => leader === undefined)) {
        throw new MusicFakerError('LOG_UNREACHABLE', `a partition of ${this.topic} has no leader yet`)
      }
    })
  }

  async describe(): Promise<TopicDescription> {
    return this.#retry(`cannot describe topic ${this.topic}`, async () => {
      const places = await this.#cluster.places(performance.now())
      const partitions = await this.#cluster.watermarks(places)
      return { topicId: places.topicId, partitions }
    })
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    this.#closed.signal.throwIfAborted()
    await this.#producer.append(messages)
  }

  open(from: ReadFrom): PartitionReader {
    this.#closed.signal.throwIfAborted()
    return new KafkaReader(this.#cluster, from, this.#closed.signal)
  }

  /**
   * Commits are told to the group in the background and may be lost; a lost one is made up for by the next.
   * @throws what cannot pass by itself: LOG_AUTH, LOG_TOPIC_MISSING, LOG_REFUSED
   */
  async *join({ group, signal, onContact }: JoinOptions): AsyncGenerator<Assignment, void> {
    this.#closed.signal.throwIfAborted()
    const done = new AbortController()
    const stop = AbortSignal.any([signal, this.#closed.signal, done.signal])
    if (stop.aborted) return
    const offered: Assignment[] = []
    let wake = Promise.withResolvers<void>()
    const offer = (assignment: Assignment) => {
      offered.push(assignment)
      wake.resolve()
    }
    let ended = false
    const membership = new Membership(this.#cluster, { group, stop, offer, onContact }).run().finally(() => {
      ended = true
      wake.resolve()
    })
    // Its failure is thrown from here once the assignments before it are given out.
    const settled = membership.catch(() => undefined)
    this.#memberships.add(settled)
    try {
      while (!ended) {
        await wake.promise
        wake = Promise.withResolvers()
        for (let next = offered.shift(); next !== undefined; next = offered.shift()) yield next
      }
      await membership
    } finally {
      done.abort()
      await settled
      this.#memberships.delete(settled)
    }
  }

  async committed(group: string): Promise<Map<number, number>> {
    return this.#retry(`cannot read what group ${group} has committed`, async () => {
      const { partitions } = await this.#cluster.places(performance.now() - PLACES_AGE_MS)
      return this.#cluster.committed(group, partitions.length)
    })
  }

  /** Ends reads and appends under way, leaves the groups, closes every connection. Takes a few seconds at most. */
  async close(): Promise<void> {
    this.#closed.abort(new MusicFakerError('LOG_REFUSED', `the log ${this.topic} is closed`))
    await Promise.all(this.#memberships)
    this.#cluster.connections.closeAll()
  }

  async #retry<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { signal } = this.#closed
    signal.throwIfAborted()
    return retry(what, performance.now() + this.#cluster.options.requestTimeout, attempt, signal)
  }
}
