/**
 * The commit protocol of one partition, as its owner runs it. See docs/ARCHITECTURE.md for the whole argument.
 *
 *   claim    create the next record, an empty one: its number is the owner's fence. Then finish publishing the last
 *            real record, then sweep what older fences left in staging. In this order: sweeping before the claim could
 *            remove the files of an owner that is about to commit them.
 *   commit   create the next record. The number being taken means that another owner claimed: COMMIT_FENCED.
 *   publish  move the record's staged files to their place. Idempotent; anyone may redo it. A record is created only
 *            after the one before it is published, so only the last one can ever need redoing.
 *   join     create a record that says which files one file takes the place of, then see to it (`join.ts`). Idempotent, too.
 *   retire   create a record that names files, then remove them. Idempotent, too. Who joins or retires files does so within
 *            `tend`, as what it was told is there has to be there still.
 *
 *   fold     sum up the records in a checkpoint and remove the older ones, in the background (`fold.ts`).
 *
 * A storage call that fails with a retryable error may still have happened, now or later, so every such call is
 * followed by a look at what is there.
 *
 * Records are removed, so an owner that was suspended for long could create one under a number that was used before. So a
 * record that was created counts only if, looked at afterwards, no checkpoint has reached its number: records are removed
 * after a checkpoint over them is there, and owners fold only what they know to be before them.
 */
import { randomUUID } from 'node:crypto'
import { hasCode, MusicFakerError } from '../errors.ts'
import { pause, retrying } from '../retry.ts'
import { Slots } from '../stats/slots.ts'
import { lastFolded } from './checkpoint.ts'
import { create, type Ownership, readIfThere, stagingOf } from './create.ts'
import { fold } from './fold.ts'
import { lastReal, readHead } from './head.ts'
import { checkThere, publishJoined, publishStop, removeFiles } from './join.ts'
import { baseName, partitionCommits, partitionStaging, recordName } from './layout.ts'
import { publishBatch } from './publish.ts'
import {
  type BatchRecord,
  type CommitRecord,
  type CompactionRecord,
  RECORD_FORMAT,
  type RetentionRecord,
  type StopRecord,
} from './record.ts'

/** A reader never has more than twice as many to read, and a partition's folder holds little more. */
const FOLD_EVERY = 128
/** A stop has to be quick, and a fold that is broken off is only done again. */
const CLOSE_MS = 2_000

/** What a batch record says beyond its place in the log. */
export type BatchContents = Pick<
  BatchRecord,
  'next' | 'files' | 'events' | 'quarantined' | 'skipped' | 'readAt' | 'summary'
>

/** What a compaction record says beyond its place in the log. */
export type Joining = Pick<CompactionRecord, 'joined' | 'files'>

/** What takes files away, for as long as `CommitLog.tend` lasts. Each throws as `CommitLog.commit` does. */
export interface Tending {
  /**
   * Puts one file in the place of others, between two commits. Resolves false when the lake refuses to append them to each
   * other, or one of them is removed by others meanwhile: they are as they were then, but for the name of the first. Throws
   * COMMIT_CORRUPT, too, when one of them is not there to begin with: then nothing is recorded.
   */
  join(joining: Joining): Promise<boolean>
  /** Removes files for good, between two commits: recorded, so that nobody misses them. */
  retire(files: RetentionRecord['files']): Promise<void>
}

export class CommitLog {
  readonly #of: Ownership
  readonly #folder: string
  readonly fence: number
  #seq: number
  #next: number
  /** The number at which the next fold begins. */
  #foldAt = 0
  #folding: Promise<void> | undefined
  /** Settles when the record before is published: one at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #tending = new Slots(1)
  /** To be called when a commit has ended. */
  #ended: () => void = () => undefined
  /** Why a record that was created could not be published. Nothing may come after it. */
  #stuck: { error: unknown } | undefined
  readonly #closed = new AbortController()

  private constructor(of: Ownership, claim: CommitRecord) {
    this.#of = of
    this.#folder = partitionCommits(of.root, of.topicId, of.partition)
    this.fence = claim.seq
    this.#seq = claim.seq
    this.#next = claim.next
  }

  /** The first offset that is not committed yet: where to read from. */
  get next(): number {
    return this.#next
  }

  /** Nothing was ever committed in this lineage. */
  get fresh(): boolean {
    return this.#next === 0
  }

  /** The folder for files on their way to being committed. Names in it need to be unique within this object only. */
  get staging(): string {
    return stagingOf(this.#of, this.fence)
  }

  /**
   * Takes the partition over. Retries until the storage answers.
   * @throws COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT when the head cannot be trusted; LAKE_DENIED; the signal's reason
   */
  static async claim(of: Ownership): Promise<CommitLog> {
    for (;;) {
      const head = await retrying(() => readHead(of.lake, of.root, of.topicId, of.partition), of)
      const seq = (head?.seq ?? 0) + 1
      const next = head?.next ?? 0
      const claim: CommitRecord = { ...headOf(of, seq, seq, next, next), kind: 'claim' }
      if (!(await create(of, claim))) continue
      const log = new CommitLog(of, claim)
      if (!(await log.#redo(head))) continue
      await log.#sweep()
      log.#foldIfDue()
      return log
    }
  }

  /** Waits for what is under way in the background: a fold has two seconds to come to its end, then it is broken off. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#closed.abort(), CLOSE_MS)
    await this.#folding
    clearTimeout(timer)
  }

  /**
   * Commits a batch that begins at `next`, then publishes its files. The record is written to its temporary name while
   * the files are still being closed (each can take HDFS 0.4 s), and created once `durable` has
   * resolved; without it they are closed already.
   * @throws COMMIT_FENCED when another owner took over: nothing of the batch is in the lake, its staged files are the
   *   new owner's to sweep. COMMIT_CORRUPT when a staged file vanished. The signal's reason: the outcome is then open.
   */
  commit(contents: BatchContents, durable?: Promise<unknown>): Promise<BatchRecord> {
    return this.#inTurn(async () => {
      const record: BatchRecord = { ...this.#following(contents.next), kind: 'batch', ...contents }
      await this.#append(record, durable)
      await this.#publish(record)
      this.#ended()
      return record
    })
  }

  /** Records that `[next, to)` is lost to the log's retention, and goes on from `to`. Throws as `commit` does. */
  acceptGap(to: number): Promise<void> {
    return this.#inTurn(() => this.#append({ ...this.#following(to), kind: 'gap' }))
  }

  /**
   * Does work that takes files away, one at a time: from its look at which files there are (`filesOf`) to the last that it
   * names in a record, nobody else makes one go. Two at once would each name what the other has taken away: a file that
   * was removed would be there again, as part of one that it was joined to.
   * @param signal ends the wait for others; what has begun is the work's own to end
   * @throws the signal's reason, and what the work throws
   */
  async tend<T>(work: (files: Tending) => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#tending.take(signal)
    try {
      return await work({ join: (joining) => this.#join(joining), retire: (files) => this.#retire(files) })
    } finally {
      this.#tending.release()
    }
  }

  #join(joining: Joining): Promise<boolean> {
    return this.#inTurn(async () => {
      await checkThere(this.#of, joining.files).catch(async (error) => {
        throw await this.#unlessFenced(error)
      })
      const record: CompactionRecord = { ...this.#following(this.#next), kind: 'compaction', ...joining }
      await this.#append(record)
      return this.#publish(record)
    })
  }

  #retire(files: RetentionRecord['files']): Promise<void> {
    return this.#inTurn(async () => {
      const record: RetentionRecord = { ...this.#following(this.#next), kind: 'retention', files }
      await this.#append(record)
      await this.#publish(record)
    })
  }

  /** Why nothing can be committed any more, until the partition is claimed again. */
  get stuck(): boolean {
    return this.#stuck !== undefined
  }

  /** Resolves when a commit has just ended, or after so many milliseconds: then the next one is not near. */
  async lull(ms: number): Promise<void> {
    const { signal } = this.#of
    const ended = new AbortController()
    this.#ended = () => ended.abort()
    await pause(ms, AbortSignal.any([signal, this.#closed.signal, ended.signal])).catch(() => undefined)
    signal.throwIfAborted()
  }

  /**
   * What a failure to stage a file means: COMMIT_FENCED where another owner has taken over, since it sweeps the folder of
   * this one; else the failure itself.
   */
  async whyNotStaged(error: unknown): Promise<unknown> {
    return hasCode(error, 'LAKE_FAILED', 'LAKE_NOT_FOUND') && (await this.#isFenced())
      ? this.#fenced(this.#seq + 1)
      : error
  }

  async #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const mine = before
      .catch(() => undefined)
      .then(async () => {
        if (this.#stuck) throw this.#stuck.error
        const result = await step()
        this.#foldIfDue()
        return result
      })
    this.#turn = mine
    return mine
  }

  /** Moves files as the record says, whatever of it was done before. False for a compaction that is given up. */
  async #publish(record: CommitRecord): Promise<boolean> {
    try {
      if (record.kind === 'batch') await publishBatch(this.#of, record)
      if (record.kind === 'retention') await removeFiles(this.#of, record.files)
      if (record.kind === 'compaction' && !(await publishJoined(this.#of, record))) {
        const { seq: of, joined, files } = record
        const stop: StopRecord = { ...this.#following(this.#next), kind: 'stop', of, joined, files }
        await this.#append(stop)
        return this.#publish(stop)
      }
      if (record.kind !== 'stop') return true
      await this.#append({ ...this.#following(this.#next), ...(await publishStop(this.#of, record)) })
      return false
    } catch (error) {
      this.#stuck = { error: await this.#unlessFenced(error) }
      throw this.#stuck.error
    }
  }

  /** What a record names may have been joined since by an owner that came after this one. */
  async #unlessFenced(error: unknown): Promise<unknown> {
    return hasCode(error, 'COMMIT_CORRUPT') && (await this.#isFenced()) ? this.#fenced(this.#seq + 1) : error
  }

  /** Whether another owner has gone on from the last record. */
  #isFenced(): Promise<boolean> {
    return retrying(async () => !(await this.#isOwner()), this.#of)
  }

  #following(next: number) {
    return headOf(this.#of, this.#seq + 1, this.fence, this.#next, next)
  }

  async #append(record: CommitRecord, ready?: Promise<unknown>): Promise<void> {
    if (!(await create(this.#of, record, ready))) throw this.#fenced(record.seq)
    this.#seq = record.seq
    this.#next = record.next
  }

  #fenced(seq: number): MusicFakerError {
    const { topic, partition } = this.#of
    return new MusicFakerError(
      'COMMIT_FENCED',
      `partition ${partition} of ${topic} was taken over by another archiver: record ${seq} is not ours`,
      { next: 'Run the archivers of one lake in one consumer group (--group).' },
    )
  }

  /**
   * Finishes publishing the last record that moves files; claims since then have none. Resolves false when others have gone
   * on from this claim so long ago that what was read may not be the record any more.
   */
  async #redo(head: CommitRecord | undefined): Promise<boolean> {
    const [last] = await Promise.allSettled([retrying(() => lastReal(this.#of.lake, this.#folder, head), this.#of)])
    const folded = await retrying(() => lastFolded(this.#of.lake, this.#folder), this.#of)
    if (folded >= this.fence) return false
    if (last.status === 'rejected') throw last.reason
    if (last.value) await this.#publish(last.value)
    this.#foldAt = folded + this.#foldEvery
    return true
  }

  get #foldEvery(): number {
    return this.#of.foldEvery ?? FOLD_EVERY
  }

  /** To be called when every record so far is published. */
  #foldIfDue(): void {
    if (this.#folding || this.#seq < this.#foldAt) return
    const upTo = this.#seq
    const { lake, onRetry } = this.#of
    const signal = AbortSignal.any([this.#of.signal, this.#closed.signal])
    const isOwner = () => this.#isOwner()
    const options = { lake, log: this.#folder, staging: this.staging, fence: this.fence, isOwner, signal, onRetry }
    const folding = async () => {
      await this.#of.foldTurns?.take(signal)
      return fold(options, upTo, this.#foldEvery).finally(() => this.#of.foldTurns?.release())
    }
    this.#folding = folding()
      .catch((error) => {
        if (!signal.aborted) this.#of.onUnfolded?.(error)
        return upTo
      })
      .then((folded) => {
        this.#foldAt = folded + this.#foldEvery
        this.#folding = undefined
      })
  }

  /** A look at the records after the last one: this owner may just be writing one. */
  async #isOwner(): Promise<boolean> {
    const { lake } = this.#of
    let seq = this.#seq + 1
    for (; ; seq++) {
      const fence = await this.#fenceOf(seq)
      if (fence === undefined) break
      if (fence !== this.fence) return false
    }
    return (await lastFolded(lake, this.#folder)) < seq
  }

  /** Undefined where there is no such record; 0 for one that cannot be read, which this owner has not written. */
  async #fenceOf(seq: number): Promise<number | undefined> {
    try {
      return (await readIfThere(this.#of.lake, `${this.#folder}/${recordName(seq)}`))?.fence
    } catch (error) {
      if (hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_UNKNOWN_FORMAT')) return 0
      throw error
    }
  }

  /** Removes the staging of older fences. Their owners can no longer commit: this claim stands in their way. */
  async #sweep(): Promise<void> {
    const { lake } = this.#of
    const folder = partitionStaging(this.#of.root, this.#of.topicId, this.#of.partition)
    await retrying(async () => {
      for await (const entry of lake.list(folder)) {
        const fence = Number(baseName(entry.path))
        if (fence < this.fence) await lake.remove(entry.path)
      }
    }, this.#of)
  }
}

function headOf(of: Ownership, seq: number, fence: number, first: number, next: number) {
  return {
    format: RECORD_FORMAT,
    seq,
    fence,
    owner: of.owner,
    id: randomUUID(),
    topic: of.topic,
    topicId: of.topicId,
    partition: of.partition,
    first,
    next,
    committedAt: new Date(of.clock()).toISOString(),
  } as const
}
