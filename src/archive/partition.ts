/**
 * Archives one partition for as long as it is assigned: claim, then read, stage, commit and publish, batch after batch.
 * While the files of batch n are closed and committed, batch n+1 is already being staged; its record is created only after
 * n is published.
 */
import type { Clock } from '../clock.ts'
import { hasCode, isRetryable, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { Assignment, EventLog, PartitionReader } from '../log/log.ts'
import { backoff, pause, unlessAborted } from '../retry.ts'
import { Slots, Turn } from '../stats/slots.ts'
import { type BatchLimits, gatherFor, isFull, waitFor } from './batch.ts'
import { type Care, type Cared, type CareEvent, care, careOnce } from './care.ts'
import { CommitLog } from './commits.ts'
import { LARGEST_CHUNK } from './line-chunks.ts'
import type { BatchRecord } from './record.ts'
import { type Cursor, type SealedBatch, StagedBatch } from './staging.ts'

/** The longest wait for messages in one call; stopping and closing by age do not depend on it. */
const LONGEST_READ_MS = 500
/** With so many messages left in the log, a batch will be a large one. */
const BACKLOG = 10_000
/** Fewer messages than this in one read, and none after them: the log brings them as they are produced. */
const TRICKLE = 1_000

export interface PartitionOptions extends Care {
  log: EventLog
  lake: LakeStorage
  root: string
  assignment: Assignment
  owner: string
  limits: BatchLimits
  /** Shared by the partitions of a process: a batch of a backlog takes one from its first message to its last. */
  batchTurns?: Slots
  /** Bytes per read: what this partition may hold of the log at a time, now. */
  readBytes: () => number
  clock: Clock
  /** Go on over offsets that retention removed, recording the gap. */
  acceptGap: boolean
  /** Where to end: with the batch that reaches this offset. Undefined: never. */
  target: number | undefined
  /** Records after which a checkpoint of the commit log is written; 128 by default. */
  foldEvery?: number
  /** Shared by the partitions of a process, which take turns in folding. */
  foldTurns?: Slots
  /** Drain: commit what is staged, then end. */
  stop: AbortSignal
  /** Leave at once: what is staged is dropped, to be read again. */
  abandon: AbortSignal
  report: (event: PartitionEvent) => void
}

export type PartitionEvent =
  | { kind: 'claimed'; partition: number; fence: number; next: number }
  /** `seconds` is how long it took from staged files to published ones. */
  | { kind: 'committed'; partition: number; record: BatchRecord; seconds: number }
  | { kind: 'gap'; partition: number; first: number; next: number }
  | { kind: 'retrying'; partition: number; error: MusicFakerError }
  /** The commit log cannot be folded, and grows. Archiving goes on. */
  | { kind: 'unfolded'; partition: number; error: MusicFakerError }
  | CareEvent

export class PartitionArchiver {
  readonly #options: PartitionOptions
  /** Ends every wait: the partition is lost, or the process must leave at once. */
  readonly #lost: AbortSignal
  readonly #partition: number
  readonly #batchTurns: Slots
  #batches = 0
  /** Since the last commit: only that shows that both the log and the lake are well. */
  #failures = 0

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#partition = options.assignment.partition
    this.#batchTurns = options.batchTurns ?? new Slots(1)
    this.#lost = AbortSignal.any([options.assignment.revoked, options.abandon])
  }

  /**
   * Runs until stopped, revoked, or at the target. Retryable errors are reported and waited out.
   * @throws COMMIT_FENCED, COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT, LOG_OFFSET_GONE, LOG_TOPIC_RECREATED and other final errors
   */
  async run(): Promise<void> {
    let commits: CommitLog | undefined
    let background: Promise<unknown> | undefined
    const over = new AbortController()
    try {
      commits = await this.#claim()
      const signal = AbortSignal.any([over.signal, this.#lost, this.#options.stop])
      const cared = commits && this.#cared(commits, signal)
      if (cared) background = care(cared)
      while (commits && !this.#options.stop.aborted && !this.#reached(commits.next)) {
        try {
          await this.#archive(commits)
        } catch (error) {
          await this.#recover(error, commits)
        }
      }
      if (cared) await careOnce(cared)
    } catch (error) {
      if (!this.#lost.aborted) throw error
    } finally {
      over.abort()
      await commits?.close()
      await background
    }
  }

  #cared(commits: CommitLog, signal: AbortSignal): Cared {
    const { topicId } = this.#options.assignment
    return { ...this.#options, topicId, partition: this.#partition, commits, signal }
  }

  /** Resolves undefined when it is to stop before it has the partition: nothing is held that would have to be drained. */
  async #claim(): Promise<CommitLog | undefined> {
    const { lake, root, log, assignment, owner, clock, stop } = this.#options
    const giveUp = new AbortController()
    const onStop = () => giveUp.abort(stop.reason)
    stop.addEventListener('abort', onStop, { once: true })
    if (stop.aborted) onStop()
    try {
      const commits = await CommitLog.claim({
        lake,
        root,
        topic: log.topic,
        topicId: assignment.topicId,
        partition: this.#partition,
        owner,
        clock: () => clock.now(),
        signal: AbortSignal.any([this.#lost, giveUp.signal]),
        onRetry: (error) => this.#report({ kind: 'retrying', partition: this.#partition, error }),
        onUnfolded: (error) => this.#report({ kind: 'unfolded', partition: this.#partition, error }),
        ...(this.#options.foldEvery !== undefined && { foldEvery: this.#options.foldEvery }),
        ...(this.#options.foldTurns && { foldTurns: this.#options.foldTurns }),
      })
      this.#report({ kind: 'claimed', partition: this.#partition, fence: commits.fence, next: commits.next })
      return commits
    } catch (error) {
      if (giveUp.signal.aborted) return undefined
      throw error
    } finally {
      stop.removeEventListener('abort', onStop)
    }
  }

  /** Reads from the commit log's head on, until something fails or there is a reason to end. */
  async #archive(commits: CommitLog): Promise<void> {
    const { log, assignment } = this.#options
    const { topicId, partition } = assignment
    const reader = log.open({ topicId, partition, from: commits.next })
    const failed = new AbortController()
    let cursor: Cursor | undefined
    let position = commits.next
    let committing: Promise<void> = Promise.resolve()
    try {
      while (!this.#options.stop.aborted && !this.#reached(position)) {
        const staged = this.#openBatch(commits, position)
        const turn = new Turn(this.#batchTurns)
        try {
          cursor = await this.#fill(staged, turn, reader, cursor, failed.signal)
          position = staged.next
          if (staged.state.openedAt === undefined) continue
          const sealed = await unlessAborted(staged.seal(this.#options.clock.now()), this.#lost)
          turn.release()
          // No record can name its files then.
          sealed.durable.catch(() => staged.discard())
          await committing
          committing = this.#commit(commits, sealed)
          committing.catch((error) => failed.abort(error))
        } catch (error) {
          const discarded = staged.discard()
          // A lake that fails may take as long to say so again: what it keeps is swept by the next claim.
          if (!isRetryable(error)) await unlessAborted(discarded, this.#options.abandon)
          throw error
        } finally {
          turn.release()
        }
      }
    } finally {
      await reader.close()
      await committing
    }
  }

  /** Stages messages until the batch is full or has to end. Resolves with what is left of the last read. */
  async #fill(
    staged: StagedBatch,
    turn: Turn,
    reader: PartitionReader,
    rest: Cursor | undefined,
    failed: AbortSignal,
  ): Promise<Cursor | undefined> {
    const { limits, clock, stop, readBytes } = this.#options
    const signal = AbortSignal.any([stop, failed, this.#lost])
    let cursor = rest
    let trickles = false
    const take = async (from: Cursor) => {
      const isBacklog = from.batch.end - from.batch.next >= BACKLOG
      // An open batch may have to close at any time, and waits for nobody.
      if (isBacklog && staged.state.openedAt === undefined) {
        await unlessAborted(turn.take(), signal).catch(() => undefined)
        if (signal.aborted) return false
      }
      return unlessAborted(staged.take(from, limits, clock.now()), this.#lost)
    }
    while (!isFull(staged.state, limits, performance.now()) && !this.#reached(staged.next)) {
      if (cursor && cursor.index < cursor.batch.count) {
        if (!(await take(cursor))) break
        continue
      }
      // Messages that come one by one are gathered: else each would cost a read of its own, and wake the log for it.
      if (trickles) await pause(gatherFor(staged.state, limits, performance.now()), signal).catch(() => undefined)
      if (signal.aborted) break
      const maxWaitMs = waitFor(staged.state, limits, performance.now(), LONGEST_READ_MS)
      const batch = await readUnlessAborted(reader, { maxBytes: readBytes(), maxWaitMs, signal })
      if (!batch || batch.next === batch.first) continue
      cursor = { batch, index: 0 }
      trickles = batch.next >= batch.end && batch.count < TRICKLE
      if (!(await take(cursor))) break
    }
    failed.throwIfAborted()
    this.#lost.throwIfAborted()
    return cursor
  }

  async #commit(commits: CommitLog, { contents, durable }: SealedBatch): Promise<void> {
    const began = performance.now()
    const record = await commits.commit(contents, durable)
    const seconds = (performance.now() - began) / 1_000
    this.#failures = 0
    this.#report({ kind: 'committed', partition: this.#partition, record, seconds })
    // Only a hint that shows lag: the position to read from is the lake's.
    await this.#options.assignment.commit(record.next).catch(() => undefined)
  }

  async #recover(error: unknown, commits: CommitLog): Promise<void> {
    this.#lost.throwIfAborted()
    if (hasCode(error, 'LOG_OFFSET_GONE') && (this.#options.acceptGap || commits.fresh)) {
      await this.#skipGap(commits, error)
      return
    }
    if (!isRetryable(error)) throw error
    this.#failures++
    this.#report({ kind: 'retrying', partition: this.#partition, error: error as MusicFakerError })
    await pause(backoff(this.#failures), AbortSignal.any([this.#lost, this.#options.stop])).catch(() => undefined)
  }

  /** Before its first commit a lineage owes nothing of what retention removed; after it, only on request. */
  async #skipGap(commits: CommitLog, cause: MusicFakerError): Promise<void> {
    const { topicId, partitions } = await this.#options.log.describe()
    // Of the topic that was made again meanwhile: the next read will say so.
    if (topicId !== this.#options.assignment.topicId) return
    const start = partitions.get(this.#partition)?.start
    const first = commits.next
    if (start === undefined || start <= first) throw new MusicFakerError(cause.code, cause.message, { cause })
    await commits.acceptGap(start)
    this.#report({ kind: 'gap', partition: this.#partition, first, next: start })
  }

  #openBatch(commits: CommitLog, first: number): StagedBatch {
    const { lake, root, readBytes } = this.#options
    this.#batches++
    const chunkBytes = Math.min(LARGEST_CHUNK, Math.ceil(readBytes() / 2))
    const place = { lake, root, partition: this.#partition, folder: commits.staging, batch: this.#batches }
    return new StagedBatch({ ...place, chunkBytes }, first)
  }

  #reached(position: number): boolean {
    const { target } = this.#options
    return target !== undefined && position >= target
  }

  #report(event: PartitionEvent): void {
    this.#options.report(event)
  }
}

/** A read that a signal cut short is no failure: the loop looks at the signal itself. */
async function readUnlessAborted(reader: PartitionReader, options: Parameters<PartitionReader['read']>[0]) {
  try {
    return await reader.read(options)
  } catch (error) {
    if (options.signal?.aborted) return undefined
    throw error
  }
}
