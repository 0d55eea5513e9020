/** What can be wrong with a lake. Closed: reports, messages and tests use these names. */
export const PROBLEM_KINDS = [
  /** A number of the commit log has no record, though a later one has. */
  'record_missing',
  /** Not a record, or not JSON. */
  'record_corrupt',
  /** Of a format or kind that this version does not know. What follows is checked as far as it goes. */
  'record_unknown_format',
  /** Says that it belongs to another topic, partition or number than its place does. */
  'record_misplaced',
  /** Its counts do not add up, or its files are not where its days say. */
  'record_inconsistent',
  /** A checkpoint that cannot be read. Where the one before it can, the records since are checked instead. */
  'checkpoint_corrupt',
  /** Its counts do not add up to its offsets, or those of its files. */
  'checkpoint_inconsistent',
  /** The list of files that a checkpoint refers to cannot be read. */
  'manifest_corrupt',
  /** Written under another claim than the last one before it. */
  'fence_violated',
  /** Offsets that no record covers. */
  'offset_gap',
  /** Offsets that two records cover. */
  'offset_overlap',
  /** A committed file is nowhere. */
  'file_missing',
  /** A committed file is still in staging, though a later record shows that it was published. */
  'file_unpublished',
  'file_length',
  'file_checksum',
  'file_lines',
  /** Two records name one file. */
  'file_named_twice',
  /** A file where events or quarantined messages belong, that no record names: readers would count it. */
  'file_stray',
  /** Something in the commit log's folders that is no record. */
  'entry_unknown',
] as const
export type ProblemKind = (typeof PROBLEM_KINDS)[number]

export interface Problem {
  kind: ProblemKind
  /** The record, file or folder. */
  path: string
  /** For a person: what was expected, and what was found. */
  detail: string
  /** The record that names the file. */
  record?: string
}

/** What records say, summed up; those that were folded into a checkpoint included. */
export interface Counts {
  records: number
  /** That the records leave in the lake, quarantine files included. */
  files: number
  /** Archived: those that were removed since, because they were kept long enough, included. */
  events: number
  quarantined: number
  /** Offsets that held no message. */
  skipped: number
  /** Offsets lost to the log's retention, and accepted as lost. */
  gaps: number
  /** Of the files. */
  bytes: number
}

export interface PartitionReport extends Counts {
  /** The lineage: one life of the topic. */
  topicId: string
  partition: number
  /** The records cover the offsets `[0, next)`, unless problems say otherwise. */
  next: number
}

/** Over all partitions, and what was found. */
export interface VerifyReport extends Counts {
  /** No problem was found. */
  ok: boolean
  root: string
  deep: boolean
  /** Files that were read whole: with `deep` all of them, or those that were asked for. */
  read: { files: number; bytes: number }
  /** By lineage, then partition number. */
  partitions: PartitionReport[]
  /** The first 1,000. */
  problems: Problem[]
  /** All of them. */
  problemCount: number
  /** Files of the last record of a partition that its archiver, or the next one, has still to publish or join. No problem. */
  pending: string[]
  /** Other files in staging: being written, or left by a crash and swept by the next archiver. No problem. */
  staged: { files: number; bytes: number }
  /** Files that `repair` has set aside. No problem. */
  aside: { files: number; bytes: number }
}

export interface VerifyProgress {
  /** Commit records read. */
  records: number
  /** Files checked, and their bytes: read when deep, else only looked for. */
  files: number
  bytes: number
  /** The UTC day whose events are being checked: files of earlier ones are done. Undefined before and after, and for the quarantine. */
  day: string | undefined
  /** Found so far. */
  problems: number
}

const PROBLEMS_KEPT = 1_000

export class Findings {
  readonly problems: Problem[] = []
  readonly #known = new Set<string>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Folders are looked at more than once, so what is kept already is not kept again. */
  add(kind: ProblemKind, path: string, detail: string, record?: string): void {
    const key = JSON.stringify([kind, path, detail])
    if (this.#known.has(key)) return
    this.#count++
    if (this.problems.length >= PROBLEMS_KEPT) return
    this.problems.push({ kind, path, detail, ...(record !== undefined && { record }) })
    this.#known.add(key)
  }
}

export function noCounts(): Counts {
  return { records: 0, files: 0, events: 0, quarantined: 0, skipped: 0, gaps: 0, bytes: 0 }
}

export function sumCounts(all: readonly Counts[]): Counts {
  const sum = noCounts()
  for (const counts of all) {
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name]
  }
  return sum
}
