/**
 * From what `verify` found to what can be done about it. Reads the lake and the log, changes nothing: whatever is to be
 * made again is made once without keeping it, so that a plan holds only what is proven.
 */
import type { Joining } from '../archive/commits.ts'
import { lastBatch, readHead } from '../archive/head.ts'
import { type BatchName, baseName, partitionCommits, readBatchName, recordName, recordSeq } from '../archive/layout.ts'
import { type BatchRecord, type CommitRecord, type CommittedFile, decodeRecord } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { parentOf } from './path.ts'
import { lostCompactions, mayHold } from './repair-compactions.ts'
import { type Holdings, nowhere, type Range, remake } from './repair-files.ts'
import { type FoldedBatch, foldedBatches } from './repair-folded.ts'
import { type JoinedBatches, type Reading, readingsOf, sumOf } from './repair-joined.ts'
import { fillHole, fillWithCompactions, type Hole, type LostRecord } from './repair-records.ts'
import { checksumOf, isSound, readAtOf } from './repair-sums.ts'
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

const LOST_RECORD: readonly ProblemKind[] = ['record_missing', 'record_corrupt', 'record_misplaced']
const LOST_FILE: readonly ProblemKind[] = ['file_missing', 'file_length', 'file_checksum']

/** While one of these is there, what else names files is not known. */
const UNREADABLE: readonly ProblemKind[] = ['checkpoint_corrupt', 'checkpoint_inconsistent', 'manifest_corrupt']

const WHY: Partial<Record<ProblemKind, string>> = {
  checkpoint_corrupt: 'archivers replace it with their next one, from the checkpoint before it',
  record_unknown_format: 'use the version of music-faker that wrote this lake, or a newer one',
}
const NO_WAY = 'nothing in the lake or the log tells what it has been: restore it from a backup'

interface Options {
  lake: LakeStorage
  root: string
  holdings: Holdings
  report: VerifyReport
  /** Epoch milliseconds. */
  now: number
  signal?: AbortSignal | undefined
}

export function plan(options: Options): Promise<Plan> {
  return new Planner(options).run()
}

class Planner {
  readonly #of: Options
  readonly #steps: Step[] = []
  readonly #left: Unrepaired[] = []
  readonly #strays: Stray[] = []
  /** Files that no record names and that stay where they are: they are of a record that is lost. */
  readonly #kept = new Set<string>()
  /** Files that are gone because they were joined, and of that only the record is lost. */
  readonly #joined = new Set<string>()
  /** Compactions whose records are lost, by the folder of their log. */
  #compactions = new Map<string, Joining[]>()
  /** Records that make way: what else is wrong with them does not matter. */
  readonly #replaced = new Set<string>()

  constructor(options: Options) {
    this.#of = options
    for (const { kind, path } of options.report.problems) {
      const name = kind === 'file_stray' ? readBatchName(options.root, path) : undefined
      if (name) this.#strays.push({ ...name, path })
    }
  }

  async run(): Promise<Plan> {
    const { lake, report } = this.#of
    this.#compactions = await lostCompactions(lake, report.problems, this.#strays)
    await this.#planRecords()
    await this.#planLostHeads()
    await this.#planFiles()
    await this.#planPending()
    for (const problem of this.#of.report.problems) await this.#planOther(problem)
    return { steps: this.#steps, left: this.#left }
  }

  async #planRecords(): Promise<void> {
    const lost = new Map<string, number[]>()
    for (const { kind, path } of this.#of.report.problems) {
      const seq = LOST_RECORD.includes(kind) ? recordSeq(baseName(path)) : undefined
      if (seq !== undefined) lost.set(parentOf(path), [...(lost.get(parentOf(path)) ?? []), seq])
    }
    for (const [folder, numbers] of lost) {
      const place = placeOf(folder)
      const joins = this.#compactions.get(folder) ?? []
      this.#compactions.delete(folder)
      const isAll = joins.length === new Set(numbers).size
      for (const [from, to] of runsOf(numbers)) {
        await this.#planHole(place, from, to, isAll ? joins.splice(0, to - from + 1) : [])
      }
    }
  }

  /** @param joins what the records said, if all of them were compactions */
  async #planHole(place: Place, from: number, to: number, joins: readonly Joining[]): Promise<void> {
    const [before, after] = [await this.#neighbour(place, from - 1), await this.#neighbour(place, to + 1)]
    if (before === 'unknown' || after === 'unknown' || (from > 1 && !before)) {
      return this.#leaveHole(place, from, 'the records beside it cannot be read either', 0, Number.MAX_SAFE_INTEGER)
    }
    const compactions = joins.length > 0 && fillWithCompactions({ from, to, before, after }, joins)
    if (compactions) this.#planCompactions(place, compactions, after === undefined)
    else await this.#fill(place, { from, to, before, after })
  }

  #planCompactions(place: Place, records: LostRecord[], isHead: boolean): void {
    const joins = records.flatMap((record) => (record.kind === 'compaction' ? record.joining : []))
    for (const { joined, files } of joins) {
      this.#kept.add(joined.path)
      for (const file of files) this.#joined.add(file.path)
    }
    for (const { seq } of records) this.#replaced.add(this.#record(place, seq))
    const path = this.#record(place, records[0]!.seq)
    const detail = joins
      .map(({ joined, files }) => `a compaction of ${files.length} files to ${joined.path}`)
      .join(', then ')
    const step = { action: 'restore_records', place, records, isHead } as const
    this.#steps.push({ ...step, strays: [], kind: this.#kindOf(path), path, detail })
  }

  async #fill(place: Place, hole: Hole): Promise<void> {
    const { from, before, after } = hole
    const [first, next] = [before?.next ?? 0, after?.first ?? Number.MAX_SAFE_INTEGER]
    const ofPartition = this.#strays.filter(({ partition }) => partition === place.partition)
    const records = fillHole(hole, (at) => ofPartition.find((stray) => stray.first === at && stray.next <= next)?.next)
    if (typeof records === 'string') return this.#leaveHole(place, from, records, first, next)
    // Whatever is joined is of offsets before: where the record may have been a compaction, nothing tells of which files.
    const joined = ofPartition.some((stray) => before !== undefined && stray.next <= first)
    if (joined && records.some(({ kind }) => kind === 'claim')) {
      return this.#leaveHole(place, from, 'it may have been a compaction: restore it from a backup', 0, first)
    }
    const strays: Stray[] = []
    for (const record of records) {
      const gone =
        record.kind === 'void'
          ? this.#of.holdings.lacks({ ...place, first: record.first, next: record.first })
          : undefined
      if (gone) return this.#leaveHole(place, from, gone, first, next)
      if (record.kind !== 'batch') continue
      const own = ofPartition.filter((stray) => stray.first === record.first && stray.next === record.next)
      const why = await this.#unproven({ ...place, first: record.first, next: record.next }, own)
      if (why) return this.#leaveHole(place, from, why, first, next)
      strays.push(...own)
    }
    for (const { path } of strays) this.#kept.add(path)
    for (const { seq } of records) this.#replaced.add(this.#record(place, seq))
    const said = records.map(({ kind, ...of }) => told(kind, of.first, of.next, strays.length)).join(', then ')
    const isHead = after === undefined
    const path = this.#record(place, from)
    this.#steps.push({
      kind: this.#kindOf(path),
      action: 'restore_records',
      path,
      detail: said,
      place,
      records,
      strays,
      isHead,
    })
  }

  #leaveHole(place: Place, seq: number, why: string, first: number, next: number): void {
    const path = this.#record(place, seq)
    const own = this.#strays.filter(
      (stray) => stray.partition === place.partition && stray.first < next && stray.next > first,
    )
    for (const stray of own) this.#kept.add(stray.path)
    const end = next < Number.MAX_SAFE_INTEGER ? next : Math.max(first, ...own.map((stray) => stray.next))
    this.#left.push({
      kind: this.#kindOf(path),
      path,
      why,
      ...(end > first && { offsets: { ...place, first, next: end } }),
    })
  }

  /** A head that is gone is no problem of its own: only its files tell. */
  #kindOf(record: string): ProblemKind {
    return this.#of.report.problems.find(({ path }) => path === record)?.kind ?? 'record_missing'
  }

  /** Why the files of a lost record are not what the log holds in its range, or undefined when each is to the last byte. */
  async #unproven(range: Range, strays: readonly Stray[]): Promise<string | undefined> {
    const { lake, root, holdings, now } = this.#of
    const lacks = holdings.lacks(range)
    if (lacks) return lacks
    const made = await remake(holdings, range, await readAtOf(lake, strays, now), {
      lake: nowhere(),
      root,
      folder: '/',
    })
    for (const { path, day } of strays) {
      const file = made.files.find((other) => other.day === day)
      if (!file || !(await isSound(lake, path, file))) return `${path} is not what the log holds there`
    }
    return undefined
  }

  /** Files whose offsets follow the last record: of records that were the last. */
  async #planLostHeads(): Promise<void> {
    const { lake, root, report } = this.#of
    for (const { topicId, partition, next } of report.partitions) {
      const folder = partitionCommits(root, topicId, partition)
      if (this.#steps.some(({ path }) => parentOf(path) === folder)) continue
      const joins = this.#compactions.get(folder) ?? []
      const last = joins.length > 0 ? await unlessBroken(() => readHead(lake, root, topicId, partition)) : undefined
      if (last) {
        const hole = { from: last.seq + 1, to: last.seq + joins.length, before: last, after: undefined }
        this.#planCompactions({ topicId, partition }, fillWithCompactions(hole, joins)!, true)
        continue
      }
      let [at, count] = [next, 0]
      const following = () =>
        this.#strays.find(({ path, ...of }) => of.partition === partition && of.first === at && !this.#kept.has(path))
      for (let stray = following(); stray; stray = following()) [at, count] = [stray.next, count + 1]
      const head = count > 0 ? await unlessBroken(() => readHead(lake, root, topicId, partition)) : undefined
      if (head?.next !== next) continue
      const hole = { from: head.seq + 1, to: head.seq + count, before: head, after: undefined }
      await this.#fill({ topicId, partition }, hole)
    }
  }

  async #planFiles(): Promise<void> {
    const unreadable = this.#of.report.problems.some(({ kind }) => UNREADABLE.includes(kind))
    const byRecord = new Map<string, Problem[]>()
    for (const problem of this.#of.report.problems) {
      if (!LOST_FILE.includes(problem.kind) || problem.record === undefined) continue
      if (this.#joined.has(problem.path)) continue
      const held = this.#heldBy(problem.path)
      if (held) {
        this.#leaveFiles([problem], `${held} may hold its lines, by a record that is lost: restore that from a backup`)
        continue
      }
      byRecord.set(problem.record, [...(byRecord.get(problem.record) ?? []), problem])
    }
    for (const [path, problems] of byRecord) {
      // A file that was joined into another is gone for good: made again, its events would be there twice.
      if (unreadable)
        this.#leaveFiles(problems, 'a checkpoint or manifest that cannot be read may say that it was joined')
      else if (recordSeq(baseName(path)) === undefined) await this.#planFolded(path, problems)
      else await this.#planNamed(await this.#read(path), problems)
    }
  }

  /** A file that no record names and that stays: with this one made again, its events could be there twice. */
  #heldBy(path: string): string | undefined {
    return this.#strays.find((stray) => this.#kept.has(stray.path) && mayHold(this.#of.root, stray, path))?.path
  }

  #leaveFiles(problems: readonly Pick<Problem, 'kind' | 'path'>[], why: string, offsets?: Range): void {
    for (const { kind, path } of problems) this.#left.push({ kind, path, why, ...(offsets && { offsets }) })
  }

  /** @param record that names the files */
  async #planNamed(record: CommitRecord, problems: readonly Problem[]): Promise<void> {
    if (record.kind === 'batch') return this.#planRemaking(record, problems)
    if (record.kind !== 'compaction' && record.kind !== 'void') return
    const { topicId, partition, joined } = record
    const { parts, path, ...sums } = joined
    await this.#planJoined({ topicId, partition, file: { ...sums, path, staged: path }, parts }, problems)
  }

  /** Their records are folded: what is left of them is in a manifest. */
  async #planFolded(manifest: string, problems: readonly Problem[]): Promise<void> {
    const { batches, joined } = await foldedBatches(
      this.#of.lake,
      this.#of.root,
      manifest,
      new Set(problems.map(({ path }) => path)),
    )
    for (const batch of batches) {
      const own = problems.filter(({ path }) => batch.files.some((file) => file.path === path))
      await this.#planRemaking(batch, own)
    }
    for (const one of joined) {
      const own = problems.filter(({ path }) => path === one.file.path)
      await this.#planJoined(one, own)
    }
  }

  async #planJoined(of: JoinedBatches, problems: readonly Problem[]): Promise<void> {
    const { root, holdings } = this.#of
    const readings = readingsOf(root, of)
    const { file } = of
    for (const { range } of readings) {
      const lacks = holdings.lacks(range)
      if (lacks) return this.#leaveFiles(problems, lacks, range)
    }
    const { bytes, crc32 } = await sumOf(holdings, readings, file.day)
    if (bytes !== file.bytes || crc32 !== file.crc32) {
      return this.#leaveFiles(problems, 'the log makes another file of its offsets')
    }
    const detail = `made again from the offsets of ${readings.length} batches in the log`
    const { staged, path, day, events } = file
    const step = { action: 'remake', detail, readings, file: { staged, path, day, events, bytes, crc32 } } as const
    for (const { kind } of problems) this.#steps.push({ ...step, kind, path })
  }

  async #planRemaking(record: FoldedBatch, problems: readonly Pick<Problem, 'kind' | 'path'>[]): Promise<void> {
    const { root, holdings } = this.#of
    const range = rangeOf(record)
    const lacks = holdings.lacks(range)
    if (lacks) return this.#leaveFiles(problems, lacks, range)
    const readAt = Date.parse(record.readAt ?? record.committedAt)
    const made = await remake(holdings, range, readAt, { lake: nowhere(), root, folder: '/' })
    for (const { kind, path } of problems) {
      const file = record.files.find((named) => named.path === path || named.staged === path)!
      const again = made.files.find(({ day }) => day === file.day)
      if (again?.crc32 === file.crc32 && again.bytes === file.bytes) {
        const detail = `made again from offsets ${range.first} to ${range.next - 1} of the log`
        this.#steps.push({ kind, action: 'remake', path: file.path, detail, readings: [{ range, readAt }], file })
      } else {
        const old = record.readAt === undefined ? ' (its record is of an earlier version, which kept less)' : ''
        this.#left.push({ kind, path, why: `the log makes another file of its offsets${old}`, offsets: range })
      }
    }
  }

  /** The last batch waits for the next archiver: nothing keeps it from being published now. */
  async #planPending(): Promise<void> {
    const { lake, root, report } = this.#of
    const waiting = new Set(report.pending)
    for (const { path } of report.problems) waiting.delete(path)
    if (waiting.size === 0) return
    for (const { topicId, partition } of report.partitions) {
      const record = await unlessBroken(() => lastBatch(lake, root, topicId, partition))
      for (const file of record?.files ?? []) {
        if (waiting.has(file.staged)) await this.#planPublishing(record!, file, 'file_unpublished')
      }
    }
  }

  async #planPublishing(record: BatchRecord, file: CommittedFile, kind: ProblemKind): Promise<void> {
    const { path, staged } = file
    const sum = await checksumOf(this.#of.lake, staged)
    if (sum === undefined) return
    if (sum.bytes !== file.bytes || sum.crc32 !== file.crc32) return this.#planRemaking(record, [{ kind, path }])
    this.#steps.push({ kind, action: 'publish', path, from: staged, detail: `committed, but still ${staged}` })
  }

  async #planOther({ kind, path, detail, record }: Problem): Promise<void> {
    if (this.#replaced.has(path)) return
    if (kind === 'file_unpublished') {
      const named = (await this.#read(record!)) as BatchRecord
      return this.#planPublishing(named, named.files.find((file) => file.path === path)!, kind)
    }
    if (kind === 'file_stray') {
      if (this.#kept.has(path)) return
      const needed = this.#mayBeNeeded(path)
      if (needed) this.#left.push({ kind, path, why: needed.why, ...(needed.range && { offsets: needed.range }) })
      else this.#steps.push({ kind, action: 'set_aside', path, detail })
      return
    }
    if (kind === 'entry_unknown') {
      if ((await this.#of.lake.stat(path))?.kind === 'file')
        this.#steps.push({ kind, action: 'set_aside', path, detail })
      else this.#left.push({ kind, path, why: 'a folder: move it away yourself' })
      return
    }
    if (!LOST_RECORD.includes(kind) && !LOST_FILE.includes(kind))
      this.#left.push({ kind, path, why: WHY[kind] ?? NO_WAY })
  }

  /**
   * Why a file that no record names stays all the same: a record that cannot be understood may name it, files that are gone may
   * have been joined to it, or the log can no longer give its offsets, which no record covers.
   */
  #mayBeNeeded(path: string): { why: string; range?: Range } | undefined {
    const { root, report, holdings } = this.#of
    if (report.problems.some(({ kind }) => kind === 'record_unknown_format')) {
      return { why: 'a record of another version may name it' }
    }
    if (report.problems.some(({ kind }) => UNREADABLE.includes(kind))) {
      return { why: 'a checkpoint or manifest that cannot be read may name it' }
    }
    const stray = this.#strays.find((other) => other.path === path)
    if (!stray) return undefined
    const gone = this.#left.find(({ kind, path }) => kind === 'file_missing' && mayHold(root, stray, path))
    if (gone) return { why: `it may hold the lines of ${gone.path}, which is gone` }
    const { partition, first, next } = stray
    for (const { topicId, ...covered } of report.partitions) {
      if (covered.partition !== partition || first < covered.next || !holdings.isOf(topicId)) continue
      const range = { topicId, partition, first, next }
      const why = holdings.lacks(range)
      if (why) return { why, range }
    }
    return undefined
  }

  /** The record of this number; 'unknown' when it is there but cannot be understood. */
  async #neighbour(place: Place, seq: number): Promise<CommitRecord | 'unknown' | undefined> {
    if (seq === 0) return undefined
    try {
      return await this.#read(this.#record(place, seq))
    } catch (error) {
      if (hasCode(error, 'LAKE_NOT_FOUND')) return undefined
      if (hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_UNKNOWN_FORMAT')) return 'unknown'
      throw error
    }
  }

  async #read(path: string): Promise<CommitRecord> {
    this.#of.signal?.throwIfAborted()
    return decodeRecord(await this.#of.lake.read(path), path)
  }

  #record({ topicId, partition }: Place, seq: number): string {
    return `${partitionCommits(this.#of.root, topicId, partition)}/${recordName(seq)}`
  }
}

export function rangeOf({ topicId, partition, first, next }: Range): Range {
  return { topicId, partition, first, next }
}

/** A broken head is reported by `verify` itself. */
async function unlessBroken<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_UNKNOWN_FORMAT')) return undefined
    throw error
  }
}

function placeOf(folder: string): Place {
  const [topicId, partition] = folder.split('/').slice(-2) as [string, string]
  return { topicId, partition: Number(partition.slice(1)) }
}

/** `[from, to]` of each run of numbers that follow each other. */
function runsOf(numbers: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const n of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] === n - 1) last[1] = n
    else runs.push([n, n])
  }
  return runs
}

function told(kind: LostRecord['kind'], first: number, next: number, files: number): string {
  if (kind === 'claim') return 'a claim'
  if (kind === 'void') return `nothing in the lake belongs to it: offsets from ${first} on are read again`
  const from = files > 0 ? `, proven by ${files} of its files and the log` : ', made again from the log'
  return `a batch of offsets ${first} to ${next - 1}${from}`
}
