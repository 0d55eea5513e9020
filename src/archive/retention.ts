/** Removes what was kept long enough, as a partition's owner, beside archiving. */
import type { Clock } from '../clock.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { CommitLog } from './commits.ts'
import { filesOf } from './files.ts'
import { dayFolders, dayOf } from './layout.ts'
import type { RetentionRecord } from './record.ts'

/** Files of one record: for so long a commit may have to wait. */
const AT_ONCE = 256
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** After a failure. */
const AGAIN_MS = 60_000

export interface RetentionOptions {
  lake: LakeStorage
  root: string
  topicId: string
  partition: number
  commits: CommitLog
  /** Milliseconds after the end of its day that a file is kept: of its events, or, in the quarantine, of their commit. */
  keepMs: number
  signal: AbortSignal
  /** Told of each lot of files that were removed. */
  onRemoved?: (files: number) => void
}

/** Looks every hour until the signal aborts. Never rejects: what fails is tried again, what archiving has to know of it will. */
export async function removeOldHourly(options: RetentionOptions, clock: Clock): Promise<void> {
  const { signal, commits } = options
  while (!signal.aborted && !commits.stuck) {
    const done = await removeOld(options, clock.now()).then(
      () => true,
      () => false,
    )
    await clock.sleep(done ? HOUR_MS : AGAIN_MS, signal)
  }
}

/**
 * Removes files whose days are old enough by the clock, and as long before the end of the newest day of events in the lake.
 * @param now epoch milliseconds
 * @returns how many files were removed
 * @throws as a commit and the lake do; COMMIT_CORRUPT and LAKE_NOT_FOUND also when the commit log was folded while it was read:
 *   then it may be repeated
 */
export async function removeOld(options: RetentionOptions, now: number): Promise<number> {
  const { lake, root, topicId, partition, commits, keepMs, signal, onRemoved } = options
  return commits.tend(async ({ retire }) => {
    let removed = 0
    let old: RetentionRecord['files'] = []
    const removeThem = async () => {
      if (old.length === 0) return
      await retire(old)
      removed += old.length
      onRemoved?.(old.length)
      old = []
    }
    const reached = await timeReached(lake, root, now)
    for await (const { path, day, events, bytes } of filesOf(lake, root, topicId, partition)) {
      signal.throwIfAborted()
      const of = Date.parse(day ?? dayOf(path) ?? '')
      // What has no day stays.
      if (!(of + DAY_MS + keepMs <= reached)) continue
      old.push({ path, day, events, bytes })
      if (old.length === AT_ONCE) await removeThem()
    }
    await removeThem()
    return removed
  }, signal)
}

/** A clock that is set forward must not empty the lake: what is removed is gone for good. */
async function timeReached(lake: LakeStorage, root: string, now: number): Promise<number> {
  let reached = now
  for await (const { day } of dayFolders(lake, root)) reached = Math.min(now, Date.parse(day) + DAY_MS)
  return reached
}
