/**
 * Reads one partition by fetches of its own, on a connection of its own: a fetch waits at the broker for messages, and the
 * broker answers nothing else on that connection meanwhile. One fetch is under way while the caller works on the one
 * before; an idle caller leaves at most one answer in memory.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { type Broker, renewed, usable } from './kafka-connections.ts'
import { logError, protocolError } from './kafka-errors.ts'
import { type FetchResponse, fetchRecords } from './kafka-fetch.ts'
import { RecordRuns } from './kafka-records.ts'
import { pauseAfter, within } from './kafka-retry.ts'
import type { LogBatch, PartitionReader, ReadFrom } from './log.ts'

const OFFSET_OUT_OF_RANGE = 1
const UNKNOWN_TOPIC = 3
const LEADER_NOT_AVAILABLE = 5
/** The longest that a fetch waits at the broker; then the next one goes out. */
const LONGEST_POLL_MS = 5000
/** How long a read waits beyond its own limit for an answer that is on its way. */
const GRACE_MS = 300

type Outcome = { ok: true; answer: FetchResponse; offset: number } | { ok: false; error: unknown }

export class KafkaReader implements PartitionReader {
  readonly #cluster: KafkaCluster
  readonly #topicId: string
  readonly #partition: number
  readonly #closed = new AbortController()
  readonly #logClosed: AbortSignal
  #position: number
  /** The partition's end as the broker last told it. */
  #end: number
  #runs: RecordRuns | undefined
  #ahead: Promise<Outcome> | undefined
  #failures = 0
  /** Places read before this (by performance.now) have proved wrong. */
  #placesFrom = 0
  #link: { broker: Broker; connection: Connection } | undefined

  constructor(cluster: KafkaCluster, { topicId, partition, from }: ReadFrom, logClosed: AbortSignal) {
    this.#cluster = cluster
    this.#topicId = topicId
    this.#partition = partition
    this.#position = from
    this.#end = from
    this.#logClosed = logClosed
  }

  async read(options: { maxBytes: number; maxWaitMs: number; signal?: AbortSignal }): Promise<LogBatch> {
    const { maxBytes, maxWaitMs, signal } = options
    const until = performance.now() + maxWaitMs
    let stop: AbortSignal | undefined
    for (;;) {
      this.#throwIfStopped(signal)
      if (this.#runs) return this.#take(maxBytes, maxWaitMs)
      stop ??= AbortSignal.any([this.#closed.signal, this.#logClosed, ...(signal ? [signal] : [])])
      const left = Math.max(Math.ceil(until - performance.now()), 0)
      this.#ahead ??= this.#fetch(this.#position, maxBytes, left)
      const outcome = await within(left + GRACE_MS, this.#ahead, stop)
      if (outcome === undefined) {
        this.#throwIfStopped(signal)
        return this.#empty()
      }
      this.#ahead = undefined
      if (!outcome.ok) await this.#recover(outcome.error, until, stop)
      else if (!this.#accept(outcome) && performance.now() >= until) return this.#empty()
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#disconnect()
  }

  /** @returns whether the answer brought anything */
  #accept({ answer, offset }: Outcome & { ok: true }): boolean {
    this.#failures = 0
    this.#end = Math.max(answer.lastStableOffset, this.#position)
    const runs = new RecordRuns({
      topic: this.#cluster.options.topic,
      partition: this.#partition,
      position: offset,
      end: answer.lastStableOffset,
      records: answer.records,
      aborted: answer.aborted,
    })
    if (runs.done) return false
    this.#runs = runs
    return true
  }

  #take(maxBytes: number, maxWaitMs: number): LogBatch {
    const runs = this.#runs!
    this.#ahead ??= this.#fetch(runs.next, maxBytes, maxWaitMs)
    const batch = runs.take(maxBytes)
    this.#position = batch.next
    if (runs.done) this.#runs = undefined
    return batch
  }

  /** Never rejects: an answer that nobody waits for yet must not end the process. */
  async #fetch(offset: number, maxBytes: number, waitMs: number): Promise<Outcome> {
    try {
      const places = await this.#cluster.places(this.#placesFrom)
      this.#checkTopic(places.topicId)
      const place = places.partitions[this.#partition]
      if (place === undefined) throw this.#noPartition(places.partitions.length)
      if (place.leader === undefined) throw protocolError(LEADER_NOT_AVAILABLE)
      const connection = await this.#connect(place.leader)
      const answer = await fetchRecords(connection, {
        topicId: places.topicId,
        partition: this.#partition,
        leaderEpoch: place.leaderEpoch,
        offset,
        maxBytes,
        maxWaitMs: Math.min(waitMs, LONGEST_POLL_MS),
      })
      if (answer.errorCode === OFFSET_OUT_OF_RANGE) throw await this.#offsetGone(offset)
      // A broker may forget a topic, or not know it yet, before the places say so.
      if (answer.errorCode === UNKNOWN_TOPIC) throw protocolError(LEADER_NOT_AVAILABLE)
      if (answer.errorCode !== 0) throw protocolError(answer.errorCode)
      return { ok: true, answer, offset }
    } catch (error) {
      return { ok: false, error }
    }
  }

  async #connect(leader: Broker): Promise<Connection> {
    if (this.#link?.broker.host === leader.host && this.#link.broker.port === leader.port) {
      const { connection } = this.#link
      await renewed(connection)
      if (usable(connection)) return connection
    }
    this.#disconnect()
    const { connections, options } = this.#cluster
    const connection = await connections.open(leader, options.requestTimeout + LONGEST_POLL_MS)
    if (this.#closed.signal.aborted) connections.close(connection)
    this.#link = { broker: leader, connection }
    return connection
  }

  #disconnect(): void {
    if (this.#link) this.#cluster.connections.close(this.#link.connection)
    this.#link = undefined
  }

  /** Pauses after a failure that may pass. @throws any other; that one too, once the read's time is over */
  async #recover(cause: unknown, until: number, stop: AbortSignal): Promise<void> {
    const error = logError(cause, `cannot read ${this.#name()}`)
    this.#placesFrom = performance.now()
    if (!error.retryable) throw error
    const pause = Math.min(pauseAfter(this.#failures++), until - performance.now())
    // An aborted pause is noticed by the loop.
    if (pause > 0) await sleep(pause, undefined, { signal: stop }).catch(() => undefined)
    if (performance.now() >= until && !stop.aborted) throw error
  }

  #checkTopic(topicId: string): void {
    if (this.#topicId === topicId) return
    throw new MusicFakerError(
      'LOG_TOPIC_RECREATED',
      `topic ${this.#cluster.options.topic} was deleted and created again: its id was ${this.#topicId}, now it is ${topicId}`,
    )
  }

  async #offsetGone(offset: number): Promise<MusicFakerError> {
    const places = await this.#cluster.places(performance.now())
    this.#checkTopic(places.topicId)
    const marks = (await this.#cluster.watermarks(places)).get(this.#partition)
    return new MusicFakerError(
      'LOG_OFFSET_GONE',
      `offset ${offset} is not in ${this.#name()}: it now holds offsets ${marks?.start} to ${marks?.end}, the end exclusive`,
      { next: 'To go on at the first offset that is left, run "music-faker consume --accept-gap".' },
    )
  }

  /** May pass: partitions are added, and who was given a new one may have looked before, or ask a broker that is behind. */
  #noPartition(count: number): MusicFakerError {
    return new MusicFakerError('LOG_UNREACHABLE', `there is no ${this.#name()}: the topic has ${count} partitions`)
  }

  #throwIfStopped(signal: AbortSignal | undefined): void {
    if (this.#closed.signal.aborted || this.#logClosed.aborted) {
      throw new MusicFakerError('LOG_REFUSED', `the reader of ${this.#name()} is closed`)
    }
    signal?.throwIfAborted()
  }

  #empty(): LogBatch {
    const none = new Int32Array(0)
    return {
      partition: this.#partition,
      first: this.#position,
      next: this.#position,
      count: 0,
      data: new Uint8Array(0),
      starts: none,
      ends: none,
      offsetDeltas: none,
      end: this.#end,
    }
  }

  #name(): string {
    return `partition ${this.#partition} of ${this.#cluster.options.topic}`
  }
}
