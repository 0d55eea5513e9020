/**
 * What manifests keep of batches whose records are folded into a checkpoint. Archivers go on folding: what named a file a moment
 * ago, a record or a manifest, may be gone, and the file be in another manifest.
 */
import { newestCheckpoint } from '../archive/checkpoint.ts'
import { baseName, readBatchName, recordSeq } from '../archive/layout.ts'
import { liveFiles, type Manifest, type ManifestEntry, readManifest } from '../archive/manifest.ts'
import type { BatchRecord } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { parentOf } from './path.ts'
import type { JoinedBatches } from './repair-joined.ts'
import type { LakeStorage } from './storage.ts'

/** Enough of a batch to make its files again. */
export type FoldedBatch = Pick<
  BatchRecord,
  'topicId' | 'partition' | 'first' | 'next' | 'committedAt' | 'readAt' | 'files'
>

/** Whether what names a file is a manifest. */
export function isManifest(path: string): boolean {
  return recordSeq(baseName(path)) === undefined
}

/** The folder of the commit log that a record or a manifest is of. */
export function logOf(path: string): string {
  return isManifest(path) ? parentOf(parentOf(path)) : parentOf(path)
}

/**
 * The wanted files that a commit log names in its newest checkpoint, without those that were joined or removed since. Manifests that
 * cannot be read are passed over.
 * @param log its folder
 */
export async function foldedFiles(
  lake: LakeStorage,
  log: string,
  wanted: ReadonlySet<string>,
): Promise<{ topicId: string; partition: number; files: ManifestEntry[] }> {
  const checkpoint = await newestCheckpoint(lake, log)
  const files: ManifestEntry[] = []
  if (!checkpoint) return { topicId: '', partition: 0, files }
  const { seq, topicId, partition, manifests } = checkpoint
  let failed = false
  const linesOf = async function* (manifest: Manifest) {
    try {
      yield* readManifest({ lake, log }, manifest)
    } catch (error) {
      if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND')) throw error
      failed = true
    }
  }
  for await (const file of liveFiles(manifests, linesOf)) if (wanted.has(file.path)) files.push(file)
  // Where the log was folded while it was read, what is gone is in other manifests.
  if (failed && (await newestCheckpoint(lake, log))?.seq !== seq) return foldedFiles(lake, log, wanted)
  return { topicId, partition, files }
}

/** The batches that the wanted files are of, with these files only, and those files that were joined from several. */
export async function foldedBatches(
  lake: LakeStorage,
  root: string,
  log: string,
  wanted: ReadonlySet<string>,
): Promise<{ batches: FoldedBatch[]; joined: JoinedBatches[] }> {
  const { topicId, partition, files } = await foldedFiles(lake, log, wanted)
  const batches = new Map<number, FoldedBatch>()
  const joined: JoinedBatches[] = []
  for (const { seq, first, next, readAt, parts, ...file } of files) {
    // Folded, so it was published: it has no other place.
    const named = { ...file, staged: file.path }
    if (parts) {
      joined.push({ topicId, partition, file: named, parts })
      continue
    }
    const committedAt = new Date(readBatchName(root, file.path)?.at ?? 0).toISOString()
    const batch: FoldedBatch = batches.get(seq) ?? { topicId, partition, first, next, committedAt, readAt, files: [] }
    batch.files.push(named)
    batches.set(seq, batch)
  }
  return { batches: [...batches.values()], joined }
}
