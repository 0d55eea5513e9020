/**
 * Folds a partition's commit log: writes a checkpoint that sums up its records, and removes what nobody needs any more.
 *
 * Only an owner folds, and only records whose files it knows to be published: those before its claim, which it published
 * again, and its own. It may have lost the partition meanwhile without knowing. Then its checkpoint is below those of the
 * owners after it, and it removes nothing: see `removeFolded`.
 */
import { randomUUID } from 'node:crypto'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { retrying } from '../retry.ts'
import { Recent } from '../stats/recent.ts'
import { Totals } from '../stats/totals.ts'
import {
  CHECKPOINT_FORMAT,
  type Checkpoint,
  type EncodedCheckpoint,
  encodeCheckpoint,
  lastFolded,
  newestCheckpoint,
  readCheckpoint,
} from './checkpoint.ts'
import { FileChanges } from './file-changes.ts'
import { readRecord } from './head.ts'
import {
  baseName,
  checkpointName,
  checkpointSeq,
  checkpointsFolder,
  manifestSeq,
  manifestsFolder,
  recordName,
  recordSeq,
} from './layout.ts'
import { type ManifestLine, mergeManifests, writeManifest } from './manifest.ts'
import type { CommitRecord } from './record.ts'

/** Records that one checkpoint adds at most: a lake that never had one is folded in steps, none of them lost to a crash. */
const LARGEST_STEP = 4_096
const READ_AT_ONCE = 8
/** Sampled events that a checkpoint keeps: exact where a minute has no more, and at most some megabytes. */
export const CHECKPOINT_ROWS = { fine: 512, older: 32, all: 16_384 }
const REMOVED_AT_ONCE = 8

export interface FoldOptions {
  lake: LakeStorage
  /** The folder of the partition's commit log. */
  log: string
  /** Where temporary files go: in the staging folder of the owner's fence. */
  staging: string
  /** The owner's. */
  fence: number
  /** Whether nobody has claimed the partition since. */
  isOwner: () => Promise<boolean>
  signal: AbortSignal
  onRetry: (error: MusicFakerError) => void
}

/**
 * Folds the records up to `upTo`, whose files must all be published. May be broken off anywhere and begun again.
 * Resolves with the number of the newest checkpoint, which may be another owner's.
 *
 * @param step as many records a checkpoint adds, at least
 * @throws COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT when a record or a checkpoint cannot be trusted; the signal's reason
 */
export async function fold(options: FoldOptions, upTo: number, step: number): Promise<number> {
  for (let tried = 0; ; ) {
    const base = await retrying(() => newestCheckpoint(options.lake, options.log), options)
    const from = base?.seq ?? 0
    if (upTo - from < step || upTo <= tried) return from
    // What was tried is the base now, unless a damaged checkpoint has its number: then the next one is beyond that.
    const checkpoint = await checkpointAfter(options, base, Math.max(from + LARGEST_STEP, tried + 1), upTo)
    if (!checkpoint) return retrying(() => lastFolded(options.lake, options.log), options)
    await create(options, checkpoint)
    tried = checkpoint.seq
    try {
      await removeFolded(options)
    } catch (error) {
      // The base is damaged, or another owner has folded further: the next fold removes what is left.
      if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND')) throw error
    }
  }
}

/**
 * Undefined when what is to be read is gone, since another owner has folded the log meanwhile. Where all of it could still be
 * read, that one went further all the same, as it owns the log later: then this checkpoint is not the newest, nobody reads
 * it, and the next fold removes it.
 * @param enough the number at which it may end before `upTo`
 */
async function checkpointAfter(
  options: FoldOptions,
  base: Checkpoint | undefined,
  enough: number,
  upTo: number,
): Promise<EncodedCheckpoint | undefined> {
  const from = base?.seq ?? 0
  try {
    const sum = new Sum(base)
    for await (const record of recordsOf(options, from + 1, upTo)) {
      sum.add(record, options.log)
      if (sum.seq >= enough && sum.files.settled) break
    }
    return sum.checkpoint(await manifestsOf(options, base, sum.seq, sum.files.lines()))
  } catch (error) {
    // Also what another owner has removed looks damaged.
    if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND')) throw error
    const newest = await retrying(() => newestCheckpoint(options.lake, options.log), options)
    if (newest?.seq === base?.seq) throw error
    return undefined
  }
}

/** What records come to on top of a checkpoint. */
class Sum {
  /** On top of the base's. */
  readonly files = new FileChanges()
  readonly #base: Checkpoint | undefined
  readonly #totals = new Totals(CHECKPOINT_ROWS)
  readonly #recent = new Recent()
  #last:
    | Pick<CommitRecord, 'topic' | 'topicId' | 'partition' | 'seq' | 'next' | 'fence' | 'owner' | 'committedAt'>
    | undefined

  constructor(base: Checkpoint | undefined) {
    this.#base = base
    this.#last = base
    if (!base) return
    this.#totals.merge(base.totals, `checkpoint ${base.topicId}/p${base.partition}/${base.seq}`)
    this.#recent.merge(base.recent)
  }

  /** @throws COMMIT_CORRUPT when the record is not the one that follows */
  add(record: CommitRecord, log: string): void {
    const last = this.#last
    const follows = record.seq === (last?.seq ?? 0) + 1 && record.first === (last?.next ?? 0)
    const belongs = log.endsWith(`/${record.topicId}/p${record.partition}`)
    const isOwners = record.fence === (record.kind === 'claim' ? record.seq : (last?.fence ?? record.fence))
    if (!follows || !belongs || !isOwners) {
      const detail = `record ${record.seq} of ${log} is not the one that comes after ${last?.seq ?? 0}`
      throw new MusicFakerError('COMMIT_CORRUPT', detail, { next: 'Run: music-faker verify' })
    }
    this.#totals.add(record)
    this.#recent.add(record)
    this.files.add(record)
    const { topic, topicId, partition, seq, next, fence, owner, committedAt } = record
    this.#last = { topic, topicId, partition, seq, next, fence, owner, committedAt }
  }

  get seq(): number {
    return this.#last?.seq ?? 0
  }

  checkpoint(manifests: Checkpoint['manifests']): EncodedCheckpoint {
    if (!this.#last) throw new Error('a checkpoint sums up at least one record')
    const { topic, topicId, partition, seq, next, fence, owner, committedAt } = this.#last
    return {
      ...{ format: CHECKPOINT_FORMAT, topic, topicId, partition, seq, next, fence, owner, committedAt, manifests },
      base: this.#base?.seq ?? 0,
      totals: this.#totals.encode(),
      recent: this.#recent.encode(),
    }
  }
}

/** The records `from` to `to` in order, a few read ahead. */
async function* recordsOf(options: FoldOptions, from: number, to: number): AsyncGenerator<CommitRecord> {
  const reading: Promise<CommitRecord>[] = []
  for (let seq = from; seq <= to || reading.length > 0; ) {
    for (; seq <= to && reading.length < READ_AT_ONCE; seq++) {
      const path = `${options.log}/${recordName(seq)}`
      const record = retrying(() => readRecord(options.lake, path), options)
      // It may fail while an earlier one is awaited; its turn comes.
      record.catch(() => undefined)
      reading.push(record)
    }
    yield await (reading.shift() as Promise<CommitRecord>)
  }
}

/** The base's manifests and one of the files that are new. Writing is repeated from the beginning, under new names. */
function manifestsOf(
  options: FoldOptions,
  base: Checkpoint | undefined,
  to: number,
  files: ManifestLine[],
): Promise<Checkpoint['manifests']> {
  const about = { level: 0, from: (base?.seq ?? 0) + 1, to }
  return retrying(async () => {
    const added = await writeManifest(options, about, files)
    return mergeManifests(options, [...(base?.manifests ?? []), added])
  }, options)
}

/**
 * Where the number is taken, another try of this owner or another owner has summed up the very same records. Should that one be
 * damaged since, it stays.
 */
async function create({ lake, log, staging, ...waits }: FoldOptions, checkpoint: EncodedCheckpoint): Promise<void> {
  const bytes = await encodeCheckpoint(checkpoint)
  await retrying(async () => {
    const temporary = `${staging}/checkpoint-${checkpoint.seq}-${randomUUID()}.json.gz`
    await lake.write(temporary, bytes)
    try {
      await lake.rename(temporary, `${checkpointsFolder(log)}/${checkpointName(checkpoint.seq)}`)
    } catch (error) {
      // Gone where a newer owner has swept the staging of this one.
      if (!hasCode(error, 'LAKE_EXISTS', 'LAKE_NOT_FOUND')) throw error
      await lake.remove(temporary)
    }
  }, waits)
}

/**
 * Removes what the newest checkpoint leaves without use: records up to its base, older checkpoints than that, and manifests
 * up to its base that neither of the two refers to.
 *
 * Whoever may still write a checkpoint from an older base must not miss any of it. Owners before this one cannot write one
 * that is read: theirs are below this owner's fence, which the newest has passed. Who claims after the look at the claims
 * begins with the newest, or a later one. Who has claimed before it may have begun with an older one, and removes it itself.
 */
async function removeFolded(options: FoldOptions): Promise<void> {
  const { lake, log, fence, isOwner } = options
  await retrying(async () => {
    const newest = await newestCheckpoint(lake, log)
    if (!newest || newest.seq < fence || !(await isOwner())) return
    await removeUpTo(lake, log, recordSeq, newest.base)
    await removeUpTo(
      lake,
      checkpointsFolder(log),
      checkpointSeq,
      newest.seq - 1,
      new Set([checkpointName(newest.base)]),
    )
    const base = newest.base === 0 ? undefined : await readCheckpoint(lake, log, newest.base)
    const used = new Set([...newest.manifests, ...(base?.manifests ?? [])].map(({ name }) => name))
    await removeUpTo(lake, manifestsFolder(log), manifestSeq, newest.base, used)
  }, options)
}

/** Removes what is numbered up to `last`, but for the names in `kept`. */
async function removeUpTo(
  lake: LakeStorage,
  folder: string,
  numberOf: (name: string) => number | undefined,
  last: number,
  kept: ReadonlySet<string> = new Set(),
): Promise<void> {
  let removing: Promise<void>[] = []
  for await (const { path } of lake.list(folder)) {
    const seq = numberOf(baseName(path))
    if (seq === undefined || kept.has(baseName(path))) continue
    // Names are in the order of their numbers, and there may be many more.
    if (seq > last) break
    const removed = lake.remove(path)
    // The listing may fail first; then this is not waited for.
    removed.catch(() => undefined)
    removing.push(removed)
    if (removing.length < REMOVED_AT_ONCE) continue
    await Promise.all(removing)
    removing = []
  }
  await Promise.all(removing)
}
