/**
 * Removes what was kept long enough, as a partition's owner, beside archiving. Lineages that nobody writes to any more, earlier lives
 * of the topic and imports, have no owner: whoever has partition 0 takes them over for it.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'
import { isRetryable, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import { CommitLog } from './commits.ts'
import { filesOf } from './files.ts'
import { readHead } from './head.ts'
import { isEmpty } from './is-empty.ts'
import { dayFolders, dayOf } from './layout.ts'
import { commitLogs } from './lineages.ts'
import type { RetentionRecord } from './record.ts'

/** Files of one record: for so long a commit may have to wait. */
const AT_ONCE = 256
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** After a failure. */
const AGAIN_MS = 60_000
/** After its last commit nobody writes to a lineage of another topic id: an import commits more often. */
const IDLE_MS = DAY_MS

interface Retaining {
  lake: LakeStorage
  root: string
  topicId: string
  /** Milliseconds after the end of its day that a file is kept: of its events, or, in the quarantine, of their commit. */
  keepMs: number
  signal: AbortSignal
  /** Told of each lot of files that were removed. */
  onRemoved?: (files: number) => void
}

export interface RetentionOptions extends Retaining {
  partition: number
  commits: CommitLog
}

/**
 * Looks every hour until the signal aborts. Never rejects: what fails is tried again, what archiving has to know of it will.
 * @param onLooked told how each look went: what failed, or undefined
 */
export async function removeOldHourly(
  options: RetentionOptions & { log: EventLog },
  clock: Clock,
  onLooked: (failure: unknown) => void = () => undefined,
): Promise<void> {
  const { signal, commits } = options
  while (!signal.aborted && !commits.stuck) {
    const failure = await removeAllOld(options, clock.now()).then(
      () => undefined,
      (error: unknown) => error,
    )
    onLooked(failure)
    await clock.sleep(failure ? AGAIN_MS : HOUR_MS, signal)
  }
}

/** What a partition's owner is to remove: of its own, and for partition 0 of idle lineages. Throws as those do. */
export async function removeAllOld(options: RetentionOptions & { log: EventLog }, now: number): Promise<void> {
  await removeOld(options, now)
  if (options.partition === 0) await removeOldIdle(options, now)
}

/**
 * Removes files whose days are old enough by the clock, and as long before the end of the newest day of events in the lake.
 * @param now epoch milliseconds
 * @returns how many files were removed
 * @throws as a commit and the lake do; COMMIT_CORRUPT and LAKE_NOT_FOUND also when the commit log was folded while it was read:
 *   then it may be repeated
 */
export async function removeOld(options: RetentionOptions, now: number): Promise<number> {
  return removeUntil(options, await timeReached(options, now))
}

function removeUntil(options: RetentionOptions, reached: number): Promise<number> {
  const { commits, signal, onRemoved } = options
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
    for await (const file of oldFiles(options, reached)) {
      old.push(file)
      if (old.length === AT_ONCE) await removeThem()
    }
    await removeThem()
    return removed
  }, signal)
}

/**
 * As the owner of partition 0, of lineages other than its own: of those where there is something to remove, and that had no commit
 * for a day. One that is damaged is passed over.
 * @param now epoch milliseconds
 * @returns how many files were removed
 * @throws what the log and the lake throw that may pass; the signal's reason; then it may be repeated
 */
export async function removeOldIdle(options: Retaining & { log: EventLog }, now: number): Promise<number> {
  const { lake, root, log, topicId, signal } = options
  const reached = await timeReached(options, now)
  let removed = 0
  for await (const other of commitLogs(lake, root)) {
    if (other.topicId === topicId) continue
    try {
      const head = await readHead(lake, root, other.topicId, other.partition)
      if (!head || Date.parse(head.committedAt) + IDLE_MS > now) continue
      const idle = { ...options, topicId: other.topicId, partition: other.partition }
      if (await isEmpty(oldFiles(idle, reached))) continue
      // Where the topic was made again meanwhile, one of the others is its present life.
      if ((await log.describe()).topicId !== topicId) return removed
      const owner = `retention:${hostname()}:${process.pid}:${randomUUID()}`
      const commits = await CommitLog.claim({
        ...{ ...idle, topic: log.topic, owner, clock: () => now },
        onRetry: () => undefined,
      })
      removed += await removeUntil({ ...idle, commits }, reached).finally(() => commits.close())
    } catch (error) {
      if (signal.aborted || !(error instanceof MusicFakerError) || isRetryable(error)) throw error
    }
  }
  return removed
}

async function* oldFiles(
  { lake, root, topicId, partition, keepMs, signal }: Retaining & { partition: number },
  reached: number,
): AsyncGenerator<RetentionRecord['files'][number]> {
  for await (const { path, day, events, bytes } of filesOf(lake, root, topicId, partition)) {
    signal.throwIfAborted()
    const of = Date.parse(day ?? dayOf(path) ?? '')
    // What has no day stays.
    if (of + DAY_MS + keepMs <= reached) yield { path, day, events, bytes }
  }
}

/** A clock that is set forward must not empty the lake: what is removed is gone for good. */
async function timeReached({ lake, root }: Retaining, now: number): Promise<number> {
  let reached = now
  for await (const { day } of dayFolders(lake, root)) reached = Math.min(now, Date.parse(day) + DAY_MS)
  return reached
}
