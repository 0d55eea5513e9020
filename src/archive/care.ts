/** What the owner of a partition does beside archiving, in the background: joins small files, seals days, removes old ones. */
import type { Clock } from '../clock.ts'
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import type { Slots } from '../stats/slots.ts'
import type { CommitLog } from './commits.ts'
import { Compactor } from './compactor.ts'
import { removeAllOld, removeOldHourly } from './retention.ts'
import { type Seal, Sealer } from './seal.ts'

export interface Care {
  /** Seal days this long after their end, milliseconds; one partition of a topic does it for all. Undefined: none. */
  latenessMs?: number
  /** Remove files this long after the end of their day, milliseconds; undefined: keep all. */
  keepMs?: number
  /** The same at the end, instead of every hour. */
  keepOnceMs?: number
  /** Join small files of past hours, taking turns; undefined: leave them. */
  compactTurns?: Slots
}

export interface Cared extends Care {
  log: EventLog
  lake: LakeStorage
  root: string
  topicId: string
  partition: number
  commits: CommitLog
  clock: Clock
  /** Ends all of it. */
  signal: AbortSignal
  report: (event: CareEvent) => void
}

export type CareEvent =
  /** Files were joined into one. */
  | { kind: 'joined'; partition: number; path: string; files: number; bytes: number }
  /** Files were removed that were kept long enough. */
  | { kind: 'removed'; partition: number; files: number }
  /** A day was sealed, or its seal renewed. */
  | { kind: 'sealed'; partition: number; seal: Seal }
  /** Files are left as they are. Archiving goes on. */
  | { kind: 'unjoined'; partition: number; error: MusicFakerError }
  /** Files stay that were kept long enough. Archiving goes on. */
  | { kind: 'unremoved'; partition: number; error: MusicFakerError }
  /** No day is sealed. Archiving goes on. */
  | { kind: 'unsealed'; partition: number; error: MusicFakerError }

/** Runs until the signal aborts. */
export async function care(of: Cared): Promise<void> {
  await Promise.all([compact(of), seal(of), retire(of)])
}

/** What is due at the end of archiving once. Never rejects: whoever archives next makes up for what fails. */
export async function careOnce(of: Cared): Promise<void> {
  if (of.keepOnceMs === undefined) return
  const { retaining, onLooked } = retentionOf(of, of.keepOnceMs)
  // Another time, as the commit log may have been folded while it was read.
  for (let attempt = 0; attempt < 2 && !of.signal.aborted; attempt++) {
    try {
      return await removeAllOld(retaining, of.clock.now())
    } catch (error) {
      onLooked(error)
    }
  }
}

async function retire(of: Cared) {
  if (of.keepMs === undefined) return
  const { retaining, onLooked } = retentionOf(of, of.keepMs)
  await removeOldHourly(retaining, of.clock, onLooked)
}

function retentionOf({ lake, root, log, topicId, partition, commits, signal, report }: Cared, keepMs: number) {
  const onRemoved = (files: number) => report({ kind: 'removed', partition, files })
  return {
    retaining: { lake, root, log, topicId, partition, commits, keepMs, signal, onRemoved },
    onLooked: onLasting((error) => report({ kind: 'unremoved', partition, error })),
  }
}

async function seal({ lake, root, log, partition, commits, clock, signal, latenessMs, report }: Cared) {
  if (latenessMs === undefined || partition !== 0) return
  const onSealed = (sealed: Seal) => report({ kind: 'sealed', partition, seal: sealed })
  const onLooked = onLasting((error) => report({ kind: 'unsealed', partition, error }))
  const { staging } = commits
  await new Sealer({ lake, root, log, clock, latenessMs, staging, signal, onSealed, onLooked }).run()
}

/**
 * Tells once of what keeps failing: when it has failed twice in a row, as the first time a commit log may just have been folded
 * while it was read. Of a lake or a log that cannot be reached, archiving tells.
 */
function onLasting(tell: (error: MusicFakerError) => void): (failure: unknown) => void {
  let [last, times] = ['', 0]
  return (failure) => {
    const known = failure instanceof MusicFakerError && !failure.retryable ? failure : undefined
    times = known?.message === last ? times + 1 : 1
    last = known?.message ?? ''
    if (known && times === 2) tell(known)
  }
}

async function compact({ lake, root, topicId, partition, commits, clock, signal, compactTurns, report }: Cared) {
  if (!compactTurns) return
  const compactor = new Compactor({
    ...{ lake, root, topicId, partition, commits, signal },
    // Archiving does not wait for it.
    onRetry: () => undefined,
    onJoined: (joined) => report({ kind: 'joined', partition, ...joined }),
    onLeft: (error) => report({ kind: 'unjoined', partition, error }),
  })
  await compactor.run(clock, compactTurns)
}
