/**
 * The lives of a topic: deleting and creating it again gives another id, and the archive another lineage of records.
 */
import { hasCode, isRetryable, type MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import { pause, retrying } from '../retry.ts'
import { baseName, commitsFolder, partitionNumber } from './layout.ts'

/** The lineage of imported files: of no topic. No log gives a topic such an id. */
export const IMPORT_ID = 'import'

/** Between two looks for a topic. Where it is made again at once, its metadata takes about so long to settle. */
const LOOK_MS = 1_000

interface Patience {
  signal: AbortSignal
  onRetry: (error: MusicFakerError) => void
}

/** The topic ids that have records in the lake, but for that of imports. Repeats what may be repeated; none once the signal has aborted. */
export async function readLineages(lake: LakeStorage, root: string, patience: Patience): Promise<Set<string>> {
  const read = async () => {
    const ids = new Set<string>()
    for await (const { kind, path } of lake.list(commitsFolder(root))) {
      if (kind === 'directory' && baseName(path) !== IMPORT_ID) ids.add(baseName(path))
    }
    return ids
  }
  return retrying(read, patience).catch((error) => {
    if (patience.signal.aborted) return new Set<string>()
    throw error
  })
}

/** Every partition of every lineage that has a commit log, which is at `path`. */
export async function* commitLogs(
  lake: LakeStorage,
  root: string,
): AsyncGenerator<{ topicId: string; partition: number; path: string }> {
  for await (const lineage of lake.list(commitsFolder(root))) {
    if (lineage.kind === 'file') continue
    for await (const { path } of lake.list(lineage.path)) {
      const partition = partitionNumber(baseName(path))
      if (partition !== undefined) yield { topicId: baseName(lineage.path), partition, path }
    }
  }
}

/**
 * Waits until the topic can be read again, however long that takes. Resolves false when the signal aborts before.
 * @throws what cannot pass by itself, other than that it is missing
 */
export async function untilTopicIsThere(log: EventLog, { signal, onRetry }: Patience): Promise<boolean> {
  for (;;) {
    await pause(LOOK_MS, signal).catch(() => undefined)
    if (signal.aborted) return false
    try {
      await log.describe()
      return true
    } catch (error) {
      if (isRetryable(error)) onRetry(error as MusicFakerError)
      else if (!hasCode(error, 'LOG_TOPIC_MISSING')) throw error
    }
  }
}
