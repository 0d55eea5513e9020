/** What manifests keep of batches whose records are folded into a checkpoint. */
import { newestCheckpoint } from '../archive/checkpoint.ts'
import { baseName, readBatchName } from '../archive/layout.ts'
import { readManifest } from '../archive/manifest.ts'
import type { BatchRecord } from '../archive/record.ts'
import { parentOf } from './path.ts'
import type { JoinedBatches } from './repair-joined.ts'
import type { LakeStorage } from './storage.ts'

/** Enough of a batch to make its files again. */
export type FoldedBatch = Pick<
  BatchRecord,
  'topicId' | 'partition' | 'first' | 'next' | 'committedAt' | 'readAt' | 'files'
>

/**
 * The batches that the wanted files are of, with these files only, and those files that were joined from several. None where
 * the manifest has been merged since.
 * @throws COMMIT_CORRUPT when it is damaged
 */
export async function foldedBatches(
  lake: LakeStorage,
  root: string,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<{ batches: FoldedBatch[]; joined: JoinedBatches[] }> {
  const log = parentOf(parentOf(path))
  const checkpoint = await newestCheckpoint(lake, log)
  const manifest = checkpoint?.manifests.find(({ name }) => name === baseName(path))
  const batches = new Map<number, FoldedBatch>()
  const joined: JoinedBatches[] = []
  if (!checkpoint || !manifest) return { batches: [], joined }
  const { topicId, partition } = checkpoint
  for await (const line of readManifest({ lake, log }, manifest)) {
    if ('gone' in line || !wanted.has(line.path)) continue
    const { seq, first, next, readAt, parts, ...file } = line
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
