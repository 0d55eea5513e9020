/** What manifests keep of batches whose records are folded into a checkpoint. */
import { newestCheckpoint } from '../archive/checkpoint.ts'
import { baseName, readBatchName } from '../archive/layout.ts'
import { readManifest } from '../archive/manifest.ts'
import type { BatchRecord } from '../archive/record.ts'
import { parentOf } from './path.ts'
import type { LakeStorage } from './storage.ts'

/** Enough of a batch to make its files again. */
export type FoldedBatch = Pick<
  BatchRecord,
  'topicId' | 'partition' | 'first' | 'next' | 'committedAt' | 'readAt' | 'files'
>

/**
 * The batches that the wanted files are of, with these files only. None where the manifest has been merged since.
 * @throws COMMIT_CORRUPT when it is damaged
 */
export async function foldedBatches(
  lake: LakeStorage,
  root: string,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<FoldedBatch[]> {
  const log = parentOf(parentOf(path))
  const checkpoint = await newestCheckpoint(lake, log)
  const manifest = checkpoint?.manifests.find(({ name }) => name === baseName(path))
  if (!checkpoint || !manifest) return []
  const { topicId, partition } = checkpoint
  const batches = new Map<number, FoldedBatch>()
  for await (const { seq, first, next, readAt, ...file } of readManifest({ lake, log }, manifest)) {
    if (!wanted.has(file.path)) continue
    const committedAt = new Date(readBatchName(root, file.path)?.at ?? 0).toISOString()
    const batch: FoldedBatch = batches.get(seq) ?? { topicId, partition, first, next, committedAt, readAt, files: [] }
    // Folded, so it was published: it has no other place.
    batch.files.push({ ...file, staged: file.path })
    batches.set(seq, batch)
  }
  return [...batches.values()]
}
