/**
 * What is known about the cluster and the one topic: which brokers there are, who leads which partition, who coordinates a
 * group. Requests go out once and fail with the library's errors; callers repeat them.
 */
import {
  apiVersionsV3,
  type Connection,
  createTopicsV7,
  fetchV17,
  findCoordinatorV4,
  listOffsetsV7,
  metadataV12,
  offsetFetchV8,
  produceV11,
} from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'
import { type Broker, KafkaConnections, type KafkaOptions, parseBroker } from './kafka-connections.ts'
import { hasProtocolError, logError, protocolError } from './kafka-errors.ts'
import type { Watermarks } from './log.ts'

export interface PartitionPlace {
  /** Undefined while the partition has no leader. */
  leader: Broker | undefined
  leaderEpoch: number
}

export interface TopicPlaces {
  topicId: string
  /** By partition number, without a hole. */
  partitions: PartitionPlace[]
  /** By performance.now: the wall clock may jump. */
  readAt: number
}

/** How old a picture of the topic may be where it is not known to be wrong: new partitions are noticed after this. */
export const PLACES_AGE_MS = 10_000
const READ_COMMITTED = 1
const EARLIEST = -2n
const LATEST = -1n
const GROUP = 0
const NO_REPLICA = -1
/** Three copies, as Kafka's documentation advises for production. */
const REPLICAS = 3
/** As many as the cluster's `default.replication.factor` says. */
const DEFAULT_REPLICAS = -1

/**
 * Brokers delete, roll, refuse and forget producers by the time of messages. Here that is the time at which they came,
 * whatever a producer says: one that gives the time of last month's events would have them deleted minutes after they
 * were written, unarchived. No age bounds a partition, only its size: an archive that stands still for a week loses nothing.
 */
const TOPIC_CONFIGS = [
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '10737418240' },
  { name: 'message.timestamp.type', value: 'LogAppendTime' },
]

export class KafkaCluster {
  readonly options: KafkaOptions
  readonly connections: KafkaConnections
  readonly #bootstrap: Broker[]
  #brokers: Broker[] = []
  #places: TopicPlaces | undefined
  #reading: Promise<void> | undefined
  readonly #coordinators = new Map<string, Broker>()
  /** Counts failures, so that the next attempt begins at another broker. */
  #turn = 0

  constructor(options: KafkaOptions) {
    this.options = options
    this.connections = new KafkaConnections(options)
    this.#bootstrap = options.brokers.map(parseBroker)
  }

  /** A connection to any broker that answers. @throws LOG_UNREACHABLE naming the bootstrap brokers; LOG_AUTH */
  async any(): Promise<Connection> {
    const candidates = [...this.#bootstrap, ...this.#brokers]
    let failure: unknown
    for (let i = 0; i < candidates.length; i++) {
      const broker = candidates[this.#turn % candidates.length]!
      try {
        return await this.connections.shared(broker)
      } catch (error) {
        const mapped = logError(error, `cannot connect to Kafka at ${broker.host}:${broker.port}`)
        if (!mapped.retryable) throw mapped
        failure = error
        this.#turn++
      }
    }
    throw logError(failure, `cannot reach Kafka at ${this.options.brokers.join(', ')}`)
  }

  /**
   * Makes sure that the cluster answers this client.
   * @throws LOG_FORMAT when the broker is too old for the requests that are made here
   */
  async check(): Promise<true> {
    const { apiKeys } = await apiVersionsV3.api.async(await this.any(), 'music-faker', '1')
    const highest = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
    for (const { key, version } of [fetchV17.api, produceV11.api, metadataV12.api]) {
      if ((highest.get(key) ?? -1) < version) {
        throw new MusicFakerError('LOG_FORMAT', `Kafka at ${this.options.brokers.join(', ')} is older than 3.9`, {
          next: 'Use Kafka 3.9 or newer.',
        })
      }
    }
    // A broker that asks for a login tells its versions without one, and nothing else.
    await this.#metadata([])
    return true
  }

  /**
   * Who leads the topic's partitions.
   * @param notBefore by performance.now: what was read earlier than this is read anew
   */
  async places(notBefore: number): Promise<TopicPlaces> {
    // A reading that is under way may have begun too early; then one more follows.
    while (this.#places === undefined || this.#places.readAt < notBefore) {
      this.#reading ??= this.#readPlaces().finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
    return this.#places
  }

  async #readPlaces(): Promise<void> {
    const { topic } = this.options
    const readAt = performance.now()
    const response = await this.#metadata([topic])
    const found = response.topics[0]
    if (found === undefined || found.errorCode !== 0) throw protocolError(found?.errorCode ?? 3)
    const brokers = new Map(response.brokers.map((broker) => [broker.nodeId, broker]))
    const partitions: PartitionPlace[] = []
    for (const { partitionIndex, leaderId, leaderEpoch } of found.partitions) {
      partitions[partitionIndex] = { leader: brokers.get(leaderId), leaderEpoch }
    }
    this.#places = { topicId: found.topicId, partitions, readAt }
  }

  async #metadata(topics: string[]): Promise<metadataV12.MetadataResponse> {
    const connection = await this.any()
    let response: metadataV12.MetadataResponse
    try {
      response = await metadataV12.api.async(connection, topics, false, false)
    } catch (error) {
      // The library rejects the whole answer when one partition has no leader; the others are still good.
      const partial = (error as { response?: metadataV12.MetadataResponse }).response
      if (partial === undefined) {
        this.#turn++
        throw error
      }
      response = partial
    }
    this.#brokers = response.brokers.map(({ host, port }) => ({ host, port }))
    return response
  }

  /**
   * With three copies; fewer where the cluster has fewer brokers, but then no fewer than its default. Which of them are up at
   * this moment is not looked at: the copies are for the life of the topic, and a cluster that starts has one broker at first.
   */
  async createTopic(): Promise<void> {
    try {
      await this.#createWith(REPLICAS)
    } catch (error) {
      // Someone else was faster.
      if (!hasProtocolError(error, 'TOPIC_ALREADY_EXISTS')) throw error
    }
  }

  async #createWith(replicas: number): Promise<void> {
    try {
      await this.#create(replicas)
    } catch (error) {
      if (replicas === 1 || !hasProtocolError(error, 'INVALID_REPLICATION_FACTOR')) throw error
      // Refused as well where there are fewer brokers than the default asks for: some are yet to come.
      await this.#create(DEFAULT_REPLICAS, { validateOnly: true })
      await this.#createWith(replicas - 1)
    }
  }

  async #create(replicationFactor: number, { validateOnly = false } = {}): Promise<void> {
    const { topic, partitions, requestTimeout } = this.options
    const wanted = {
      name: topic,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: TOPIC_CONFIGS,
    }
    await createTopicsV7.api.async(await this.any(), [wanted], requestTimeout, validateOnly)
  }

  /** The readable offsets of every partition: up to the last stable one, so that open transactions do not count as lag. */
  async watermarks(places: TopicPlaces): Promise<Map<number, Watermarks>> {
    const [starts, ends] = await Promise.all([this.#offsets(places, EARLIEST), this.#offsets(places, LATEST)])
    const marks = new Map<number, Watermarks>()
    for (let partition = 0; partition < places.partitions.length; partition++) {
      marks.set(partition, { start: starts.get(partition)!, end: ends.get(partition)! })
    }
    return marks
  }

  async #offsets(places: TopicPlaces, timestamp: bigint): Promise<Map<number, number>> {
    const { topic } = this.options
    const requests = byLeader(places, (partitionIndex, { leaderEpoch }) => ({
      partitionIndex,
      currentLeaderEpoch: leaderEpoch,
      timestamp,
    }))
    const offsets = new Map<number, number>()
    await Promise.all(
      Array.from(requests, async ([leader, partitions]) => {
        const connection = await this.connections.shared(leader)
        const request = [{ name: topic, partitions }]
        const { topics } = await listOffsetsV7.api.async(connection, NO_REPLICA, READ_COMMITTED, request)
        for (const { partitionIndex, offset } of topics[0]?.partitions ?? []) {
          offsets.set(partitionIndex, Number(offset))
        }
      }),
    )
    return offsets
  }

  /** The offsets a group has committed for the topic, by partition; without one, absent. */
  async committed(group: string, partitions: number): Promise<Map<number, number>> {
    const partitionIndexes = Array.from({ length: partitions }, (_, partition) => partition)
    const request = [{ groupId: group, memberEpoch: -1, topics: [{ name: this.options.topic, partitionIndexes }] }]
    const response = await this.coordinator(group)
      .then((connection) => offsetFetchV8.api.async(connection, request, false))
      .catch((error) => {
        this.forgetCoordinator(group)
        throw error
      })
    const offsets = new Map<number, number>()
    for (const { partitionIndex, committedOffset } of response.groups[0]?.topics[0]?.partitions ?? []) {
      if (committedOffset >= 0n) offsets.set(partitionIndex, Number(committedOffset))
    }
    return offsets
  }

  /** The shared connection to a group's coordinator. */
  async coordinator(group: string): Promise<Connection> {
    return this.connections.shared(await this.coordinatorBroker(group))
  }

  async coordinatorBroker(group: string): Promise<Broker> {
    const known = this.#coordinators.get(group)
    if (known !== undefined) return known
    const { coordinators } = await findCoordinatorV4.api.async(await this.any(), GROUP, [group])
    const found = coordinators[0]
    if (found === undefined) throw protocolError(15)
    this.#coordinators.set(group, { host: found.host, port: found.port })
    return found
  }

  /** After a failure the coordinator is looked up anew, as it may have moved. */
  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group)
  }
}

/** @throws when a partition has no leader at the moment */
function byLeader<T>(places: TopicPlaces, request: (partition: number, place: PartitionPlace) => T): Map<Broker, T[]> {
  const requests = new Map<Broker, T[]>()
  places.partitions.forEach((place, partition) => {
    if (place.leader === undefined) throw protocolError(5)
    const list = requests.get(place.leader) ?? []
    list.push(request(partition, place))
    requests.set(place.leader, list)
  })
  return requests
}
