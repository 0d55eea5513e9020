import { baseName, commitsFolder, partitionNumber } from '../archive/layout.ts'
import { type CommitRecord, quarantinedCount } from '../archive/record.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { Newest } from './newest.ts'
import { type FollowerProblem, PartitionFollower, type PartitionState } from './partition-follower.ts'
import { Slots } from './slots.ts'
import { Totals } from './totals.ts'

export type { FollowerProblem, PartitionState } from './partition-follower.ts'

/** A commit record without its contents. */
export interface CommitLine {
  seq: number
  topicId: string
  partition: number
  kind: CommitRecord['kind']
  first: number
  next: number
  /** 0 for claims and gaps, as are the four below. */
  events: number
  quarantined: number
  files: number
  bytes: number
  /** ISO 8601, UTC. */
  committedAt: string
}

export interface QuarantineFile {
  path: string
  messages: number
  bytes: number
  topicId: string
  partition: number
  /** ISO 8601, UTC. */
  committedAt: string
}

/** A file of events, as it was committed: it may have been merged into another since. */
export interface DataFile {
  path: string
  events: number
  bytes: number
  /** Epoch milliseconds. */
  committedAt: number
}

/** Commits and quarantine files that are remembered, and files of events. */
const REMEMBERED = 200
const REMEMBERED_FILES = 1_000
/** Enough to hide the latency of WebHDFS, few enough to leave the NameNode alone. */
const PARTITIONS_AT_ONCE = 8
const RECORDS_AT_ONCE = 8

/**
 * Follows a lake's commit logs, of every lineage and partition, and keeps their totals. It reads records only, each
 * once, and holds few of them at a time: memory does not grow with the lake.
 */
export class LakeFollower {
  readonly totals = new Totals()
  readonly #lake: LakeStorage
  readonly #root: string
  readonly #followers = new Map<string, PartitionFollower>()
  readonly #commits = new Newest<CommitLine>(REMEMBERED)
  readonly #quarantine = new Newest<QuarantineFile>(REMEMBERED)
  readonly #files = new Newest<DataFile>(REMEMBERED_FILES)
  #records = 0
  #refreshing: Promise<number> | undefined

  constructor(options: { lake: LakeStorage; root: string }) {
    this.#lake = options.lake
    this.#root = options.root
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
    const states = Array.from(this.#followers.values(), ({ state }) => state).filter((state) => state !== undefined)
    return states.sort(byPartition)
  }

  /** Newest first; the newest 200 are remembered. */
  commits(limit: number): CommitLine[] {
    return this.#commits.read(limit)
  }

  /** Newest first; the newest 200 are remembered. */
  quarantineFiles(limit: number): QuarantineFile[] {
    return this.#quarantine.read(limit)
  }

  /** Files of events, newest first; the newest 1,000 are remembered. */
  files(): DataFile[] {
    return this.#files.read(REMEMBERED_FILES)
  }

  /** What keeps partitions from being read further; empty when all is well. */
  problems(): FollowerProblem[] {
    const problems = Array.from(this.#followers.values(), ({ problem }) => problem).filter((p) => p !== undefined)
    return problems.sort(byPartition)
  }

  async #refresh(signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    const before = this.#records
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
    return this.#records - before
  }

  /** Every partition of every lineage that the lake has now. */
  async #discover(): Promise<PartitionFollower[]> {
    const found: PartitionFollower[] = []
    for await (const lineage of this.#lake.list(commitsFolder(this.#root))) {
      if (lineage.kind !== 'directory') continue
      for await (const { path } of this.#lake.list(lineage.path)) {
        const partition = partitionNumber(baseName(path))
        if (partition !== undefined) found.push(this.#follower(path, baseName(lineage.path), partition))
      }
    }
    return found
  }

  #follower(path: string, topicId: string, partition: number): PartitionFollower {
    let follower = this.#followers.get(path)
    if (!follower) {
      const onRecord = (record: CommitRecord) => this.#add(record)
      follower = new PartitionFollower({ lake: this.#lake, root: this.#root, topicId, partition, onRecord })
      this.#followers.set(path, follower)
    }
    return follower
  }

  #add(record: CommitRecord): void {
    // First, since it refuses a record that is damaged.
    this.totals.add(record)
    this.#records++
    const { seq, topicId, partition, kind, first, next, committedAt } = record
    const files = record.kind === 'batch' ? record.files : []
    const at = Date.parse(committedAt)
    this.#commits.add(at, {
      ...{ seq, topicId, partition, kind, first, next, committedAt },
      events: record.kind === 'batch' ? record.events : 0,
      quarantined: record.kind === 'batch' ? quarantinedCount(record) : 0,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    })
    for (const { path, day, events: messages, bytes } of files) {
      if (day === null) this.#quarantine.add(at, { path, messages, bytes, topicId, partition, committedAt })
      else this.#files.add(at, { path, events: messages, bytes, committedAt: at })
    }
  }
}

function byPartition(a: { topicId: string; partition: number }, b: { topicId: string; partition: number }): number {
  if (a.topicId !== b.topicId) return a.topicId < b.topicId ? -1 : 1
  return a.partition - b.partition
}
