/**
 * Membership of a consumer group, by the classic protocol: join, be told a share, keep saying so. Only the membership: what
 * is read, and from where, is up to the holder of an assignment.
 *
 * The library's Consumer (2.12.1) is not used: after a rejoin that failed it sends no more heartbeats, a commit that meets a
 * rebalance starts a second rejoin beside the first, and leaving waits for a coordinator that may be gone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Connection,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  offsetCommitV8,
  syncGroupV5,
} from '@platformatic/kafka'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  STRATEGY,
  shareTopics,
} from './kafka-assign.ts'
import { type KafkaCluster, PLACES_AGE_MS, type TopicPlaces } from './kafka-cluster.ts'
import { renewed } from './kafka-connections.ts'
import { hasProtocolError, logError } from './kafka-errors.ts'
import { Holdings } from './kafka-holdings.ts'
import { pauseAfter, within } from './kafka-retry.ts'
import type { Assignment, JoinOptions } from './log.ts'

/** Without a heartbeat for this long a member is taken for dead. Brokers allow no less than 6 s by default. */
const SESSION_MS = 10_000
const HEARTBEAT_MS = 2500
/**
 * Out of contact for this long, a member gives up what it holds. Longer than the session: a broker that restarts, or a
 * coordinator that moves, remembers its members, and two that work on one partition for a while do no harm.
 */
const LOST_MS = 30_000
/** How long the coordinator waits for members to join again: they notice with their next heartbeat. */
const REBALANCE_MS = 15_000
/** Leaving is a courtesy: without it the coordinator waits for the session to end. */
const LEAVE_MS = 2000
const HEARTBEAT_TIMEOUT_MS = 5000
const PROTOCOL_TYPE = 'consumer'
const NO_GENERATION = -1
const NO_EPOCH = -1

export interface MembershipOptions {
  group: string
  stop: AbortSignal
  /** Receives each partition that this member is given. */
  offer: (assignment: Assignment) => void
  onContact: JoinOptions['onContact']
}

export class Membership {
  readonly #cluster: KafkaCluster
  readonly #group: string
  readonly #stop: AbortSignal
  readonly #onContact: JoinOptions['onContact']
  readonly #holdings: Holdings
  #memberId = ''
  #generation = NO_GENERATION
  #partitions = 0
  #connection: Connection | undefined
  #heardAt = 0
  #telling: Promise<void> | undefined

  constructor(cluster: KafkaCluster, { group, stop, offer, onContact }: MembershipOptions) {
    this.#cluster = cluster
    this.#group = group
    this.#stop = stop
    this.#onContact = onContact
    this.#holdings = new Holdings(offer, () => this.#tell())
  }

  /**
   * Takes part until `stop` aborts, then leaves; within a few seconds, even when the brokers are gone.
   * @throws what cannot pass by itself: LOG_AUTH, LOG_TOPIC_MISSING, LOG_REFUSED
   */
  async run(): Promise<void> {
    const stopped = Promise.withResolvers<void>()
    const stop = () => stopped.resolve()
    this.#stop.addEventListener('abort', stop)
    try {
      // A request may hang for as long as it is allowed to: leaving does not wait for it.
      await Promise.race([this.#takePart(), stopped.promise])
    } finally {
      this.#stop.removeEventListener('abort', stop)
      this.#disconnect()
      const hints = this.#holdings.hints()
      this.#holdings.revokeAll()
      await this.#leave(hints)
    }
  }

  async #takePart(): Promise<void> {
    for (let failures = 0; !this.#stop.aborted; ) {
      try {
        await this.#join()
        if (failures > 0) this.#onContact?.(undefined)
        failures = 0
        await this.#stay()
      } catch (error) {
        if (this.#stop.aborted) return
        if (await this.#recover(error, failures)) failures++
      }
    }
  }

  async #join(): Promise<void> {
    const places = await this.#cluster.places(performance.now())
    this.#look(places)
    const connection = await this.#connect(REBALANCE_MS + SESSION_MS)
    const { topic } = this.#cluster.options
    const held = this.#holdings.partitions
    const metadata = encodeSubscription({ topic, partitions: this.#partitions, held, generation: this.#generation })
    const protocols = [{ name: STRATEGY, metadata }]
    const joined = await joinGroupV9.api.async(
      connection,
      this.#group,
      SESSION_MS,
      REBALANCE_MS,
      this.#memberId,
      null,
      PROTOCOL_TYPE,
      protocols,
      null,
    )
    this.#memberId = joined.memberId
    const shares = joined.leader === joined.memberId ? this.#share(joined.members) : []
    await renewed(connection)
    const synced = await syncGroupV5.api.async(
      connection,
      this.#group,
      joined.generationId,
      joined.memberId,
      null,
      PROTOCOL_TYPE,
      STRATEGY,
      shares,
    )
    this.#heardAt = performance.now()
    this.#generation = joined.generationId
    if (this.#stop.aborted) return
    this.#holdings.become(places.topicId, decodeAssignment(topic, synced.assignment))
  }

  #share(
    members: readonly { memberId: string; metadata: Buffer | null }[],
  ): { memberId: string; assignment: Buffer }[] {
    const described = members.map(({ memberId, metadata }) => decodeSubscription(memberId, metadata ?? Buffer.alloc(0)))
    const shares = shareTopics(described)
    return described.map(({ id, topic }) => ({
      memberId: id,
      assignment: encodeAssignment(topic, shares.get(id) ?? []),
    }))
  }

  /** Sends heartbeats until the sharing has to be computed anew. Rejects with what the coordinator answers otherwise. */
  async #stay(): Promise<void> {
    const connection = await this.#connect(HEARTBEAT_TIMEOUT_MS)
    for (;;) {
      await sleep(HEARTBEAT_MS, undefined, { signal: this.#stop }).catch(() => undefined)
      if (this.#stop.aborted) return
      await renewed(connection)
      await heartbeatV4.api.async(connection, this.#group, this.#generation, this.#memberId, null)
      this.#heardAt = performance.now()
      this.#tell()
      const places = await this.#cluster.places(performance.now() - PLACES_AGE_MS)
      if (this.#look(places)) return
    }
  }

  /** Notices new partitions and a new topic id. @returns whether either has come */
  #look(places: TopicPlaces): boolean {
    const recreated = this.#holdings.topicId !== undefined && this.#holdings.topicId !== places.topicId
    if (recreated) this.#holdings.revokeAll()
    const grown = this.#partitions !== places.partitions.length
    this.#partitions = places.partitions.length
    return recreated || grown
  }

  /** Prepares the next join after a failure. @returns whether contact was lost; @throws what cannot pass */
  async #recover(error: unknown, failures: number): Promise<boolean> {
    if (hasProtocolError(error, 'REBALANCE_IN_PROGRESS')) return false
    if (hasProtocolError(error, 'MEMBER_ID_REQUIRED')) {
      this.#memberId = (error as { response?: { memberId?: string } }).response?.memberId ?? ''
      return false
    }
    if (hasProtocolError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) {
      // The group went on without this member and has given its partitions to others.
      if (hasProtocolError(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = ''
      this.#loseMembership()
      return false
    }
    const mapped = logError(error, `cannot take part in group ${this.#group}`)
    if (!mapped.retryable) throw mapped
    this.#onContact?.(mapped)
    this.#disconnect()
    this.#cluster.forgetCoordinator(this.#group)
    if (performance.now() - this.#heardAt > LOST_MS) this.#loseMembership()
    await sleep(pauseAfter(failures), undefined, { signal: this.#stop }).catch(() => undefined)
    return true
  }

  #loseMembership(): void {
    this.#generation = NO_GENERATION
    this.#holdings.revokeAll()
  }

  /** A new connection to the coordinator, of this member's own: joining waits there for the other members. */
  async #connect(requestTimeout: number): Promise<Connection> {
    this.#disconnect()
    const broker = await this.#cluster.coordinatorBroker(this.#group)
    const connection = await this.#cluster.connections.open(broker, requestTimeout)
    this.#connection = connection
    if (this.#stop.aborted) this.#disconnect()
    return connection
  }

  #disconnect(): void {
    if (this.#connection) this.#cluster.connections.close(this.#connection)
    this.#connection = undefined
  }

  /** Tells the group the hints there are, and those that come meanwhile; what fails goes with a later heartbeat. */
  #tell(): void {
    this.#telling ??= this.#tellAll()
      .catch(() => undefined)
      .finally(() => {
        this.#telling = undefined
      })
  }

  async #tellAll(): Promise<void> {
    for (let hints = this.#holdings.hints(); hints.size > 0; hints = this.#holdings.hints()) {
      await this.#sendHints(hints)
      this.#holdings.told(hints)
    }
  }

  async #sendHints(hints: ReadonlyMap<number, number>): Promise<void> {
    const partitions = Array.from(hints, ([partitionIndex, next]) => ({
      partitionIndex,
      committedOffset: BigInt(next),
      committedLeaderEpoch: NO_EPOCH,
    }))
    const connection = await this.#cluster.coordinator(this.#group)
    const topics = [{ name: this.#cluster.options.topic, partitions }]
    await offsetCommitV8.api.async(connection, this.#group, this.#generation, this.#memberId, null, topics)
  }

  async #leave(hints: ReadonlyMap<number, number>): Promise<void> {
    if (this.#memberId === '') return
    const leaving = async () => {
      if (hints.size > 0) await this.#sendHints(hints).catch(() => undefined)
      const connection = await this.#cluster.coordinator(this.#group)
      await leaveGroupV5.api.async(connection, this.#group, [{ memberId: this.#memberId }])
    }
    await within(
      LEAVE_MS,
      leaving().catch(() => undefined),
    )
  }
}
