import { type Checkpoint, checkpointNumbers, lastFolded, newestCheckpoint } from '../archive/checkpoint.ts'
import {
  baseName,
  checkpointName,
  checkpointsFolder,
  commitsFolder,
  manifestsFolder,
  partitionCommits,
  partitionNumber,
  recordName,
  recordSeq,
} from '../archive/layout.ts'
import { liveFiles, type Manifest, type ManifestEntry, type ManifestLine, readManifest } from '../archive/manifest.ts'
import { type CommitRecord, type CommittedFile, decodeRecord, fileChange, quarantinedCount } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { compareNames } from './path.ts'
import type { LakeStorage } from './storage.ts'
import { type Place, RecordChain } from './verify-chain.ts'
import type { Findings } from './verify-report.ts'

/** Records read at once: one takes two round trips in HDFS. */
const READ_AT_ONCE = 16
/** Numbers of a hole that are looked for one by one. */
const HOLE_LOOKED_INTO = 100

/** A file, and the record or manifest that names it. `staged` is known only while its record is. */
export interface Named {
  file: Omit<CommittedFile, 'staged'> & { staged?: string | undefined }
  record: string
}

/** Files that a record or manifest brings, and paths that it takes away: those files were joined into others. */
export interface Change {
  record: string
  come: readonly Named['file'][]
  gone: readonly string[]
}

/** The last record that is no claim: whether its files are in their place is not certain yet. */
export interface OpenRecord {
  record: CommitRecord
  path: string
}

/**
 * The commit logs in a lake, by lineage and partition number. Other things beside them are reported.
 * @param known logs found before: they keep their positions
 */
export async function findLogs(
  lake: LakeStorage,
  root: string,
  findings: Findings,
  known: readonly PartitionLog[] = [],
): Promise<PartitionLog[]> {
  const logs: PartitionLog[] = []
  for await (const lineage of lake.list(commitsFolder(root))) {
    const topicId = baseName(lineage.path)
    if (lineage.kind === 'file') findings.add('entry_unknown', lineage.path, 'not the folder of a lineage')
    for await (const { path, kind } of lake.list(lineage.path)) {
      const partition = partitionNumber(baseName(path))
      if (kind === 'file' || partition === undefined) {
        findings.add('entry_unknown', path, 'not the folder of a partition')
        continue
      }
      const log = known.find(({ place }) => place.topicId === topicId && place.partition === partition)
      logs.push(log ?? new PartitionLog(lake, { root, topicId, partition }, findings))
    }
  }
  return logs.sort((a, b) => compareNames(a.place.topicId, b.place.topicId) || a.place.partition - b.place.partition)
}

/** The log was folded further while it was read, and what was to be read next is gone: look again. */
export class Superseded extends Error {}

/**
 * The commit log of one partition, which may be growing, and be folded, while it is read.
 *
 * A record is *settled* once a later one other than a claim exists: that one was created after its files were in their
 * place. A claim proves nothing: its owner may have died before it finished publishing. What is folded is settled. A
 * compaction with a void after it never took place.
 */
export class PartitionLog {
  readonly chain: RecordChain
  /** The last record, while it is not settled. */
  open: OpenRecord | undefined
  readonly #lake: LakeStorage
  readonly #findings: Findings
  readonly #folder: string
  /** The number of the last record read; undefined before the first look. */
  #seq: number | undefined
  /** The number from which on records were not settled at the end of the first reading. */
  #settledBefore = 0

  constructor(lake: LakeStorage, place: Place, findings: Findings) {
    this.#lake = lake
    this.#findings = findings
    this.#folder = partitionCommits(place.root, place.topicId, place.partition)
    this.chain = new RecordChain(place, findings)
  }

  get place(): Place {
    return this.chain.place
  }

  /**
   * Reads on from the last record, at first from the newest checkpoint: checks each, and gives what the records that are
   * settled by it say of files.
   * @param missed paths that were given and not found: where the log was folded past them, those that are in no manifest
   *   any more are given as gone
   * @throws Superseded
   */
  async *advance(onRecord: () => void, missed?: ReadonlyMap<string, { record: string }>): AsyncGenerator<Change> {
    if (this.#seq === undefined) yield* this.#begin()
    else if ((await this.#removedUpTo()) > this.#seq) yield* this.#begin(this.open?.record.seq ?? this.#seq + 1, missed)
    const before = this.#seq ?? 0
    for await (const { seq, path, record, failure } of this.#steps(before, this.#findings)) {
      if (failure && (await this.#isFolded(seq))) throw new Superseded()
      this.#seq = seq
      onRecord()
      if (failure) this.#findings.add(failure.kind, path, failure.detail)
      if (record) this.chain.accept(record, seq, path)
      else this.chain.skip()
      // A record that cannot be read may be a claim: it settles nothing.
      if (record === undefined || record.kind === 'claim' || record.kind === 'stop') continue
      yield* changesOf(this.open, record)
      this.open = { record, path }
      this.#settledBefore = seq
    }
    // Records that were removed meanwhile may have been replaced by anything.
    if ((this.#seq ?? 0) > before && (await this.#removedUpTo()) > before) throw new Superseded()
  }

  /**
   * Gives again, without checking, what the first `advance` gave, and perhaps later ones that are settled.
   * @throws Superseded
   */
  async *again(): AsyncGenerator<Change> {
    const checkpoint = await newestCheckpoint(this.#lake, this.#folder)
    if (checkpoint)
      for await (const { file, record } of this.#filesOf(checkpoint)) yield { record, come: [file], gone: [] }
    let open: OpenRecord | undefined
    for await (const { seq, path, record } of this.#steps(checkpoint?.seq ?? 0)) {
      if (record && record.kind !== 'claim' && record.kind !== 'stop') {
        yield* changesOf(open, record)
        open = { record, path }
      }
      if (seq >= this.#settledBefore) break
    }
    if ((await this.#removedUpTo()) > (checkpoint?.seq ?? 0)) throw new Superseded()
  }

  /** @param from files that records before this number named are left out: they were given before */
  async *#begin(from = 0, missed: ReadonlyMap<string, { record: string }> = new Map()): AsyncGenerator<Change> {
    const checkpoint = await newestCheckpoint(this.#lake, this.#folder, (path, { message }) => {
      this.#findings.add('checkpoint_corrupt', path, message)
    })
    this.#seq = checkpoint?.seq ?? 0
    if (!checkpoint) return
    this.#settledBefore = checkpoint.seq + 1
    this.open = undefined
    const own = [...missed].filter(([, { record }]) => record.startsWith(`${this.#folder}/`))
    const gone = new Set(own.map(([path]) => path))
    const path = `${checkpointsFolder(this.#folder)}/${checkpointName(checkpoint.seq)}`
    this.chain.begin(checkpoint, path)
    const held = { files: 0, bytes: 0, events: 0, quarantined: 0 }
    for await (const { file, record } of this.#filesOf(checkpoint)) {
      const { day, events, bytes } = file
      gone.delete(file.path)
      held.files++
      held.bytes += bytes
      held[day === null ? 'quarantined' : 'events'] += events
      if (file.seq >= from) yield { record, come: [file], gone: [] }
    }
    yield { record: path, come: [], gone: [...gone] }
    const { files, bytes, events, removed } = checkpoint.totals
    const quarantined = quarantinedCount(checkpoint.totals) - removed.quarantined
    const says = { files, bytes, events: events - removed.events, quarantined }
    for (const name of ['files', 'bytes', 'events', 'quarantined'] as const) {
      if (held[name] === says[name]) continue
      const detail = `its manifests name ${held[name]} ${name}, not ${says[name]}`
      this.#findings.add('checkpoint_inconsistent', path, detail)
    }
  }

  async *#filesOf({ manifests }: Checkpoint): AsyncGenerator<{ file: ManifestEntry; record: string }> {
    for await (const { record, ...file } of liveFiles(manifests, (manifest) => this.#linesOf(manifest))) {
      yield { file, record }
    }
  }

  async *#linesOf(manifest: Manifest): AsyncGenerator<ManifestLine & { record: string }> {
    const record = `${manifestsFolder(this.#folder)}/${manifest.name}`
    try {
      for await (const line of readManifest({ lake: this.#lake, log: this.#folder }, manifest))
        yield { ...line, record }
    } catch (error) {
      if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND')) throw error
      if ((await this.#newestManifests()).every(({ name }) => name !== manifest.name)) throw new Superseded()
      this.#findings.add('manifest_corrupt', record, error.message)
    }
  }

  async #newestManifests(): Promise<Manifest[]> {
    return (await newestCheckpoint(this.#lake, this.#folder))?.manifests ?? []
  }

  async #isFolded(seq: number): Promise<boolean> {
    return (await lastFolded(this.#lake, this.#folder)) >= seq
  }

  /** Records up to this number may be gone. */
  async #removedUpTo(): Promise<number> {
    return (await checkpointNumbers(this.#lake, this.#folder)).at(-2) ?? 0
  }

  #steps(after: number, findings?: Findings): AsyncGenerator<Step> {
    return readAhead(this.#numbers(after, findings), READ_AT_ONCE, (number) => this.#read(number))
  }

  /**
   * The numbers after `after` up to the last record. Those that the listing lacks are looked for all the same: a folder
   * that is being added to may show a later name before an earlier one.
   */
  async *#numbers(after: number, findings?: Findings): AsyncGenerator<RecordNumber> {
    let expected = after + 1
    for await (const { path, kind } of this.#lake.list(this.#folder, after > 0 ? { after: recordName(after) } : {})) {
      const seq = recordSeq(baseName(path))
      if (path === checkpointsFolder(this.#folder) || path === manifestsFolder(this.#folder)) continue
      if (kind === 'directory' || seq === undefined || seq < 1 || !Number.isSafeInteger(seq)) {
        // Names that sort after the numbers come with every listing; findings are kept once.
        findings?.add('entry_unknown', path, 'not a commit record')
        continue
      }
      const lookedInto = Math.min(seq, expected + HOLE_LOOKED_INTO)
      for (; expected < lookedInto; expected++) yield { seq: expected }
      if (expected < seq) yield { seq: seq - 1, hole: `missing, like all from ${expected} on` }
      yield { seq }
      expected = seq + 1
    }
  }

  async #read({ seq, hole }: RecordNumber): Promise<Step> {
    const path = `${this.#folder}/${recordName(seq)}`
    if (hole !== undefined) return { seq, path, failure: { kind: 'record_missing', detail: hole } }
    try {
      return { seq, path, record: decodeRecord(await this.#lake.read(path), path) }
    } catch (error) {
      if (hasCode(error, 'LAKE_NOT_FOUND')) {
        return { seq, path, failure: { kind: 'record_missing', detail: 'missing, though a later record is there' } }
      }
      if (hasCode(error, 'COMMIT_CORRUPT'))
        return { seq, path, failure: { kind: 'record_corrupt', detail: error.message } }
      if (hasCode(error, 'COMMIT_UNKNOWN_FORMAT')) {
        return { seq, path, failure: { kind: 'record_unknown_format', detail: error.message } }
      }
      throw error
    }
  }
}

interface RecordNumber {
  seq: number
  /** Set where the number stands for a hole too large to look into. */
  hole?: string
}

interface Step {
  seq: number
  path: string
  record?: CommitRecord
  failure?: { kind: 'record_missing' | 'record_corrupt' | 'record_unknown_format'; detail: string }
}

/** What a record says of files once another has come after it. */
function* changesOf(settled: OpenRecord | undefined, next: CommitRecord): Generator<Change> {
  if (!settled || (settled.record.kind === 'compaction' && next.kind === 'void')) return
  const change = fileChange(settled.record)
  if (change) yield { record: settled.path, ...change }
}

/** Loads the items of a source, several at once, and gives the results in the source's order. */
async function* readAhead<T, R>(
  source: AsyncIterable<T>,
  atOnce: number,
  load: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const loading: Promise<R>[] = []
  for await (const item of source) {
    const result = load(item)
    // It may fail while an earlier one is awaited; its turn comes.
    result.catch(() => undefined)
    loading.push(result)
    if (loading.length >= atOnce) yield loading.shift() as Promise<R>
  }
  yield* loading
}
