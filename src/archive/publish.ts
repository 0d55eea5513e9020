/** Moving the files of a batch to their place, so that whoever comes next may do it again. */
import { hasCode, isRetryable, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { backoff, pause, retrying, unlessAborted } from '../retry.ts'
import type { BatchRecord, CommittedFile } from './record.ts'

/** A lake whose calls are repeated until they are answered. */
export interface Waits {
  lake: LakeStorage
  /** Ends every wait. */
  signal: AbortSignal
  /** Told of each storage error before the call is tried again. */
  onRetry: (error: MusicFakerError) => void
}

export type RenameOutcome = 'done' | 'source missing' | 'target taken' | 'unknown'

export async function tryRename(of: Waits, from: string, to: string): Promise<RenameOutcome> {
  try {
    await unlessAborted(of.lake.rename(from, to), of.signal)
    return 'done'
  } catch (error) {
    if (hasCode(error, 'LAKE_NOT_FOUND')) return 'source missing'
    if (hasCode(error, 'LAKE_EXISTS')) return 'target taken'
    if (!isRetryable(error)) throw error
    of.onRetry(error as MusicFakerError)
    return 'unknown'
  }
}

/** Moves a record's staged files to their place, redoing what an earlier try may have done already. */
export async function publishBatch(of: Waits, record: BatchRecord): Promise<void> {
  await Promise.all(record.files.map((file) => publishFile(of, file)))
}

async function publishFile(of: Waits, file: CommittedFile): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    of.signal.throwIfAborted()
    const outcome = await tryRename(of, file.staged, file.path)
    if (outcome === 'done') return
    if (outcome === 'unknown') {
      await pause(backoff(attempt), of.signal)
      continue
    }
    const there = await retrying(() => of.lake.stat(file.path), of)
    if (outcome === 'source missing' && there?.bytes === file.bytes) return
    throw new MusicFakerError(
      'COMMIT_CORRUPT',
      outcome === 'source missing'
        ? `${file.path} is committed but ${there ? `has ${there.bytes} bytes instead of ${file.bytes}` : 'missing'}`
        : `${file.path} is committed but another file has its name`,
      { next: 'Run: music-faker verify, then: music-faker repair' },
    )
  }
}
