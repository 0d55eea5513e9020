/** A partition with many small files of two days and the quarantine, archived by the real archiver, on any lake. */
import type { BatchLimits } from '../src/archive/batch.ts'
import { CommitLog } from '../src/archive/commits.ts'
import { Compactor } from '../src/archive/compactor.ts'
import { dayFolder } from '../src/archive/layout.ts'
import { PartitionArchiver } from '../src/archive/partition.ts'
import { systemClock } from '../src/clock.ts'
import { encode, formatTimestamp } from '../src/event.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'

export const TOPIC = 'music_events'
export const DAYS = ['2025-07-03', '2025-07-04'] as const
const T0 = Date.UTC(2025, 6, 3, 12)
const HALF_DAY_MS = 43_200_000

/** Every second message is of the second day; every ninth is no event. */
export function messages(count: number, from = 0): LogMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const timestamp = T0 + (n % 2) * HALF_DAY_MS + n * 1_000
    const value = encode({
      ...{ user: 'eric04', artist: 'Carol Moore', track: `Track ${n}`, timestamp: formatTimestamp(timestamp) },
      ...{ genre: 'Jazz', duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
    })
    return { key: 'eric04', value: n % 9 === 4 ? Buffer.from(`{broken ${n}`) : value }
  })
}

export interface Owning {
  log: EventLog
  lake: LakeStorage
  root: string
  /** Ends everything, as death does. */
  signal?: AbortSignal
}

/** Archives up to an offset. @param batch messages to a batch */
export async function archiveUpTo(
  { log, lake, root, signal = alive() }: Owning,
  target: number,
  batch = 2,
): Promise<void> {
  const limits: BatchLimits = { messages: batch, bytes: 1_000_000, ageMs: 60_000 }
  const { topicId } = await log.describe()
  await new PartitionArchiver({
    ...{ log, lake, root, limits, abandon: signal, target, acceptGap: false },
    assignment: { topicId, partition: 0, revoked: signal, commit: async () => {} },
    owner: `archiver ${Math.random()}`,
    readBytes: () => 1_000_000,
    clock: systemClock,
    stop: alive(),
    report: () => undefined,
  }).run()
}

/** Takes the partition over. */
export async function own({ log, lake, root, signal = alive() }: Owning, foldEvery?: number): Promise<CommitLog> {
  const { topicId } = await log.describe()
  return CommitLog.claim({
    ...{ lake, root, topicId, signal, partition: 0, topic: log.topic, clock: Date.now },
    owner: `compactor ${Math.random()}`,
    onRetry: () => undefined,
    ...(foldEvery !== undefined && { foldEvery }),
  })
}

/** Joins all there is, as the owner. Resolves with what was left as it is. */
export async function joinAll(of: Owning, commits: CommitLog): Promise<string[]> {
  const { topicId } = await of.log.describe()
  const left: string[] = []
  await new Compactor({
    ...{ lake: of.lake, root: of.root, topicId, partition: 0, commits, signal: of.signal ?? alive() },
    onRetry: () => undefined,
    onLeft: ({ message }) => left.push(message),
  }).pass({ before: Number.POSITIVE_INFINITY })
  return left
}

export async function ownAndJoin(of: Owning): Promise<string[]> {
  const commits = await own(of)
  try {
    return await joinAll(of, commits)
  } finally {
    await commits.close()
  }
}

/** The files of a day, by name. */
export async function filesOf(
  lake: LakeStorage,
  root: string,
  day: string,
): Promise<{ path: string; bytes: number }[]> {
  const files: { path: string; bytes: number }[] = []
  for await (const { path, bytes } of lake.list(dayFolder(root, day))) files.push({ path, bytes })
  return files
}

export function alive(): AbortSignal {
  return new AbortController().signal
}
