/** Which files are to be made again from the log, and which only have to be published. */
import { lastBatch } from '../archive/head.ts'
import type { BatchRecord, CommitRecord, CommittedFile } from '../archive/record.ts'
import { mayHold } from './repair-compactions.ts'
import { type Draft, LOST_FILE, UNREADABLE, unlessBroken } from './repair-draft.ts'
import { nowhere, type Range, remake } from './repair-files.ts'
import { type FoldedBatch, foldedBatches, isManifest, logOf } from './repair-folded.ts'
import { type JoinedBatches, readingsOf, sumOf } from './repair-joined.ts'
import { checksumOf } from './repair-sums.ts'
import type { Problem, ProblemKind } from './verify-report.ts'

export class FilePlanner {
  readonly #draft: Draft

  constructor(draft: Draft) {
    this.#draft = draft
  }

  /** Adds to the draft what is to be done about files that are gone or damaged. */
  async planLost(): Promise<void> {
    const unreadable = this.#draft.of.report.problems.some(({ kind }) => UNREADABLE.includes(kind))
    const folded = new Map<string, Problem[]>()
    for (const [path, problems] of this.#lostByRecord()) {
      // A file that was joined into another is gone for good: made again, its events would be there twice.
      if (unreadable) {
        this.#draft.leaveFiles(problems, 'a checkpoint or manifest that cannot be read may say that it was joined')
        continue
      }
      const record = isManifest(path) ? undefined : await this.#draft.read(path)
      if (record) await this.#planNamed(record, problems)
      else folded.set(logOf(path), [...(folded.get(logOf(path)) ?? []), ...problems])
    }
    for (const [log, problems] of folded) await this.#planFolded(log, problems)
  }

  /** Files that are to be made again, by the record or manifest that names them. */
  #lostByRecord(): Map<string, Problem[]> {
    const byRecord = new Map<string, Problem[]>()
    for (const problem of this.#draft.of.report.problems) {
      if (!LOST_FILE.includes(problem.kind) || problem.record === undefined) continue
      if (this.#draft.joined.has(problem.path)) continue
      const held = this.#heldBy(problem.path)
      if (held) {
        this.#draft.leaveFiles(
          [problem],
          `${held} may hold its lines, by a record that is lost: restore that from a backup`,
        )
        continue
      }
      byRecord.set(problem.record, [...(byRecord.get(problem.record) ?? []), problem])
    }
    return byRecord
  }

  /** A file that no record names and that stays: with this one made again, its events could be there twice. */
  #heldBy(path: string): string | undefined {
    return this.#draft.strays.find(
      (stray) => this.#draft.kept.has(stray.path) && mayHold(this.#draft.of.root, stray, path),
    )?.path
  }

  /** @param record that names the files */
  async #planNamed(record: CommitRecord, problems: readonly Problem[]): Promise<void> {
    if (record.kind === 'batch') return this.#planRemaking(record, problems)
    if (record.kind !== 'compaction' && record.kind !== 'void') return
    const { topicId, partition, joined } = record
    const { parts, path, ...sums } = joined
    await this.#planJoined({ topicId, partition, file: { ...sums, path, staged: path }, parts }, problems)
  }

  /** Their records are folded: what is left of them is in a manifest, of the log in this folder. */
  async #planFolded(log: string, problems: readonly Problem[]): Promise<void> {
    const { lake, root } = this.#draft.of
    const { batches, joined } = await foldedBatches(lake, root, log, new Set(problems.map(({ path }) => path)))
    const of = (files: readonly CommittedFile[]) =>
      problems.filter(({ path }) => files.some((file) => file.path === path))
    for (const batch of batches) await this.#planRemaking(batch, of(batch.files))
    for (const one of joined) await this.#planJoined(one, of([one.file]))
    const named = new Set(of([...batches.flatMap(({ files }) => files), ...joined.map(({ file }) => file)]))
    this.#draft.leaveUnnamed(problems.filter((problem) => !named.has(problem)))
  }

  async #planJoined(of: JoinedBatches, problems: readonly Problem[]): Promise<void> {
    const { root, holdings } = this.#draft.of
    const readings = readingsOf(root, of)
    const { file } = of
    for (const { range } of readings) {
      const lacks = holdings.lacks(range)
      if (lacks) return this.#draft.leaveFiles(problems, lacks, range)
    }
    const { bytes, crc32 } = await sumOf(holdings, readings, file.day)
    if (bytes !== file.bytes || crc32 !== file.crc32) {
      return this.#draft.leaveFiles(problems, 'the log makes another file of its offsets')
    }
    const detail = `made again from the offsets of ${readings.length} batches in the log`
    const { staged, path, day, events } = file
    const step = { action: 'remake', detail, readings, file: { staged, path, day, events, bytes, crc32 } } as const
    for (const { kind } of problems) this.#draft.steps.push({ ...step, kind, path })
  }

  async #planRemaking(record: FoldedBatch, problems: readonly Pick<Problem, 'kind' | 'path'>[]): Promise<void> {
    const { root, holdings } = this.#draft.of
    const range = rangeOf(record)
    const lacks = holdings.lacks(range)
    if (lacks) return this.#draft.leaveFiles(problems, lacks, range)
    const readAt = Date.parse(record.readAt ?? record.committedAt)
    const made = await remake(holdings, range, readAt, { lake: nowhere(), root, folder: '/' })
    for (const { kind, path } of problems) {
      const file = record.files.find((named) => named.path === path || named.staged === path)!
      const again = made.files.find(({ day }) => day === file.day)
      if (again?.crc32 === file.crc32 && again.bytes === file.bytes) {
        const detail = `made again from offsets ${range.first} to ${range.next - 1} of the log`
        this.#draft.steps.push({ kind, action: 'remake', path: file.path, detail, readings: [{ range, readAt }], file })
      } else {
        const old = record.readAt === undefined ? ' (its record is of an earlier version, which kept less)' : ''
        this.#draft.left.push({ kind, path, why: `the log makes another file of its offsets${old}`, offsets: range })
      }
    }
  }

  /** Adds the files of last batches, which wait for the next archiver: nothing keeps them from being published now. */
  async planPending(): Promise<void> {
    const { lake, root, report } = this.#draft.of
    const waiting = new Set(report.pending)
    for (const { path } of report.problems) waiting.delete(path)
    if (waiting.size === 0) return
    for (const { topicId, partition } of report.partitions) {
      const record = await unlessBroken(() => lastBatch(lake, root, topicId, partition))
      for (const file of record?.files ?? []) {
        if (waiting.has(file.staged)) await this.planPublishing(record!, file, 'file_unpublished')
      }
    }
  }

  /** Adds that a committed file is to be published from staging, or made again where what waits there is not it. */
  async planPublishing(record: BatchRecord, file: CommittedFile, kind: ProblemKind): Promise<void> {
    const { path, staged } = file
    const sum = await checksumOf(this.#draft.of.lake, staged)
    if (sum === undefined) return
    if (sum.bytes !== file.bytes || sum.crc32 !== file.crc32) return this.#planRemaking(record, [{ kind, path }])
    this.#draft.steps.push({ kind, action: 'publish', path, from: staged, detail: `committed, but still ${staged}` })
  }
}

function rangeOf({ topicId, partition, first, next }: Range): Range {
  return { topicId, partition, first, next }
}
