/** A plan of repairs while it is made: what it is made from, and what has been decided so far. */
import { readIfThere } from '../archive/create.ts'
import { type BatchName, readBatchName } from '../archive/layout.ts'
import type { CommitRecord, CommittedFile } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import type { Holdings, Range } from './repair-files.ts'
import type { Reading } from './repair-joined.ts'
import type { LostRecord } from './repair-records.ts'
import type { LakeStorage } from './storage.ts'
import type { Problem, ProblemKind, VerifyReport } from './verify-report.ts'

/** A file in the lake that has the name of a batch, though no record names it. */
export type Stray = BatchName & { path: string }

export type Step = {
  /** The problem that it mends. */
  kind: ProblemKind
  /** The file or record that is mended. */
  path: string
  /** For a person: why, and from what. */
  detail: string
} & (
  | { action: 'publish'; from: string }
  | { action: 'set_aside' }
  | { action: 'remake'; readings: Reading[]; file: CommittedFile }
  | { action: 'restore_records'; place: Place; records: LostRecord[]; strays: Stray[]; isHead: boolean }
)

export interface Place {
  topicId: string
  partition: number
}

/** A problem that stays. */
export interface Unrepaired {
  kind: ProblemKind
  path: string
  why: string
  offsets?: Range
}

export interface Plan {
  steps: Step[]
  left: Unrepaired[]
}

export const LOST_RECORD: readonly ProblemKind[] = ['record_missing', 'record_corrupt', 'record_misplaced']
export const LOST_FILE: readonly ProblemKind[] = ['file_missing', 'file_length', 'file_checksum']

/** While one of these is there, what else names files is not known. */
export const UNREADABLE: readonly ProblemKind[] = ['checkpoint_corrupt', 'checkpoint_inconsistent', 'manifest_corrupt']

export interface PlanOptions {
  lake: LakeStorage
  root: string
  holdings: Holdings
  report: VerifyReport
  /** Epoch milliseconds. */
  now: number
  signal?: AbortSignal | undefined
}

export class Draft {
  readonly of: PlanOptions
  readonly steps: Step[] = []
  readonly left: Unrepaired[] = []
  readonly strays: Stray[] = []
  /** Files that no record names and that stay where they are: they are of a record that is lost. */
  readonly kept = new Set<string>()
  /** Files that are gone because they were joined, and of that only the record is lost. */
  readonly joined = new Set<string>()
  /** Records that make way: what else is wrong with them does not matter. */
  readonly replaced = new Set<string>()

  constructor(of: PlanOptions) {
    this.of = of
    for (const { kind, path } of of.report.problems) {
      const name = kind === 'file_stray' ? readBatchName(of.root, path) : undefined
      if (name) this.strays.push({ ...name, path })
    }
  }

  leaveFiles(problems: readonly Pick<Problem, 'kind' | 'path'>[], why: string, offsets?: Range): void {
    for (const { kind, path } of problems) this.left.push({ kind, path, why, ...(offsets && { offsets }) })
  }

  /** What the commit log named when it was looked at, and names no more. */
  leaveUnnamed(problems: readonly Problem[]): void {
    this.leaveFiles(problems, 'the commit log was folded meanwhile, and does not name it any more: run repair again')
  }

  /** Undefined when it is not there, as where it was folded meanwhile. Throws as `readIfThere`; the signal's reason. */
  async read(path: string): Promise<CommitRecord | undefined> {
    this.of.signal?.throwIfAborted()
    return readIfThere(this.of.lake, path)
  }
}

/** A broken head is reported by `verify` itself. */
export async function unlessBroken<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_UNKNOWN_FORMAT')) return undefined
    throw error
  }
}
