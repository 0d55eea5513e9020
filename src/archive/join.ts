/**
 * Putting one file in the place of others, once a record says so. Whoever comes next may do it again: what is there tells how
 * far it came.
 *
 * Where the lake can append files to each other (`concat`, in HDFS), the first of them is renamed to the joined file's name,
 * then the others are appended to it, which is atomic and copies nothing. So a reader of the folder sees each event once at
 * any moment. Should the lake refuse that (a snapshot holds a file) or a file have been removed by others, it is given up in
 * two steps, since a call that seemed to fail, or an owner that was suspended, may still append: a `stop` record has the first
 * file moved on to a third name, where nobody else looks for it, and a `void` record says what it then was found to hold.
 *
 * Elsewhere the joined file was written, in staging, before the record. It is renamed to its place, then the others are
 * removed: for so long, readers of the folder see their events twice.
 */
import { hasCode, isRetryable, MusicFakerError } from '../errors.ts'
import { parentOf } from '../lake/path.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { backoff, pause, retrying, unlessAborted } from '../retry.ts'
import { baseName, laterName } from './layout.ts'
import { tryRename, type Waits } from './publish.ts'
import type { CompactionRecord, JoinedFile, ReplacedFile, StopRecord, VoidRecord } from './record.ts'

const AT_ONCE = 8

/**
 * To be called before a record says that they were joined, while nothing else takes files away: what is gone must not come
 * back as part of another file.
 * @param files of one folder
 * @throws COMMIT_CORRUPT when one is not in the lake, or has another length; the signal's reason
 */
export async function checkThere(of: Waits, files: readonly ReplacedFile[]): Promise<void> {
  const missing = new Map(files.map(({ path, bytes }) => [path, bytes]))
  const find = (path: string, bytes: number | undefined) => {
    if (missing.get(path) === bytes) missing.delete(path)
  }
  // A request each would be slow in HDFS, and reading all names of a large folder is slow on a disk.
  if (of.lake.concat) await retrying(() => eachNear(of.lake, [...missing.keys()], find), of)
  else await inLots(files, async ({ path }) => find(path, await bytesOf(of, path)))
  const [path] = missing.keys()
  if (path !== undefined) throw notAsCommitted(path)
}

/** Of what is to be joined: it is left as it is. */
export function notAsCommitted(what: string): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `${what}: not as committed, so nothing of that folder is joined`, {
    next: 'Run: music-faker verify --deep, then: music-faker repair',
  })
}

/** Lists a folder from the first of some files to the last of them. */
async function eachNear(
  lake: LakeStorage,
  paths: readonly string[],
  visit: (path: string, bytes: number) => void,
): Promise<void> {
  const names = paths.map(baseName).sort()
  const [first, last] = [names[0], names.at(-1)]
  if (first === undefined || last === undefined) return
  // Up to the name before the first one, in the order of names.
  for await (const { path, bytes } of lake.list(parentOf(paths[0] as string), { after: first.slice(0, -1) })) {
    if (baseName(path) > last) return
    visit(path, bytes)
  }
}

/**
 * @returns false where the lake refuses, and it has to be given up
 * @throws COMMIT_CORRUPT when what is there is neither before nor after it; the signal's reason
 */
export async function publishJoined(of: Waits, record: CompactionRecord): Promise<boolean> {
  if (record.joined.staged === undefined) return append(of, record)
  await putInPlace(of, record.joined, record.joined.staged)
  await removeFiles(of, record.files)
  return true
}

/** Removes files, those that are gone already included. */
export async function removeFiles(of: Waits, files: readonly { path: string }[]): Promise<void> {
  await inLots(files, ({ path }) => retrying(() => of.lake.remove(path), of))
}

async function inLots<T>(all: readonly T[], call: (one: T) => Promise<unknown>): Promise<void> {
  for (const rest = [...all]; rest.length > 0; ) await Promise.all(rest.splice(0, AT_ONCE).map(call))
}

async function putInPlace(of: Waits, { path, bytes }: JoinedFile, staged: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryRename(of, staged, path)
    if (outcome === 'done') return
    if (outcome === 'unknown') await pause(backoff(attempt), of.signal)
    else if (outcome === 'source missing' && (await bytesOf(of, path)) === bytes) return
    else throw notAsRecorded(path)
  }
}

async function append(of: Waits, record: CompactionRecord): Promise<boolean> {
  const { joined, files } = record
  const first = files[0] as (typeof files)[number]
  for (let attempt = 1; ; attempt++) {
    const there = await bytesOf(of, joined.path)
    if (there === joined.bytes) return true
    if (there === first.bytes) {
      const outcome = await tryConcat(of, record)
      if (outcome === 'done') return true
      // A call that seemed to fail may have done it.
      if (outcome === 'refused' && (await bytesOf(of, joined.path)) === first.bytes) return false
      if (outcome === 'unknown') await pause(backoff(attempt), of.signal)
      continue
    }
    if (there !== undefined) throw notAsRecorded(joined.path)
    const outcome = await tryRename(of, first.path, joined.path)
    if (outcome === 'unknown') await pause(backoff(attempt), of.signal)
    // Somebody else may just have renamed it.
    if (outcome === 'source missing' && (await bytesOf(of, joined.path)) === undefined) throw notAsRecorded(joined.path)
  }
}

async function tryConcat(of: Waits, { joined, files }: CompactionRecord): Promise<'done' | 'refused' | 'unknown'> {
  const rest = files.slice(1).map(({ path }) => path)
  try {
    await unlessAborted(of.lake.concat?.(joined.path, rest) ?? Promise.resolve(), of.signal)
    return 'done'
  } catch (error) {
    if (hasCode(error, 'LAKE_NOT_FOUND', 'LAKE_DENIED')) return 'refused'
    if (!isRetryable(error)) throw error
    of.onRetry(error as MusicFakerError)
    return 'unknown'
  }
}

async function bytesOf(of: Waits, path: string): Promise<number | undefined> {
  return (await retrying(() => of.lake.stat(path), of))?.bytes
}

function notAsRecorded(path: string): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `${path} is recorded as joined from others, but they are not there`, {
    next: 'Run: music-faker verify, then: music-faker repair',
  })
}

/**
 * Moves the first file of a compaction that is given up to its third name, and looks what it holds there: its own lines, or by
 * now those of all.
 * @throws COMMIT_CORRUPT when it is neither; the signal's reason
 */
export async function publishStop(
  of: Waits,
  { of: seq, joined, files }: StopRecord,
): Promise<Pick<VoidRecord, 'kind' | 'of' | 'files' | 'joined'>> {
  const first = files[0] as (typeof files)[number]
  const path = laterName(first.path)
  for (let attempt = 1; (await tryRename(of, joined.path, path)) === 'unknown'; attempt++) {
    await pause(backoff(attempt), of.signal)
  }
  const there = await bytesOf(of, path)
  const given = { kind: 'void', of: { seq, files: files.length, path: joined.path } } as const
  if (there === joined.bytes) return { ...given, files, joined: { ...joined, path } }
  if (there !== first.bytes) throw notAsRecorded(path)
  const { parts, ...own } = first
  return { ...given, files: [first], joined: { ...own, path, day: joined.day, parts: joined.parts.slice(0, parts) } }
}
