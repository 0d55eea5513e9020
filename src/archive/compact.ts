/**
 * Compaction on request. Only the owner of a partition may join its files, so this joins the group of the archivers and works
 * on whatever partitions it is given. It never takes one from an archiver: those that run join files by themselves.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { hasCode, type MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { Assignment, EventLog } from '../log/log.ts'
import { CommitLog } from './commits.ts'
import { Compactor, foldersOf, type Joined } from './compactor.ts'
import { filesOf } from './files.ts'
import { isEmpty } from './is-empty.ts'
import { joinedInTheEnd } from './join-plan.ts'
import { commitLogs } from './lineages.ts'
import type { ManifestEntry } from './manifest.ts'

/** How long nothing more may be assigned before what is left counts as others': the session of an archiver that died. */
const SETTLED_MS = 15_000

export interface CompactOptions {
  lake: LakeStorage
  log: EventLog
  root: string
  group: string
  /** Only the events of one UTC day, YYYY-MM-DD. */
  day?: string
  /** Look only. */
  dryRun?: boolean
  signal: AbortSignal
  /** Epoch milliseconds; Date.now by default. */
  clock?: () => number
  onJoined?: (partition: number, joined: Joined) => void
  onRetry?: (error: MusicFakerError) => void
}

export interface CompactedPartition {
  topicId: string
  partition: number
  /** Files that were joined, or would be; joined files that were joined again included. */
  joined: number
  /** What they became, and its bytes. */
  into: number
  bytes: number
  /** Why files were left as they are. */
  left: string[]
}

export interface CompactReport {
  root: string
  dryRun: boolean
  /** By lineage, then partition number. */
  partitions: CompactedPartition[]
}

/**
 * Joins small files into larger ones, of every lineage and partition.
 * @throws LAKE_UNREACHABLE, LOG_UNREACHABLE and the like: what was joined by then stays so; the signal's reason
 */
export async function compact(options: CompactOptions): Promise<CompactReport> {
  const { lake, root, dryRun = false } = options
  const partitions = await partitionsIn(lake, root)
  if (dryRun) for (const partition of partitions) await plan(options, partition)
  else await run(options, await worthwhile(options, partitions))
  return { root, dryRun, partitions }
}

async function partitionsIn(lake: LakeStorage, root: string): Promise<CompactedPartition[]> {
  const found: CompactedPartition[] = []
  for await (const { topicId, partition } of commitLogs(lake, root)) {
    found.push({ topicId, partition, joined: 0, into: 0, bytes: 0, left: [] })
  }
  return found.sort((a, b) => (a.topicId === b.topicId ? a.partition - b.partition : a.topicId < b.topicId ? -1 : 1))
}

async function plan(options: CompactOptions, to: CompactedPartition): Promise<void> {
  for await (const run of runsOf(options, to)) {
    to.joined += run.length
    to.into++
    to.bytes += run.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

/** What is worth joining of a partition. */
async function* runsOf(
  { lake, root, day, signal }: CompactOptions,
  { topicId, partition }: CompactedPartition,
): AsyncGenerator<ManifestEntry[]> {
  const files = filesOf(lake, root, topicId, partition)
  for await (const folder of foldersOf(files, { root, before: Number.POSITIVE_INFINITY, ...(day && { day }) })) {
    signal.throwIfAborted()
    yield* joinedInTheEnd(folder)
  }
}

/** Those where anything is worth joining: the others need not be taken over for it. */
async function worthwhile(options: CompactOptions, partitions: CompactedPartition[]): Promise<CompactedPartition[]> {
  const found: CompactedPartition[] = []
  for (const partition of partitions) {
    if (!(await isEmpty(runsOf(options, partition)))) found.push(partition)
  }
  return found
}

async function run(options: CompactOptions, partitions: CompactedPartition[]): Promise<void> {
  const { log, group, signal } = options
  const topicId = await topicOf(log)
  // Nobody archives an earlier life of the topic any more.
  for (const old of partitions) if (old.topicId !== topicId) await compactIdle(options, old)
  const waiting = new Set(partitions.filter((partition) => partition.topicId === topicId))
  if (waiting.size === 0) return
  const membership = new AbortController()
  let timer = setTimeout(() => membership.abort(), SETTLED_MS)
  try {
    for await (const assignment of log.join({ group, signal: AbortSignal.any([signal, membership.signal]) })) {
      clearTimeout(timer)
      await compactAssigned(options, assignment, waiting)
      if (waiting.size === 0) membership.abort()
      else timer = setTimeout(() => membership.abort(), SETTLED_MS)
    }
  } finally {
    clearTimeout(timer)
    membership.abort()
  }
  signal.throwIfAborted()
  for (const partition of waiting) partition.left.push('an archiver has it, which joins files by itself')
}

/** Of an earlier life of the topic, or of imports: only an import, or another compaction, can want it, too. */
async function compactIdle(options: CompactOptions, to: CompactedPartition): Promise<void> {
  try {
    await compactAs(options, to, options.signal)
  } catch (error) {
    if (!hasCode(error, 'COMMIT_FENCED')) throw error
    to.left.push('an import or another compaction has begun meanwhile: run it again once that has ended')
  }
}

async function compactAssigned(
  options: CompactOptions,
  { partition, revoked }: Assignment,
  waiting: Set<CompactedPartition>,
): Promise<void> {
  const mine = [...waiting].find((other) => other.partition === partition)
  if (!mine) return
  try {
    await compactAs(options, mine, AbortSignal.any([options.signal, revoked]))
    waiting.delete(mine)
  } catch (error) {
    // Given to another member meanwhile.
    if (!revoked.aborted && !hasCode(error, 'COMMIT_FENCED')) throw error
    options.signal.throwIfAborted()
  }
}

/** As the partition's owner. */
async function compactAs(options: CompactOptions, to: CompactedPartition, signal: AbortSignal): Promise<void> {
  const { lake, root, log, day, clock = Date.now, onJoined, onRetry = () => undefined } = options
  const { topicId, partition } = to
  const place = { lake, root, topicId, partition, signal, onRetry }
  const owner = `compact:${hostname()}:${process.pid}:${randomUUID()}`
  const commits = await CommitLog.claim({ ...place, topic: log.topic, owner, clock })
  try {
    await new Compactor({
      ...place,
      commits,
      onJoined: (joined) => {
        to.joined += joined.files
        to.into++
        to.bytes += joined.bytes
        onJoined?.(partition, joined)
      },
      onLeft: ({ message }) => to.left.push(message),
    }).pass({ before: Number.POSITIVE_INFINITY, ...(day !== undefined && { day }) })
  } finally {
    await commits.close()
  }
}

/** Undefined when there is no topic: then nobody archives it. */
async function topicOf(log: EventLog): Promise<string | undefined> {
  try {
    return (await log.describe()).topicId
  } catch (error) {
    if (hasCode(error, 'LOG_TOPIC_MISSING')) return undefined
    throw error
  }
}
