import { commitLogs } from '../archive/lineages.ts'
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { type FollowerProblem, PartitionFollower, type PartitionState } from './partition-follower.ts'
import { type CommitLine, type DataFile, type QuarantineFile, Recent } from './recent.ts'
import { Slots } from './slots.ts'
import { Totals } from './totals.ts'

export type { FollowerProblem, PartitionState } from './partition-follower.ts'
export type { CommitLine, DataFile, QuarantineFile } from './recent.ts'

/** Enough to hide the latency of WebHDFS, few enough to leave the NameNode alone. */
const PARTITIONS_AT_ONCE = 8
const RECORDS_AT_ONCE = 8
/** One is unpacked beside the thread while another is taken in: of an old lake each takes megabytes. */
const CHECKPOINTS_AT_ONCE = 2

/** How often a refresh begins anew when the log is folded faster than it reads. */
const ATTEMPTS = 5

/**
 * Follows a lake's commit logs, of every lineage and partition, and keeps their totals. It reads a checkpoint of each and
 * the records after it, each once, and holds few of them at a time: time and memory do not grow with the lake.
 */
export class LakeFollower {
  readonly #lake: LakeStorage
  readonly #root: string
  #view: View
  #refreshing: Promise<number> | undefined

  constructor(options: { lake: LakeStorage; root: string }) {
    this.#lake = options.lake
    this.#root = options.root
    this.#view = new View(this.#lake, this.#root)
  }

  /** Of all that has been read. Another object after a refresh that had to begin anew. */
  get totals(): Totals {
    return this.#view.totals
  }

  /**
   * Adds the records that have come since the last time; resolves with their number. A call while another is under way
   * joins it. With nothing new it costs one listing of `_commits`, one of each lineage and one of each partition.
   *
   * A missing, damaged or unknown record is no error: its partition stops there, and `problems` says so.
   *
   * @throws what the lake throws, and the signal's reason; what was added by then counts, and the next call goes on there
   */
  refresh(signal?: AbortSignal): Promise<number> {
    this.#refreshing ??= this.#refresh(signal).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** By topic id, then partition; those that hold no record yet are absent. */
  partitions(): PartitionState[] {
    const states = this.#view.followers.map(({ state }) => state).filter((state) => state !== undefined)
    return states.sort(byPartition)
  }

  /** Newest first; the newest 200 are remembered. */
  commits(limit: number): CommitLine[] {
    return this.#view.recent.commits(limit)
  }

  /** Newest first; the newest 200 are remembered. */
  quarantineFiles(limit: number): QuarantineFile[] {
    return this.#view.recent.quarantineFiles(limit)
  }

  /** Files of events, newest first; the newest 1,000 are remembered. */
  files(): DataFile[] {
    return this.#view.recent.files()
  }

  /** What keeps partitions from being read further; empty when all is well. */
  problems(): FollowerProblem[] {
    const problems = this.#view.followers.map(({ problem }) => problem).filter((p) => p !== undefined)
    return problems.sort(byPartition)
  }

  async #refresh(signal: AbortSignal | undefined): Promise<number> {
    const before = this.#view.records
    await this.#view.catchUp(signal)
    for (let attempt = 1; this.#view.behind; attempt++) {
      if (attempt > ATTEMPTS) throw foldedTooFast(this.#root)
      // Read aside: until it is whole, the old one is the better answer.
      const fresh = new View(this.#lake, this.#root)
      await fresh.catchUp(signal)
      this.#view = fresh
    }
    return this.#view.records - before
  }
}

/** What has been read of the commit logs, in one go. */
class View {
  readonly totals = new Totals()
  readonly recent = new Recent()
  readonly #lake: LakeStorage
  readonly #root: string
  readonly #followers = new Map<string, PartitionFollower>()
  readonly #opening = new Slots(CHECKPOINTS_AT_ONCE)
  /** Also those that checkpoints sum up. */
  records = 0

  constructor(lake: LakeStorage, root: string) {
    this.#lake = lake
    this.#root = root
  }

  get followers(): PartitionFollower[] {
    return [...this.#followers.values()]
  }

  /** Some partition has missed records: nothing of this counts any more. */
  get behind(): boolean {
    return this.followers.some(({ behind }) => behind)
  }

  async catchUp(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const followers = (await this.#discover()).values()
    const slots = new Slots(RECORDS_AT_ONCE)
    let failed = false
    const stopped = () => failed || (signal?.aborted ?? false)

    const workers = Array.from({ length: PARTITIONS_AT_ONCE }, async () => {
      for (const follower of followers) {
        if (stopped()) return
        try {
          await follower.catchUp(slots, stopped)
        } catch (error) {
          failed = true
          throw error
        }
      }
    })
    // Nothing may be added any more once this has settled, so all of them have to end first.
    await Promise.allSettled(workers)
    await Promise.all(workers)
    signal?.throwIfAborted()
  }

  /** Every partition of every lineage that the lake has now. */
  async #discover(): Promise<PartitionFollower[]> {
    const found: PartitionFollower[] = []
    for await (const { path, topicId, partition } of commitLogs(this.#lake, this.#root)) {
      found.push(this.#follower(path, topicId, partition))
    }
    return found
  }

  #follower(path: string, topicId: string, partition: number): PartitionFollower {
    let follower = this.#followers.get(path)
    if (!follower) {
      follower = new PartitionFollower({
        ...{ lake: this.#lake, root: this.#root, topicId, partition, opening: this.#opening },
        onCheckpoint: ({ seq, totals, recent }) => {
          this.totals.merge(totals, `checkpoint ${topicId}/p${partition}/${seq}`)
          this.recent.merge(recent)
          this.records += totals.records
        },
        onRecord: (record) => {
          // First, since it refuses a record that is damaged.
          this.totals.add(record)
          this.recent.add(record)
          this.records++
        },
      })
      this.#followers.set(path, follower)
    }
    return follower
  }
}

function foldedTooFast(root: string): MusicFakerError {
  return new MusicFakerError('LAKE_FAILED', `the commit logs of ${root} are folded faster than they can be read`)
}

function byPartition(a: { topicId: string; partition: number }, b: { topicId: string; partition: number }): number {
  if (a.topicId !== b.topicId) return a.topicId < b.topicId ? -1 : 1
  return a.partition - b.partition
}
