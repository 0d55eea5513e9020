/**
 * The archive stage: joins the consumer group and archives every partition that is assigned to it, each by itself.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../clock.ts'
import { hasCode, isRetryable, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { Assignment, EventLog } from '../log/log.ts'
import { pause } from '../retry.ts'
import { Slots } from '../stats/slots.ts'
import type { BatchLimits } from './batch.ts'
import { isArchived } from './head.ts'
import { readLineages, untilTopicIsThere } from './lineages.ts'
import { PartitionArchiver } from './partition.ts'
import { type ArchiveEvent, type ArchiveSummary, ArchiveTally } from './report.ts'
import { type Seal, sealOnce } from './seal.ts'

export type { ArchiveEvent, ArchiveSummary } from './report.ts'

/** What all partitions of this process may hold of the log at a time. */
const READ_BUDGET = 8_388_608
const LARGEST_READ = 524_288
const SMALLEST_READ = 131_072
/**
 * How long a drain may take before what is left is dropped, to be read again by the next start. Leaving the group and
 * closing have to fit into the 10 s after which the process ends in any case.
 */
const DRAIN_MS = 7_000
/**
 * Batches of a backlog that are filled at a time, since each counts its names in memory of its own: a topic of many
 * partitions would fill one each.
 */
const LARGE_BATCHES = 4
const POLL_MS = 100
/** How long a fenced member may take to hear from its group that the partition is another's now: a heartbeat. */
const HEAR_MS = 3_000
/** How long a member that lost every partition to another owner waits to be given one again before it gives up. */
const IDLE_MS = 30_000

export interface ArchiveOptions {
  log: EventLog
  lake: LakeStorage
  root: string
  group: string
  limits: BatchLimits
  /** Archive up to what the log holds at the start, then end. */
  once: boolean
  acceptGap: boolean
  /** Drains and ends: commits what has been read, within `drainMs`. */
  signal: AbortSignal
  /** Milliseconds that a drain may take; 7,000 by default. */
  drainMs?: number
  /** Records of a partition after which a checkpoint of its commit log is written; 128 by default. */
  foldEvery?: number
  /** Join small files of past hours in the background. */
  compact?: boolean
  /** Remove files this long after the end of their day, milliseconds; undefined: keep all. */
  keepMs?: number
  /** Seal days in the background, or at the end of `once`, this long after their end, milliseconds. */
  latenessMs?: number
  /** Dates commits, and says when hours and days are over; the machine's by default. All other waits take real time. */
  clock?: Clock
  report?: (event: ArchiveEvent) => void
}

/**
 * Runs the archiver until `signal` aborts or, with `once`, until the log's present end is archived. Services that cannot
 * be reached, and a topic that was deleted, are waited for.
 *
 * @throws the error of the first partition that had to stop (COMMIT_FENCED, COMMIT_CORRUPT, LOG_OFFSET_GONE, ...) once
 *   no partition is left running; with `once`, as soon as the others are done
 */
export async function archive(options: ArchiveOptions): Promise<ArchiveSummary> {
  return new Archiver(options).run()
}

class Archiver {
  readonly #options: ArchiveOptions
  readonly #clock: Clock
  readonly #owner = `${hostname()}:${process.pid}:${randomUUID()}`
  readonly #abandon = new AbortController()
  readonly #batchTurns = new Slots(LARGE_BATCHES)
  readonly #foldTurns = new Slots(1)
  readonly #compactTurns = new Slots(1)
  readonly #running = new Map<number, Promise<void>>()
  readonly #stopped = new Map<number, MusicFakerError>()
  /** Where `once` ends, by partition. */
  #targets: Map<number, number> | undefined
  #membership = new AbortController()
  /** The topic's ids that this archiver has met, in the lake or in the log. */
  #lineages = new Set<string>()
  /** The topic was deleted, and perhaps made again: everything begins anew. */
  #topicLost = false
  #missing = false
  readonly #tally = new ArchiveTally()

  constructor(options: ArchiveOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  async run(): Promise<ArchiveSummary> {
    const { log, lake, root, signal, once, latenessMs } = this.#options
    const patience = { signal, onRetry: (error: MusicFakerError) => this.#report({ kind: 'waiting', error }) }
    if (once) this.#targets = await this.#readTargets()
    const drain = () => void this.#drain()
    signal.addEventListener('abort', drain, { once: true })
    if (signal.aborted) drain()
    try {
      this.#lineages = await readLineages(lake, root, patience)
      await this.#member()
      while (this.#topicLost && (await untilTopicIsThere(log, patience))) {
        this.#topicLost = false
        this.#missing = false
        if (once) this.#targets = await this.#readTargets()
        await this.#member()
      }
    } finally {
      signal.removeEventListener('abort', drain)
    }
    const [failure] = this.#stopped.values()
    if (failure) throw failure
    if (once && latenessMs !== undefined) {
      const onSealed = (seal: Seal) => this.#report({ kind: 'sealed', partition: 0, seal })
      await sealOnce({ log, lake, root, latenessMs, signal, onSealed, clock: this.#clock })
    }
    return this.#tally.summary(!this.#abandon.signal.aborted)
  }

  /** One membership of the group, from joining to leaving. */
  async #member(): Promise<void> {
    const { log, group } = this.#options
    const membership = new AbortController()
    this.#membership = membership
    // Told to stop while nothing ran: nobody would end this.
    if (this.#options.signal.aborted) return
    if (this.#targets) void this.#leaveWhenArchived(membership)
    try {
      for await (const assignment of log.join({ group, signal: membership.signal, onContact: this.#onContact })) {
        // Leaving here would revoke what is still to drain.
        if (!this.#options.signal.aborted) this.#start(assignment)
      }
    } catch (error) {
      if (!this.#losesTopic(error)) throw error
    } finally {
      // Where the group could not be joined, this ends the looks at the lake.
      membership.abort()
    }
    await this.#ended()
  }

  /** Every partition has come to its end, or the drain to its own: a call that hangs is not waited for then. */
  async #ended(): Promise<void> {
    const { signal } = this.#abandon
    if (signal.aborted) return
    const abandoned = Promise.withResolvers<void>()
    const abandon = () => abandoned.resolve()
    signal.addEventListener('abort', abandon, { once: true })
    await Promise.race([Promise.all(this.#running.values()), abandoned.promise])
    signal.removeEventListener('abort', abandon)
  }

  /** Partitions drain first and the group is left after, so that nobody takes over what is about to be committed. */
  async #drain(): Promise<void> {
    const { drainMs = DRAIN_MS } = this.#options
    const timer = setTimeout(() => this.#abandon.abort(new Error('the drain ran out of time')), drainMs)
    await this.#ended()
    clearTimeout(timer)
    this.#membership.abort()
  }

  #start(assignment: Assignment): void {
    const { partition, topicId } = assignment
    if (this.#lineages.size > 0 && !this.#lineages.has(topicId)) {
      this.#report({ kind: 'recreated', topic: this.#options.log.topic })
    }
    this.#lineages.add(topicId)
    const before = this.#running.get(partition) ?? Promise.resolve()
    const run = before.then(() => this.#archivePartition(assignment))
    this.#running.set(partition, run)
    void run.finally(() => {
      if (this.#running.get(partition) === run) this.#running.delete(partition)
      if (this.#running.size === 0 && this.#stopped.size > 0) this.#leaveUnlessAssigned()
    })
  }

  async #archivePartition(assignment: Assignment): Promise<void> {
    const { log, lake, root, limits, acceptGap, foldEvery, compact, keepMs, latenessMs, once, signal } = this.#options
    const { partition } = assignment
    this.#stopped.delete(partition)
    try {
      await new PartitionArchiver({
        log,
        lake,
        root,
        assignment,
        limits,
        batchTurns: this.#batchTurns,
        acceptGap,
        owner: this.#owner,
        readBytes: () => this.#readBytes(),
        clock: this.#clock,
        target: this.#targets?.get(partition),
        stop: signal,
        abandon: this.#abandon.signal,
        report: (event) => this.#report(event),
        ...(foldEvery !== undefined && { foldEvery }),
        foldTurns: this.#foldTurns,
        ...(compact && !once && { compactTurns: this.#compactTurns }),
        ...(keepMs !== undefined && (once ? { keepOnceMs: keepMs } : { keepMs })),
        ...(latenessMs !== undefined && !once && { latenessMs }),
      }).run()
    } catch (error) {
      if (!hasCode(error, 'COMMIT_FENCED') || !(await this.#isRevoked(assignment))) {
        if (!this.#losesTopic(error)) this.#noteStopped(partition, error)
      }
    }
    // Who leaves the group has its partitions revoked as well.
    const left = signal.aborted || this.#membership.signal.aborted
    if (assignment.revoked.aborted && !left) this.#report({ kind: 'revoked', partition })
  }

  /** The next owner may begin before the former is told. Where the group tells nothing, its owner is of another group. */
  async #isRevoked({ revoked }: Assignment): Promise<boolean> {
    const told = AbortSignal.any([revoked, this.#options.signal])
    await pause(HEAR_MS, told).catch(() => undefined)
    return revoked.aborted
  }

  /** Whether the error says that the topic is gone; then the membership ends, and the wait for the topic begins. */
  #losesTopic(error: unknown): boolean {
    const { once, log } = this.#options
    const missing = hasCode(error, 'LOG_TOPIC_MISSING') && !once
    if (!missing && !hasCode(error, 'LOG_TOPIC_RECREATED')) return false
    if (missing && !this.#missing) this.#report({ kind: 'missing', topic: log.topic })
    this.#missing ||= missing
    this.#topicLost = true
    this.#membership.abort()
    return true
  }

  readonly #onContact = (failure: MusicFakerError | undefined): void => {
    this.#report(failure ? { kind: 'waiting', error: failure } : { kind: 'resumed' })
  }

  #noteStopped(partition: number, error: unknown): void {
    const known =
      error instanceof MusicFakerError
        ? error
        : new MusicFakerError('INTERNAL', `partition ${partition} stopped: ${String(error)}`, { cause: error })
    this.#stopped.set(partition, known)
    this.#report({ kind: 'stopped', partition, error: known })
  }

  /**
   * With no partition left running there is nothing to stay for. But an archiver that was suspended past its session
   * finds its partitions taken over, and is given others as soon as it is back in the group.
   */
  #leaveUnlessAssigned(): void {
    const membership = this.#membership
    const fenced = this.#stopped.values().some((error) => hasCode(error, 'COMMIT_FENCED'))
    const timer = setTimeout(
      () => {
        if (this.#running.size === 0) membership.abort()
      },
      fenced && !this.#options.once ? IDLE_MS : 0,
    )
    membership.signal.addEventListener('abort', () => clearTimeout(timer))
  }

  #readBytes(): number {
    const share = READ_BUDGET / Math.max(1, this.#running.size)
    return Math.round(Math.min(LARGEST_READ, Math.max(SMALLEST_READ, share)))
  }

  async #readTargets(): Promise<Map<number, number>> {
    const { partitions } = await this.#options.log.describe()
    return new Map([...partitions].map(([partition, { start, end }]) => [partition, end > start ? end : 0]))
  }

  /** Other members of the group may hold partitions, so the lake itself says when all of them are done. */
  async #leaveWhenArchived(membership: AbortController): Promise<void> {
    const { signal } = membership
    // A look that fails is repeated, no sooner than any other: what cannot pass by itself ends the join.
    while (!signal.aborted && !(await this.#allArchived().catch(() => false))) {
      await pause(POLL_MS, signal).catch(() => undefined)
    }
    membership.abort()
  }

  async #allArchived(): Promise<boolean> {
    const { lake, root, log } = this.#options
    if (this.#running.size > 0) return false
    const { topicId } = await log.describe()
    for (const [partition, target] of this.#targets!) {
      if (target === 0 || this.#stopped.has(partition)) continue
      try {
        if (!(await isArchived(lake, root, topicId, partition, target))) return false
      } catch (error) {
        if (isRetryable(error)) return false
        // Another member's, which has stopped there as well but may stay for its other partitions.
        this.#noteStopped(partition, error)
      }
    }
    return true
  }

  #report(event: ArchiveEvent): void {
    this.#tally.add(event)
    this.#options.report?.(event)
  }
}
