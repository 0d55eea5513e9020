/**
 * The files of a lake as its commit log names them: what is there, published and whole, whatever else lies in the folders.
 * For readers of events other than `verify`, which looks at each name with suspicion.
 */
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { type Checkpoint, checkpointNumbers, newestCheckpoint } from './checkpoint.ts'
import { readRecord } from './head.ts'
import { baseName, commitsFolder, partitionCommits, partitionNumber, recordName, recordSeq } from './layout.ts'
import { type ManifestEntry, readManifest } from './manifest.ts'
import type { CommitRecord } from './record.ts'

/** How often a partition is begun anew when its commit log is folded further than it has been read. */
const ATTEMPTS = 5
const READ_AT_ONCE = 16

/** A published file of events or, where `day` is null, of quarantined messages. */
export interface LakeFile extends ManifestEntry {
  topicId: string
  partition: number
}

/**
 * Every published file, partition by partition; within one in no order that may be relied on. Reads the newest checkpoint
 * of each partition, its manifests and the records since. What is committed meanwhile may come or not. A file that is being
 * published is left out, as are those that come after it in its partition.
 *
 * Memory: the records since the checkpoint, a few hundred.
 *
 * @throws COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT when a record cannot be trusted; LAKE_FAILED (retryable) when the log is
 *   folded faster than it is read; what the lake throws
 */
export async function* committedFiles(lake: LakeStorage, root: string): AsyncGenerator<LakeFile> {
  for await (const lineage of lake.list(commitsFolder(root))) {
    if (lineage.kind === 'file') continue
    const topicId = baseName(lineage.path)
    for await (const { path } of lake.list(lineage.path)) {
      const partition = partitionNumber(baseName(path))
      if (partition !== undefined) yield* filesOf(lake, root, topicId, partition)
    }
  }
}

async function* filesOf(lake: LakeStorage, root: string, topicId: string, partition: number): AsyncGenerator<LakeFile> {
  const log = partitionCommits(root, topicId, partition)
  const { checkpoint, tail } = await readTail(lake, log)
  for (const manifest of checkpoint?.manifests ?? []) {
    for await (const entry of readManifest({ lake, log }, manifest)) yield { topicId, partition, ...entry }
  }
  for (const entry of await published(lake, tail)) yield { topicId, partition, ...entry }
}

/** The newest checkpoint and the records after it, which count only if none of them was removed while they were read. */
async function readTail(lake: LakeStorage, log: string): Promise<{ checkpoint?: Checkpoint; tail: CommitRecord[] }> {
  for (let attempt = 1; ; attempt++) {
    const checkpoint = await newestCheckpoint(lake, log)
    const base = checkpoint?.seq ?? 0
    const outcome = await recordsAfter(lake, log, base).catch((error: unknown) => ({ error }))
    const removedUpTo = (await checkpointNumbers(lake, log)).at(-2) ?? 0
    if (removedUpTo <= base) {
      if ('error' in outcome) throw outcome.error
      return { ...(checkpoint && { checkpoint }), tail: outcome }
    }
    if (attempt === ATTEMPTS) {
      throw new MusicFakerError('LAKE_FAILED', `the commit log ${log} is folded faster than it can be read`)
    }
  }
}

async function recordsAfter(lake: LakeStorage, log: string, base: number): Promise<CommitRecord[]> {
  const numbers: number[] = []
  for await (const { path } of lake.list(log, base > 0 ? { after: recordName(base) } : {})) {
    const seq = recordSeq(baseName(path))
    if (seq !== undefined && seq > base) numbers.push(seq)
  }
  const records: CommitRecord[] = []
  // A folder that is being added to may show a later name before an earlier one, so each number is looked for.
  const last = numbers.at(-1) ?? base
  for (let seq = base + 1; seq <= last; seq += READ_AT_ONCE) {
    const lot = Array.from(
      { length: Math.min(READ_AT_ONCE, last - seq + 1) },
      (_, i) => `${log}/${recordName(seq + i)}`,
    )
    records.push(...(await Promise.all(lot.map((path) => readRecord(lake, path)))))
  }
  return records
}

/** The files of all records but those of the last batch, which come only if all of them are in their place. */
async function published(lake: LakeStorage, records: readonly CommitRecord[]): Promise<ManifestEntry[]> {
  const batches = records.filter((record) => record.kind === 'batch')
  const lastReal = records.findLast((record) => record.kind !== 'claim')
  const last = batches.at(-1)
  // A record other than a claim is created only after the one before it is published.
  if (last && last === lastReal) {
    const found = await Promise.all(last.files.map((file) => lake.stat(file.path)))
    if (found.some((entry, i) => entry?.bytes !== last.files[i]?.bytes)) batches.pop()
  }
  return batches.flatMap(({ seq, first, next, readAt, files }) =>
    files.map(({ path, day, events, bytes, crc32 }) => ({
      ...{ path, day, seq, first, next, events, bytes, crc32 },
      ...(readAt !== undefined && { readAt }),
    })),
  )
}
