/**
 * The files of a lake as its commit log names them: what is there, published and whole, whatever else lies in the folders.
 * For readers of events other than `verify`, which looks at each name with suspicion.
 */
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { type Checkpoint, checkpointNumbers, newestCheckpoint } from './checkpoint.ts'
import { FileChanges } from './file-changes.ts'
import { readRecord } from './head.ts'
import { baseName, partitionCommits, recordName, recordSeq } from './layout.ts'
import { commitLogs } from './lineages.ts'
import { liveFiles, type Manifest, type ManifestEntry, readManifest } from './manifest.ts'
import type { CommitRecord, CommittedFile, JoinedFile } from './record.ts'

/** How often a partition is begun anew when its commit log is folded further than it has been read. */
const ATTEMPTS = 5
const READ_AT_ONCE = 16

/** A published file of events or, where `day` is null, of quarantined messages. */
export interface LakeFile extends ManifestEntry {
  topicId: string
  partition: number
}

/**
 * Every published file, partition by partition; within one in the order of paths. Reads the newest checkpoint of each
 * partition, its manifests and the records since. What is committed meanwhile may come or not. A file that is being published
 * is left out, as are those that come after it in its partition. Files may be joined into others after they were given here:
 * then they are gone, and another reading gives what they were joined to.
 *
 * Memory: the records since the checkpoint, a few hundred.
 *
 * @param onLeftOut told of the day of each file that is left out, before the files of its partition; null for quarantined messages
 * @throws COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT when a record cannot be trusted; LAKE_FAILED (retryable) when the log is
 *   folded faster than it is read; what the lake throws
 */
export async function* committedFiles(
  lake: LakeStorage,
  root: string,
  onLeftOut?: (day: string | null) => void,
): AsyncGenerator<LakeFile> {
  for await (const { topicId, partition } of commitLogs(lake, root)) {
    for await (const file of filesOf(lake, root, topicId, partition, onLeftOut)) yield { topicId, partition, ...file }
  }
}

/** Those of one partition, as `committedFiles` gives them. Throws as that does. */
export async function* filesOf(
  lake: LakeStorage,
  root: string,
  topicId: string,
  partition: number,
  onLeftOut: (day: string | null) => void = () => undefined,
): AsyncGenerator<ManifestEntry> {
  const log = partitionCommits(root, topicId, partition)
  const { checkpoint, tail } = await readTail(lake, log)
  const changes = new FileChanges()
  for (const record of await published(lake, tail, onLeftOut)) changes.add(record)
  // These are read as if they were one manifest more.
  const since = { name: '' } as Manifest
  yield* liveFiles([...(checkpoint?.manifests ?? []), since], async function* (manifest) {
    if (manifest === since) yield* changes.lines()
    else yield* readManifest({ lake, log }, manifest)
  })
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

/** All records but the last one that moves files, which comes only if all of them are in their place. */
async function published(
  lake: LakeStorage,
  records: readonly CommitRecord[],
  onLeftOut: (day: string | null) => void,
): Promise<readonly CommitRecord[]> {
  // A record other than these is created only after the one before it is published.
  const at = records.findLastIndex(({ kind }) => kind !== 'claim' && kind !== 'stop')
  const last = records[at]
  let files: readonly (CommittedFile | JoinedFile)[] = []
  if (last?.kind === 'batch') files = last.files
  if (last?.kind === 'compaction') files = [last.joined]
  const found = await Promise.all(files.map((file) => lake.stat(file.path)))
  if (found.every((entry, i) => entry?.bytes === files[i]?.bytes)) return records
  for (const { day } of files) onLeftOut(day)
  return records.slice(0, at)
}
