import { type Checkpoint, checkpointNumbers, newestCheckpoint } from '../archive/checkpoint.ts'
import { baseName, partitionCommits, recordName, recordSeq } from '../archive/layout.ts'
import { type CommitRecord, decodeRecord } from '../archive/record.ts'
import { type ErrorCode, hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { Slots } from './slots.ts'

/** How far a partition's commit log has been read. */
export interface PartitionState {
  topicId: string
  topic: string
  partition: number
  /** The next offset that is not in the lake. */
  next: number
  /** The number of the last record. */
  seq: number
  /** ISO 8601, UTC. */
  committedAt: string
  /** Who wrote the last record. */
  owner: string
}

/** Why a partition cannot be read further. Its figures stand still until that is mended. */
export interface FollowerProblem {
  topicId: string
  partition: number
  /** The record at which reading stopped. */
  seq: number
  code: ErrorCode
  message: string
  next: string | undefined
}

/**
 * Reads one partition's commit log from its newest checkpoint to its end, each record once and in order.
 *
 * Records are folded and removed behind it. Should it be so slow that they are removed before it comes to them, it says
 * that it is `behind`: what it has read may be wrong, and has to be read again by a new one.
 */
export class PartitionFollower {
  readonly #lake: LakeStorage
  readonly #folder: string
  readonly #topicId: string
  readonly #partition: number
  readonly #opening: Slots
  readonly #onCheckpoint: (checkpoint: Checkpoint) => void
  readonly #onRecord: (record: CommitRecord) => void
  #opened = false
  /** The number up to which what was read is known to be right. */
  #sound = 0
  #behind = false
  #state: PartitionState | undefined
  #problem: FollowerProblem | undefined

  /**
   * @param opening      one is held while the checkpoint is read
   * @param onCheckpoint takes the checkpoint where reading begins, if there is one
   * @param onRecord takes each record; a MusicFakerError from it stops the partition there, as a damaged record does
   */
  constructor(options: {
    lake: LakeStorage
    root: string
    topicId: string
    partition: number
    opening: Slots
    onCheckpoint: (checkpoint: Checkpoint) => void
    onRecord: (record: CommitRecord) => void
  }) {
    this.#lake = options.lake
    this.#topicId = options.topicId
    this.#partition = options.partition
    this.#folder = partitionCommits(options.root, options.topicId, options.partition)
    this.#opening = options.opening
    this.#onCheckpoint = options.onCheckpoint
    this.#onRecord = options.onRecord
  }

  /** Undefined before the first record. */
  get state(): PartitionState | undefined {
    return this.#state
  }

  /** Has missed records: nothing it has read counts any more. */
  get behind(): boolean {
    return this.#behind
  }

  /** What stopped the last `catchUp` that was not cut short. */
  get problem(): FollowerProblem | undefined {
    return this.#problem
  }

  /**
   * Reads the records that have come since, up to the first that is missing, damaged or unknown.
   *
   * @param slots   one is held for each record from the request for it until it is taken, so that they bound both the
   *                requests at once and the records in memory
   * @param stopped asked before each record; once true, no more are read
   * @throws what the lake throws, once no request is under way any more; calling again goes on where it stopped
   */
  async catchUp(slots: Slots, stopped: () => boolean): Promise<void> {
    if (!this.#opened) await this.#open()
    try {
      await this.#readOn(slots, stopped)
    } finally {
      if (this.#problem || (this.#state?.seq ?? 0) > this.#sound) await this.#lookBack()
    }
  }

  async #open(): Promise<void> {
    await this.#opening.take()
    const reading = newestCheckpoint(this.#lake, this.#folder)
    const checkpoint = await reading.finally(() => this.#opening.release())
    if (checkpoint) {
      this.#onCheckpoint(checkpoint)
      const { topicId, topic, partition, next, seq, committedAt, owner } = checkpoint
      this.#state = { topicId, topic, partition, next, seq, committedAt, owner }
    }
    this.#sound = checkpoint?.seq ?? 0
    this.#opened = true
  }

  /**
   * What was read counts only if those records were still there afterwards: the newest checkpoint but one cannot have
   * passed them. A record that cannot be read is no problem either once a checkpoint has passed it.
   */
  async #lookBack(): Promise<void> {
    const folded = await checkpointNumbers(this.#lake, this.#folder)
    const removed = folded.at(-2) ?? 0
    if (removed > this.#sound || (this.#problem && (folded.at(-1) ?? 0) >= this.#problem.seq)) this.#behind = true
    this.#sound = this.#state?.seq ?? 0
  }

  async #readOn(slots: Slots, stopped: () => boolean): Promise<void> {
    let listed = this.#state?.seq ?? 0
    let problem: FollowerProblem | undefined
    let failed = false
    let taken: Promise<void> = Promise.resolve()

    const take = async (before: Promise<void>, bytes: Promise<Uint8Array>, path: string, seq: number) => {
      try {
        // In order, and none after one that failed.
        await before
        const content = await bytes
        if (!problem && !stopped()) problem = this.#take(content, path, seq)
      } catch (error) {
        // Removed since the listing.
        if (hasCode(error, 'LAKE_NOT_FOUND')) {
          problem ??= this.#missing(seq)
          return
        }
        failed = true
        throw error
      } finally {
        slots.release()
      }
    }

    try {
      for await (const { path } of this.#lake.list(this.#folder, listed === 0 ? {} : { after: recordName(listed) })) {
        const seq = recordSeq(baseName(path))
        // Not a record: a temporary name.
        if (seq === undefined) continue
        if (seq !== listed + 1) {
          await taken
          problem ??= this.#missing(listed + 1)
          break
        }
        listed = seq
        await slots.take()
        if (failed || problem || stopped()) {
          slots.release()
          break
        }
        const bytes = this.#lake.read(path)
        // Both reject again where they are awaited; until then a rejection must not end the process.
        bytes.catch(() => undefined)
        taken = take(taken, bytes, path, seq)
        taken.catch(() => undefined)
      }
    } finally {
      await taken
    }
    // Cut short, it has not seen whether the old problem is still there.
    if (problem || !stopped()) this.#problem = problem
  }

  /** Takes one record, or says what is wrong with it. */
  #take(bytes: Uint8Array, path: string, seq: number): FollowerProblem | undefined {
    try {
      const record = decodeRecord(bytes, path)
      this.#check(record, path, seq)
      this.#onRecord(record)
      const { topicId, topic, partition, next, committedAt, owner } = record
      this.#state = { topicId, topic, partition, next, seq, committedAt, owner }
      return undefined
    } catch (error) {
      if (!(error instanceof MusicFakerError)) throw error
      return this.#stopAt(seq, error.code, error.message, error.next)
    }
  }

  #check(record: CommitRecord, path: string, seq: number): void {
    if (record.seq !== seq || record.topicId !== this.#topicId || record.partition !== this.#partition) {
      throw new MusicFakerError('COMMIT_CORRUPT', `commit record ${path} holds another record`, VERIFY)
    }
    const expected = this.#state?.next ?? record.first
    if (record.first !== expected) {
      const detail = `commit record ${path} begins at offset ${record.first}, where ${expected} comes next`
      throw new MusicFakerError('COMMIT_CORRUPT', detail, VERIFY)
    }
  }

  #missing(seq: number): FollowerProblem {
    const path = `${this.#folder}/${recordName(seq)}`
    return this.#stopAt(seq, 'COMMIT_CORRUPT', `commit record ${path} is missing, though a later one is there`)
  }

  #stopAt(seq: number, code: ErrorCode, message: string, next: string | undefined = VERIFY.next): FollowerProblem {
    return { topicId: this.#topicId, partition: this.#partition, seq, code, message, next }
  }
}

const VERIFY = { next: 'Run: music-faker verify, then: music-faker repair' }
