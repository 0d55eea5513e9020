import {
  type CommitRecord,
  type CompactionRecord,
  fileChange,
  quarantinedCount,
  type VoidRecord,
} from '../archive/record.ts'
import { Newest } from './newest.ts'

/** A commit record without its contents. */
export interface CommitLine {
  seq: number
  topicId: string
  partition: number
  kind: CommitRecord['kind']
  first: number
  next: number
  /** 0 but for batches, as is the one below. */
  events: number
  quarantined: number
  /** That the record brings: of a compaction the joined one. */
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

/** A file of events, as it was committed or joined: it may have been joined into another since. */
export interface DataFile {
  path: string
  events: number
  bytes: number
  /** Epoch milliseconds; of a joined file, of the newest of its commits that was remembered. */
  committedAt: number
}

/** Each newest first. */
export interface RecentState {
  commits: CommitLine[]
  quarantine: QuarantineFile[]
  files: DataFile[]
}

/** Commits and quarantine files that are remembered, and files of events. */
const REMEMBERED = 200
const REMEMBERED_FILES = 1_000

/** The newest commits, quarantine files and files of events of any partitions. */
export class Recent {
  readonly #commits = new Newest<CommitLine>(REMEMBERED)
  readonly #quarantine = new Newest<QuarantineFile>(REMEMBERED)
  readonly #files = new Newest<DataFile>(REMEMBERED_FILES)

  add(record: CommitRecord): void {
    const { seq, topicId, partition, kind, first, next, committedAt } = record
    const files = fileChange(record)?.come ?? []
    const at = Date.parse(committedAt)
    this.#commits.add(at, {
      ...{ seq, topicId, partition, kind, first, next, committedAt },
      events: record.kind === 'batch' ? record.events : 0,
      quarantined: record.kind === 'batch' ? quarantinedCount(record) : 0,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    })
    if (record.kind === 'retention') this.#forget(new Set(fileChange(record)?.gone))
    else if (record.kind === 'compaction' || record.kind === 'void') this.#replace(record)
    else
      for (const { path, day, events: messages, bytes } of files) {
        if (day === null) this.#quarantine.add(at, { path, messages, bytes, topicId, partition, committedAt })
        else this.#files.add(at, { path, events: messages, bytes, committedAt: at })
      }
  }

  #forget(paths: ReadonlySet<string>): void {
    this.#quarantine.take(({ path }) => paths.has(path))
    this.#files.take(({ path }) => paths.has(path))
  }

  /** What is joined from files that are remembered takes their place. */
  #replace(record: CompactionRecord | VoidRecord): void {
    const { path, day, events, bytes } = record.joined
    const gone = new Set(fileChange(record)?.gone)
    if (record.kind === 'void') gone.add(record.of.path)
    const isGone = (file: { path: string }) => gone.has(file.path)
    if (day === null) {
      const [newest] = this.#quarantine.take(isGone)
      if (newest) this.#quarantine.add(newest.time, { ...newest.item, path, messages: events, bytes })
    } else {
      const [newest] = this.#files.take(isGone)
      if (newest) this.#files.add(newest.time, { ...newest.item, path, events, bytes })
    }
  }

  merge({ commits, quarantine, files }: RecentState): void {
    // Of equal times the later of two comes first, so the oldest goes in first.
    for (const line of commits.toReversed()) this.#commits.add(Date.parse(line.committedAt), line)
    for (const file of quarantine.toReversed()) this.#quarantine.add(Date.parse(file.committedAt), file)
    for (const file of files.toReversed()) this.#files.add(file.committedAt, file)
  }

  encode(): RecentState {
    return { commits: this.commits(REMEMBERED), quarantine: this.quarantineFiles(REMEMBERED), files: this.files() }
  }

  /** Newest first. */
  commits(limit: number): CommitLine[] {
    return this.#commits.read(limit)
  }

  /** Newest first. */
  files(): DataFile[] {
    return this.#files.read(REMEMBERED_FILES)
  }

  /** Newest first. */
  quarantineFiles(limit: number): QuarantineFile[] {
    return this.#quarantine.read(limit)
  }
}
