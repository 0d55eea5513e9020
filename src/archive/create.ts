/** Creating a record: the one step of the commit protocol that only one writer can take. */
import { randomUUID } from 'node:crypto'
import { hasCode, isRetryable, type MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { backoff, pause, retrying, unlessAborted } from '../retry.ts'
import type { Slots } from '../stats/slots.ts'
import { lastFolded } from './checkpoint.ts'
import { partitionCommits, partitionStaging, recordName } from './layout.ts'
import { tryRename } from './publish.ts'
import { type CommitRecord, decodeRecord, encodeRecord } from './record.ts'

/** What a partition's commit log belongs to, and who writes it. */
export interface Ownership {
  lake: LakeStorage
  root: string
  topic: string
  topicId: string
  partition: number
  /** Unique to this process. */
  owner: string
  /** Epoch milliseconds. */
  clock: () => number
  /** Ends every wait: the partition is lost, or the process must leave at once. Whoever claims next resolves the rest. */
  signal: AbortSignal
  /** Told of each storage error before the call is tried again. */
  onRetry: (error: MusicFakerError) => void
  /** Told when the records cannot be folded: archiving goes on, the log grows. */
  onUnfolded?: (error: MusicFakerError) => void
  /** Records after which a checkpoint is written. */
  foldEvery?: number
  /** One is held while folding: the partitions of a process take turns, since each needs some tens of megabytes. */
  foldTurns?: Slots
}

/** The folder of a fence's files on their way to being committed. */
export function stagingOf(of: Ownership, fence: number): string {
  return `${partitionStaging(of.root, of.topicId, of.partition)}/${fence}`
}

/**
 * Creates a record under its number: exactly one writer gets it. Resolves true when that is this one.
 * A record of this name may have been there and been removed, so what was created counts only while its number is not
 * folded.
 * @param ready the record does not get its number before this has resolved, and none where it rejects
 */
export async function create(of: Ownership, record: CommitRecord, ready?: Promise<unknown>): Promise<boolean> {
  const log = partitionCommits(of.root, of.topicId, of.partition)
  if (!(await createFile(of, record, `${log}/${recordName(record.seq)}`, ready))) return false
  return (await retrying(() => lastFolded(of.lake, log), of)) < record.seq
}

/** A rename that failed with a retryable error may have happened, so the record is read back and its id decides. */
async function createFile(
  of: Ownership,
  record: CommitRecord,
  target: string,
  ready?: Promise<unknown>,
): Promise<boolean> {
  const bytes = encodeRecord(record)
  // Tried once while that is awaited: retries would go on behind the back of a caller whose files have failed.
  const written = Promise.all([writeOnce(of, record, bytes).catch(ifRetryable), ready])
  const [early] = await unlessAborted(written, of.signal)
  let temporary = early ?? (await writeTemporary(of, record, bytes))
  for (let attempt = 1; ; attempt++) {
    of.signal.throwIfAborted()
    const outcome = await tryRename(of, temporary, target)
    if (outcome === 'done') return true
    const there = await retrying(() => readIfThere(of.lake, target), of)
    if (there) return there.id === record.id
    if (outcome === 'source missing') temporary = await writeTemporary(of, record, bytes)
    else await pause(backoff(attempt), of.signal)
  }
}

async function writeTemporary(of: Ownership, record: CommitRecord, bytes: Uint8Array): Promise<string> {
  return retrying(() => writeOnce(of, record, bytes), of)
}

/** Each try has a name of its own: a failed write may leave a partial file, or arrive late. */
async function writeOnce(of: Ownership, record: CommitRecord, bytes: Uint8Array): Promise<string> {
  const path = `${stagingOf(of, record.fence)}/record-${record.seq}-${randomUUID()}.json`
  await of.lake.write(path, bytes)
  return path
}

function ifRetryable(error: unknown): undefined {
  if (!isRetryable(error)) throw error
}

/** @throws COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT, and what the lake throws */
export async function readIfThere(lake: LakeStorage, path: string): Promise<CommitRecord | undefined> {
  try {
    return decodeRecord(await lake.read(path), path)
  } catch (error) {
    if (hasCode(error, 'LAKE_NOT_FOUND')) return undefined
    throw error
  }
}
