/**
 * Proves from the lake alone that it holds every offset once: the records of each partition tile `[0, next)`, every file
 * they name is there, and no other file is where readers look.
 *
 * Archivers may be at work meanwhile, so the order of looking matters:
 *
 *   1. Read the commit logs. A batch that is settled (see PartitionLog) was published before its successor was created,
 *      so all its files were in place before step 2 begins: one that the listing lacks is missing, or joined into another
 *      since.
 *   2. List the folders, each once, and strike out what was found. Names left over are suspects.
 *   3. Read on in the logs. A file is published after its record was created, so whatever the listing saw is named by
 *      now: a suspect that is not, and is still there, is stray. A file goes after the record that joins it was created, so
 *      one that was not found and that no record joins is missing. Files of records that came since step 1, and those of
 *      the last one, are looked for one by one; those of the last batch may also still be in staging.
 *
 * Memory: about 200 bytes for each file of at most 200,000, plus the suspects of a damaged lake. A larger lake is checked
 * in several rounds of steps 1 and 2, each over as many days as fit; a single day is not divided.
 */
import {
  asideFolder,
  baseName,
  dayOf,
  laterName,
  quarantineFolder,
  recordSeq,
  stagingFolder,
} from '../archive/layout.ts'
import { type CommittedFile, type CompactionRecord, decodeRecord, fileChange } from '../archive/record.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import { parentOf } from './path.ts'
import type { LakeStorage } from './storage.ts'
import { checkContent, ExpectedFiles, filesBelow, filesOfLake, joinState, locate } from './verify-files.ts'
import { type Change, findLogs, type Named, type OpenRecord, type PartitionLog, Superseded } from './verify-records.ts'
import { Findings, type PartitionReport, sumCounts, type VerifyProgress, type VerifyReport } from './verify-report.ts'

export type { PartitionReport, Problem, ProblemKind, VerifyProgress, VerifyReport } from './verify-report.ts'
export { PROBLEM_KINDS } from './verify-report.ts'

const FILES_HELD = 200_000
/** How often it begins anew when the commit log is folded further than it has read. */
const ATTEMPTS = 5

export interface VerifyOptions {
  lake: LakeStorage
  /** The folder of the topic, such as `/music_events`. */
  root: string
  /** Also read the files: checksum and number of lines. */
  deep?: boolean
  /** With `deep`: of the files, this share, 0 to 1, chosen by chance anew each time. */
  sample?: number | undefined
  /** With `deep`: files of this UTC day and later only, YYYY-MM-DD. */
  from?: string | undefined
  /** Called often; throttle what it does. */
  onProgress?: (progress: VerifyProgress) => void
  signal?: AbortSignal
  /** Files that are held in memory at once. */
  filesHeld?: number
}

/**
 * Checks a lake. What is wrong with it is in the report; a lake without records or files is in order.
 * @throws LAKE_UNREACHABLE and the like when the lake cannot be read; the signal's reason
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await new Verification(options).run()
    } catch (error) {
      if (!(error instanceof Superseded)) throw error
      if (attempt === ATTEMPTS) {
        const message = `the commit logs of ${options.root} are folded faster than they can be read`
        throw new MusicFakerError('LAKE_FAILED', message)
      }
    }
  }
}

interface Missed {
  /** What names it. */
  record: string
  bytes: number
  /** It was looked for by name, in vain. */
  twice: boolean
  /** The compaction that makes it, if that is the last record. */
  joining?: CompactionRecord
}

class Verification {
  readonly #options: VerifyOptions
  readonly #lake: LakeStorage
  readonly #findings = new Findings()
  readonly #progress: VerifyProgress = { records: 0, files: 0, bytes: 0, day: undefined, problems: 0 }
  readonly #read = { files: 0, bytes: 0 }
  /** Files in the lake that no record has named so far. */
  readonly #suspects = new Set<string>()
  readonly #pending = new Set<string>()
  /** Files that were not found, by path, while it is not certain that they should have been. */
  readonly #missed = new Map<string, Missed>()
  /** Of records that came since the listing, by path. */
  readonly #late = new Map<string, Named>()
  /** Paths that were told of as missing. */
  readonly #reported = new Set<string>()

  constructor(options: VerifyOptions) {
    this.#options = options
    this.#lake = options.lake
  }

  async run(): Promise<VerifyReport> {
    const { root, deep = false } = this.#options
    let logs = await findLogs(this.#lake, root, this.#findings)
    let expected = await this.#readLogs(logs)
    await this.#compare(expected)
    while (expected.end !== undefined) {
      expected = await this.#readLogsAgain(logs, expected.end)
      await this.#compare(expected)
    }
    // A partition may have come meanwhile, or another lineage.
    logs = await findLogs(this.#lake, root, this.#findings, logs)
    await this.#finish(logs)
    const staged = await this.#count(stagingFolder(root))
    const aside = await this.#count(asideFolder(root))
    const partitions = logs.map(reportOf)
    return {
      ok: this.#findings.count === 0,
      root,
      deep,
      read: this.#read,
      ...sumCounts(partitions),
      partitions,
      problems: this.#findings.problems,
      problemCount: this.#findings.count,
      pending: [...this.#pending],
      staged,
      aside,
    }
  }

  /** Step 1. */
  async #readLogs(logs: PartitionLog[]): Promise<ExpectedFiles> {
    const expected = this.#expect('')
    for (const log of logs) {
      for await (const change of log.advance(() => this.#recordRead())) {
        this.#noteExpected(expected, change)
      }
    }
    return expected
  }

  async #readLogsAgain(logs: PartitionLog[], from: string): Promise<ExpectedFiles> {
    const expected = this.#expect(from)
    for (const log of logs) {
      for await (const change of log.again()) {
        this.#options.signal?.throwIfAborted()
        this.#noteExpected(expected, change)
      }
    }
    return expected
  }

  /** Step 2. */
  async #compare(expected: ExpectedFiles): Promise<void> {
    const { root } = this.#options
    for await (const { path, bytes } of filesOfLake(this.#lake, root, (folder) => expected.covers(folder))) {
      if (!expected.covers(parentOf(path))) continue
      const file = expected.take(path)
      this.#options.signal?.throwIfAborted()
      if (!file) {
        this.#suspects.add(path)
        continue
      }
      this.#checkLength(path, bytes, file.bytes, file.record)
      this.#progress.day = path.startsWith(quarantineFolder(root)) ? undefined : dayOf(path)
      await this.#check(path, bytes, file)
    }
    this.#progress.day = undefined
    for (const { path, bytes, record } of expected.rest()) this.#missed.set(path, { record, bytes, twice: false })
  }

  /**
   * Step 3, again until nothing is left that may have been joined into another file between two looks: what was not found
   * counts as missing only if the log, read after that, does not say so.
   */
  async #finish(logs: PartitionLog[]): Promise<void> {
    do {
      for (const log of logs) {
        for await (const change of log.advance(() => this.#recordRead(), this.#missed)) this.#noteLate(change)
      }
      const before = [...this.#missed]
      for (const { open } of logs) if (open) await this.#lookForOpen(open)
      for (const [path, missed] of before) if (this.#missed.get(path) === missed) await this.#lookAgain(path, missed)
      for (const named of this.#late.values()) await this.#lookFor(named, false)
      this.#late.clear()
    } while (this.#missed.size > 0)
    for (const path of this.#suspects) {
      if (await this.#lake.stat(path)) this.#findings.add('file_stray', path, 'no commit record names this file')
    }
  }

  #noteLate({ record, come, gone }: Change): void {
    for (const path of gone) {
      this.#missed.delete(path)
      this.#late.delete(path)
    }
    for (const file of come) {
      this.#suspects.delete(file.path)
      this.#late.set(file.path, { file, record })
    }
  }

  /** A second time in vain: it is missing. The first look may be at one of many pages of a listing. */
  async #lookAgain(path: string, missed: Missed): Promise<void> {
    const { record, bytes, twice, joining } = missed
    if (joining) return this.#lookAgainForJoined(path, record, joining)
    const there = await this.#lake.stat(path)
    if (!there && !twice) {
      missed.twice = true
      return
    }
    this.#missed.delete(path)
    if (there) return this.#checkLength(path, there.bytes, bytes, record)
    this.#reported.add(path)
    const file = await this.#fileOf(record, path)
    if (file && (await this.#lake.stat(file.staged))) this.#reportUnpublished(file, record)
    else this.#findings.add('file_missing', path, `named by ${record}`, record)
  }

  async #lookAgainForJoined(path: string, record: string, joining: CompactionRecord): Promise<void> {
    this.#missed.delete(path)
    if ((await joinState(this.#lake, joining)) !== 'broken') return
    this.#reported.add(path)
    const detail = `neither it nor all of the files that ${record} joins are there`
    this.#findings.add('file_missing', path, detail, record)
  }

  async #lookForOpen({ record, path }: OpenRecord): Promise<void> {
    if (record.kind === 'compaction') return this.#lookForJoined(record, path)
    for (const file of fileChange(record)?.come ?? []) await this.#lookFor({ file, record: path }, true)
    for (const gone of fileChange(record)?.gone ?? []) this.#missed.delete(gone)
  }

  /** It may be under way: then neither the files nor what they are joined to are missing or too many. */
  async #lookForJoined(record: CompactionRecord, path: string): Promise<void> {
    const { joined, files } = record
    const state = await joinState(this.#lake, record)
    for (const other of [joined.path, laterName(files[0]?.path ?? '')]) this.#suspects.delete(other)
    for (const file of files) {
      this.#missed.delete(file.path)
      this.#late.delete(file.path)
    }
    if (state === 'broken') return this.#miss(joined.path, { record: path, bytes: joined.bytes, joining: record })
    if (state === 'done') await this.#lookFor({ file: joined, record: path }, true)
    else this.#pending.add(joined.staged ?? joined.path)
  }

  async #lookFor(named: Named, mayBePending: boolean): Promise<void> {
    const { file, record } = named
    this.#suspects.delete(file.path)
    const found = await locate(this.#lake, file)
    if (!found) return this.#miss(file.path, { record, bytes: file.bytes })
    this.#checkLength(found.path, found.bytes, file.bytes, record)
    if (found.path === file.staged) {
      if (mayBePending) this.#pending.add(file.staged)
      else this.#reportUnpublished(file, record)
    }
    await this.#check(found.path, found.bytes, { ...file, record })
  }

  #miss(path: string, missed: Omit<Missed, 'twice'>): void {
    if (!this.#reported.has(path) && !this.#missed.has(path)) this.#missed.set(path, { ...missed, twice: true })
  }

  /** What the record says of a file; undefined where that is a manifest, or folded by now. */
  async #fileOf(record: string, path: string): Promise<CommittedFile | undefined> {
    if (recordSeq(baseName(record)) === undefined) return undefined
    try {
      const decoded = decodeRecord(await this.#lake.read(record), record)
      return decoded.kind === 'batch' ? decoded.files.find((file) => file.path === path) : undefined
    } catch (error) {
      if (hasCode(error, 'LAKE_NOT_FOUND')) return undefined
      throw error
    }
  }

  #reportUnpublished(file: Named['file'], record: string): void {
    const detail = `still ${file.staged}, though ${record} is not the last batch`
    this.#findings.add('file_unpublished', file.path, detail, record)
  }

  #checkLength(path: string, found: number, expected: number, record: string): void {
    if (found !== expected)
      this.#findings.add('file_length', path, `${found} bytes, ${record} says ${expected}`, record)
  }

  /** What a file holds, if it is among those that are read. */
  async #check(at: string, bytes: number, expected: Parameters<typeof checkContent>[2]): Promise<void> {
    if (!this.#isRead(at)) return this.#checked(bytes)
    const read = await checkContent(this.#lake, at, expected, this.#findings, this.#options.signal)
    this.#read.files++
    this.#read.bytes += read
    this.#checked(read)
  }

  #isRead(path: string): boolean {
    const { deep = false, sample = 1, from } = this.#options
    return deep && (from === undefined || (dayOf(path) ?? from) >= from) && (sample === 1 || Math.random() < sample)
  }

  async #count(folder: string): Promise<VerifyReport['staged']> {
    const count = { files: 0, bytes: 0 }
    for await (const { path, bytes } of filesBelow(this.#lake, folder, () => true)) {
      if (this.#pending.has(path)) continue
      count.files++
      count.bytes += bytes
    }
    return count
  }

  #noteExpected(expected: ExpectedFiles, { record, come, gone }: Change): void {
    for (const path of gone) {
      if (!expected.replace(path))
        this.#findings.add('record_inconsistent', record, `joins ${path}, which no record names`)
    }
    for (const file of come) {
      if (!expected.add({ file, record })) this.#findings.add('file_named_twice', file.path, `again by ${record}`)
    }
  }

  #expect(from: string): ExpectedFiles {
    return new ExpectedFiles(from, this.#options.filesHeld ?? FILES_HELD)
  }

  #recordRead(): void {
    this.#progress.records++
    this.#report()
  }

  #checked(bytes: number): void {
    this.#progress.files++
    this.#progress.bytes += bytes
    this.#report()
  }

  #report(): void {
    this.#options.signal?.throwIfAborted()
    this.#options.onProgress?.({ ...this.#progress, problems: this.#findings.count })
  }
}

function reportOf({ place: { topicId, partition }, chain }: PartitionLog): PartitionReport {
  return { topicId, partition, next: chain.next, ...chain.counts }
}
