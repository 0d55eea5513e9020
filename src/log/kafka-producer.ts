/**
 * Appends with idempotence: every batch carries this producer's id and a sequence number, and a batch whose answer was
 * lost is sent again byte for byte, so that the broker appends it once or recognises it. One send is in flight at a time:
 * a broker remembers only the last five batches of a producer and partition, and needs them in order.
 *
 * The library's own producer (2.12.1) is not used: with sends overlapping it lost acknowledged batches; on some errors it sends a
 * whole request again under a new id, which doubles the partitions that had succeeded; and when the partitions of one
 * broker move to different leaders, it repeats the request to one of them without end.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAPI, initProducerIdV5, produceV11, Writer } from '@platformatic/kafka'
import { type KafkaCluster, PLACES_AGE_MS, type TopicPlaces } from './kafka-cluster.ts'
import type { Broker } from './kafka-connections.ts'
import { encodeBatch, fitting, partitionOf, sequenceAfter } from './kafka-encode.ts'
import { logError, protocolError } from './kafka-errors.ts'
import { pauseAfter, retry } from './kafka-retry.ts'
import type { LogMessage } from './log.ts'

/** Below Kafka's default limit of 1,048,588 bytes for a batch. */
const BATCH_BYTES = 1_000_000
/** What is encoded and sent as one round over all partitions, about. */
const ROUND_BYTES = 16_777_216
/** Like the Java client's defaults: 30 s for a request, 120 s for getting a message delivered. */
const ATTEMPTS_TIME = 4
const PRODUCE_KEY = 0
const PRODUCE_VERSION = 11
const ACKS_ALL = -1
const DUPLICATE_SEQUENCE_NUMBER = 46
const UNKNOWN_TOPIC = 3
const NO_LEADER = 5

interface Identity {
  producerId: bigint
  epoch: number
  /** The next sequence number, by partition. */
  sequences: Map<number, number>
}

interface EncodedBatch {
  partition: number
  count: number
  bytes: Buffer
}

const produceApi = createAPI<[string, readonly EncodedBatch[], number], produceV11.ProduceResponse>(
  PRODUCE_KEY,
  PRODUCE_VERSION,
  createRequest,
  produceV11.parseResponse,
)

export class KafkaProducer {
  readonly #cluster: KafkaCluster
  readonly #closed: AbortSignal
  #identity: Identity | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(cluster: KafkaCluster, closed: AbortSignal) {
    this.#cluster = cluster
    this.#closed = closed
  }

  /** As the port has it. @throws LOG_UNREACHABLE when nothing helped for four times `requestTimeout` */
  append(messages: readonly LogMessage[]): Promise<void> {
    const sent = this.#last.then(() => this.#send(messages))
    this.#last = sent.catch(() => undefined)
    return sent
  }

  async #send(messages: readonly LogMessage[]): Promise<void> {
    this.#closed.throwIfAborted()
    if (messages.length === 0) return
    const deadline = performance.now() + ATTEMPTS_TIME * this.#cluster.options.requestTimeout
    const places = await retry(
      this.#failure(),
      deadline,
      () => this.#cluster.places(performance.now() - PLACES_AGE_MS),
      this.#closed,
    )
    const waiting = byPartition(messages, places.partitions.length)
    try {
      this.#identity ??= await this.#newIdentity(deadline)
      for (let round = nextRound(waiting, this.#identity); round.length > 0; ) {
        await this.#deliver(round, deadline)
        advance(this.#identity.sequences, round)
        round = nextRound(waiting, this.#identity)
      }
    } catch (error) {
      // Sequence numbers of a batch that may or may not be in the log cannot be used again.
      this.#identity = undefined
      throw error
    }
  }

  async #newIdentity(deadline: number): Promise<Identity> {
    const { requestTimeout } = this.#cluster.options
    const request = async () => initProducerIdV5.api.async(await this.#cluster.any(), null, requestTimeout)
    const { producerId, producerEpoch } = await retry(this.#failure(), deadline, request, this.#closed)
    return { producerId, epoch: producerEpoch, sequences: new Map() }
  }

  /** Sends a round until every batch of it is acknowledged. */
  async #deliver(round: readonly EncodedBatch[], deadline: number): Promise<void> {
    let pending = round
    let placesFrom = 0
    for (let failures = 0; ; failures++) {
      const result = await this.#attempt(pending, placesFrom)
      if (result === undefined) return
      this.#closed.throwIfAborted()
      const error = logError(result.error, this.#failure())
      const pause = pauseAfter(failures)
      if (!error.retryable || performance.now() + pause >= deadline) throw error
      await sleep(pause, undefined, { signal: this.#closed }).catch(() => this.#closed.throwIfAborted())
      pending = result.failed
      placesFrom = performance.now()
    }
  }

  /** @returns the batches that were not acknowledged, with the gravest reason; undefined when all were */
  async #attempt(
    batches: readonly EncodedBatch[],
    placesFrom: number,
  ): Promise<{ failed: EncodedBatch[]; error: unknown } | undefined> {
    let requests: Map<Broker | undefined, EncodedBatch[]>
    try {
      requests = byLeader(batches, await this.#cluster.places(placesFrom))
    } catch (error) {
      return { failed: [...batches], error }
    }
    const failed: EncodedBatch[] = []
    const errors: unknown[] = []
    await Promise.all(
      Array.from(requests, async ([leader, sent]) => {
        for (const [batch, error] of await this.#request(leader, sent)) {
          failed.push(batch)
          errors.push(error)
        }
      }),
    )
    if (failed.length === 0) return undefined
    return { failed, error: errors.find((error) => !logError(error, '').retryable) ?? errors[0] }
  }

  /** @returns the batches that were not acknowledged, each with its reason */
  async #request(leader: Broker | undefined, batches: readonly EncodedBatch[]): Promise<Map<EncodedBatch, unknown>> {
    const all = (error: unknown) => new Map(batches.map((batch) => [batch, error]))
    if (leader === undefined) return all(protocolError(NO_LEADER))
    const { topic, requestTimeout } = this.#cluster.options
    let response: produceV11.ProduceResponse
    try {
      const connection = await this.#cluster.connections.shared(leader)
      response = await produceApi.async(connection, topic, batches, requestTimeout)
    } catch (error) {
      // The library rejects an answer in which any partition failed.
      const partial = (error as { response?: produceV11.ProduceResponse }).response
      if (partial === undefined) return all(error)
      response = partial
    }
    const codes = new Map(response.responses[0]?.partitionResponses.map((answer) => [answer.index, answer.errorCode]))
    const failed = new Map<EncodedBatch, unknown>()
    for (const batch of batches) {
      const code = codes.get(batch.partition) ?? NO_LEADER
      // A broker that has just become leader may not know the topic yet; the next look at the places knows better.
      if (code === UNKNOWN_TOPIC) failed.set(batch, protocolError(NO_LEADER))
      else if (code !== 0 && code !== DUPLICATE_SEQUENCE_NUMBER) failed.set(batch, protocolError(code))
    }
    return failed
  }

  #failure(): string {
    return `cannot append to ${this.#cluster.options.topic}`
  }
}

/** Messages of one partition, and how many of them are sent. */
interface Lane {
  partition: number
  messages: LogMessage[]
  sent: number
}

function byPartition(messages: readonly LogMessage[], partitions: number): Lane[] {
  const lanes: Lane[] = Array.from({ length: partitions }, (_, partition) => ({ partition, messages: [], sent: 0 }))
  for (const message of messages) lanes[partitionOf(message.key, partitions)]!.messages.push(message)
  return lanes
}

/** Takes the next batch of each lane, as a request may hold one per partition. Empty when all is taken. */
function nextRound(lanes: readonly Lane[], { producerId, epoch, sequences }: Identity): EncodedBatch[] {
  const round: EncodedBatch[] = []
  let size = 0
  for (const lane of lanes) {
    if (lane.sent === lane.messages.length || size >= ROUND_BYTES) continue
    const count = fitting(lane.messages, lane.sent, BATCH_BYTES)
    const messages = lane.messages.slice(lane.sent, lane.sent + count)
    const identity = { producerId, epoch, sequence: sequences.get(lane.partition) ?? 0 }
    const bytes = encodeBatch(messages, identity, Date.now())
    round.push({ partition: lane.partition, count, bytes })
    lane.sent += count
    size += bytes.length
  }
  return round
}

function advance(sequences: Map<number, number>, round: readonly EncodedBatch[]): void {
  for (const { partition, count } of round) {
    sequences.set(partition, sequenceAfter(sequences.get(partition) ?? 0, count))
  }
}

function byLeader(batches: readonly EncodedBatch[], places: TopicPlaces): Map<Broker | undefined, EncodedBatch[]> {
  return Map.groupBy(batches, ({ partition }) => places.partitions[partition]?.leader)
}

/** The layout is spelled out beside the library's own, `produce-v11`. */
function createRequest(topic: string, batches: readonly EncodedBatch[], timeoutMs: number): Writer {
  return Writer.create()
    .appendString(null)
    .appendInt16(ACKS_ALL)
    .appendInt32(timeoutMs)
    .appendArray([topic], (writer, name) => {
      writer.appendString(name).appendArray([...batches], (w, { partition, bytes }) => {
        w.appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes)
      })
    })
    .appendTaggedFields()
}
