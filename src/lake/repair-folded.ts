/** What manifests keep of batches whose records are folded into a checkpoint. */
import { newestCheckpoint } from '../archive/checkpoint.ts'
import { baseName, readBatchName } from '../archive/layout.ts'
import { type ManifestEntry, readManifest } from '../archive/manifest.ts'
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
 * The wanted files as the manifest has them. None where it has been merged since.
 * @param path of the manifest
 * @throws COMMIT_CORRUPT when it is damaged
 */
export async function foldedFiles(
  lake: LakeStorage,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<{ topicId: string; partition: number; files: ManifestEntry[] }> {
  const log = parentOf(parentOf(path))
  const checkpoint = await newestCheckpoint(lake, log)
  const manifest = checkpoint?.manifests.find(({ name }) => name === baseName(path))
  const files: ManifestEntry[] = []
  if (!checkpoint || !manifest) return { topicId: '', partition: 0, files }
  for await (const line of readManifest({ lake, log }, manifest)) {
    if (!('gone' in line) && wanted.has(line.path)) files.push(line)
  }
  return { topicId: checkpoint.topicId, partition: checkpoint.partition, files }
}

/** The batches that the wanted files are of, with these files only, and those files that were joined from several. Throws as `foldedFiles`. */
export async function foldedBatches(
  lake: LakeStorage,
  root: string,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<{ batches: FoldedBatch[]; joined: JoinedBatches[] }> {
  const { topicId, partition, files } = await foldedFiles(lake, path, wanted)
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
