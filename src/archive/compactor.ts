/**
 * Joins a partition's small files, as its owner, beside archiving: whoever owns a partition may put a join between two
 * commits. See `join.ts` for how, `join-plan.ts` for which.
 */
import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Clock } from '../clock.ts'
import { hasCode, isRetryable, MusicFakerError } from '../errors.ts'
import { parentOf } from '../lake/path.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { backoff, pause, retrying } from '../retry.ts'
import type { Slots } from '../stats/slots.ts'
import type { CommitLog, Tending } from './commits.ts'
import { crcText } from './crc32.ts'
import { filesOf } from './files.ts'
import { notAsCommitted } from './join.ts'
import { entryOf, JOIN_LIMITS, type JoinLimits, joinedOf, planJoins } from './join-plan.ts'
import { laterName, readBatchName } from './layout.ts'
import type { ManifestEntry } from './manifest.ts'

const HOUR_MS = 3_600_000
/** A join in the background begins right after a commit, so that the next one is least in its way; or after so long. */
const LULL_MS = 1_000
/** After each join in the background it rests for this many times as long as that took: a fifth of the time is its own. */
const REST = 4
/** What one pass in the background does before other partitions of the process have their turn. */
const PASS = { joins: 64, bytes: 1_073_741_824 }
/** After a pass that left something, or failed. Else the next one begins within as long of the next full hour. */
const PAUSE_MS = 60_000
/** How often a pass begins anew when the commit log is folded faster than it is read. */
const ATTEMPTS = 5

export interface CompactorOptions {
  lake: LakeStorage
  root: string
  topicId: string
  partition: number
  commits: CommitLog
  signal: AbortSignal
  onRetry: (error: MusicFakerError) => void
  /** Told of each file that took the place of others. */
  onJoined?: (joined: Joined) => void
  /** Told of what is left as it is, and why: a folder, or, where the error names none, everything for now. */
  onLeft?: (error: MusicFakerError) => void
  limits?: JoinLimits
}

export interface Joined {
  path: string
  /** How many files it took the place of. */
  files: number
  bytes: number
}

export interface PassOptions {
  /** Only files that were committed before, epoch milliseconds. */
  before: number
  /** Only the events of one UTC day, YYYY-MM-DD. */
  day?: string
  /** Ends the pass; without it, all that is worthwhile is joined. */
  budget?: { joins: number; bytes: number }
  /** Leave most of the time to others. */
  gently?: boolean
}

/** A pass that is under way. */
interface Pass {
  join: Tending['join']
  /** Of its budget. */
  left: { joins: number; bytes: number }
  gently: boolean
}

export class Compactor {
  readonly #of: CompactorOptions
  /** Folders that are not tried again: a file of theirs is not as it should be, or the lake refuses. */
  readonly #left = new Set<string>()

  constructor(options: CompactorOptions) {
    this.#of = options
  }

  /**
   * Joins files of hours that are past, until the signal aborts. Never rejects: what archiving has to know of, the next
   * commit tells.
   *
   * @param turns one is held for each pass: the partitions of a process take turns
   */
  async run(clock: Clock, turns: Slots): Promise<void> {
    const { signal, commits } = this.#of
    while (!signal.aborted && !commits.stuck) {
      const taken = await turns.take(signal).then(
        () => true,
        () => false,
      )
      if (!taken) return
      const before = Math.floor(clock.now() / HOUR_MS) * HOUR_MS
      const done = await this.pass({ before, budget: PASS, gently: true })
        .catch((error) => this.#tellOf(error))
        .finally(() => turns.release())
      // Spread, so that partitions and processes do not all begin at the full hour.
      const untilNextHour = Math.min(HOUR_MS, Math.max(0, before + HOUR_MS - clock.now())) + Math.random() * PAUSE_MS
      await clock.sleep(done ? untilNextHour : PAUSE_MS, signal)
    }
  }

  /**
   * Joins what is worthwhile, the oldest days first. Resolves false when the budget ended it.
   * @throws COMMIT_FENCED and other final errors of a commit, the signal's reason
   */
  async pass(options: PassOptions): Promise<boolean> {
    const { commits, signal } = this.#of
    const { gently = false } = options
    const left = { ...(options.budget ?? { joins: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }) }
    let folded = 0
    for (let attempt = 1; ; attempt++) {
      try {
        await commits.tend(({ join }) => this.#passOnce(options, { join, left, gently }), signal)
        return left.joins > 0 && left.bytes > 0
      } catch (error) {
        if (commits.stuck) throw error
        if (isRetryable(error)) this.#of.onRetry(error as MusicFakerError)
        // The commit log was folded while it was read.
        else if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND') || ++folded === ATTEMPTS) throw error
        await pause(backoff(attempt), signal)
      }
    }
  }

  async #passOnce({ before, day }: PassOptions, pass: Pass): Promise<void> {
    const { lake, root, topicId, partition, signal } = this.#of
    const live = filesOf(lake, root, topicId, partition)
    for await (const files of foldersOf(live, { root, before, ...(day !== undefined && { day }) })) {
      signal.throwIfAborted()
      const folder = parentOf(files[0]!.path)
      if (this.#left.has(folder)) continue
      try {
        await this.#compactFolder(files, pass)
      } catch (error) {
        if (!hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND', 'LAKE_DENIED') || this.#of.commits.stuck) throw error
        this.#left.add(folder)
        this.#of.onLeft?.(error)
      }
      if (pass.left.joins <= 0 || pass.left.bytes <= 0) return
    }
  }

  /** Again and again, until nothing in the folder is worth it: joined files are joined with each other. */
  async #compactFolder(files: ManifestEntry[], pass: Pass): Promise<void> {
    const { limits = JOIN_LIMITS } = this.#of
    const { left } = pass
    for (let runs = planJoins(files, limits); runs.length > 0; runs = planJoins(files, limits)) {
      for (const run of runs) {
        if (left.joins <= 0 || left.bytes <= 0) return
        const joined = await this.#join(run, pass)
        left.joins--
        left.bytes -= joined.bytes
        files.splice(files.indexOf(run[0]!), run.length, joined)
      }
    }
  }

  async #join(run: readonly ManifestEntry[], { join, gently }: Pass): Promise<ManifestEntry> {
    const { lake, commits, signal, onRetry, onJoined } = this.#of
    const waits = { signal, onRetry }
    const { joined, files } = joinedOf(run)
    const began = performance.now()
    while (await retrying(() => lake.stat(joined.path), waits)) joined.path = laterName(joined.path)
    const staged = lake.concat ? undefined : await retrying(() => this.#copy(run, joined.crc32), waits)
    const prepared = performance.now()
    if (gently) await commits.lull(LULL_MS)
    const lull = performance.now() - prepared
    const done = await join({ joined: { ...joined, ...(staged !== undefined && { staged }) }, files })
    if (!done) {
      const what = `the lake cannot append the files of ${parentOf(joined.path)} to each other`
      throw new MusicFakerError('LAKE_DENIED', what, { next: 'Delete the snapshots that hold them.' })
    }
    onJoined?.({ path: joined.path, files: files.length, bytes: joined.bytes })
    if (gently) await pause(REST * (performance.now() - began - lull), signal)
    return entryOf(joined)
  }

  /** Writes the files one after the other into staging. @throws COMMIT_CORRUPT when one is not what was committed */
  async #copy(run: readonly ManifestEntry[], wanted: string): Promise<string> {
    const { lake, commits } = this.#of
    const staged = `${commits.staging}/joined-${randomUUID()}.jsonl`
    let crc = 0
    const body = async function* () {
      for (const { path } of run) {
        for await (const chunk of lake.stream(path)) {
          crc = crc32(chunk, crc)
          yield chunk
        }
      }
      if (crcText(crc) !== wanted) throw notAsCommitted(`files from ${run[0]?.path} to ${run.at(-1)?.path}`)
    }
    await lake.write(staged, body())
    return staged
  }

  #tellOf(error: unknown): undefined {
    // What is wrong with the commit log, the next commit tells.
    if (this.#of.signal.aborted || this.#of.commits.stuck || hasCode(error, 'COMMIT_FENCED')) return
    if (error instanceof MusicFakerError) this.#of.onLeft?.(error)
  }
}

/**
 * The files of each folder that may be joined, in the order of their offsets: neighbours only, so a folder comes in parts where
 * files are dated later than those after them, as by an archiver whose clock was ahead. One folder at a time is held, which is
 * one partition's files of a day.
 * @param files in the order of their paths
 */
export async function* foldersOf(
  files: AsyncIterable<ManifestEntry>,
  { root, before, day }: { root: string; before: number; day?: string },
): AsyncGenerator<ManifestEntry[]> {
  let folder: Dated[] = []
  for await (const file of files) {
    const name = readBatchName(root, file.path)
    if (!name || file.bytes === 0 || (day !== undefined && file.day !== day)) continue
    if (folder[0] && parentOf(folder[0].file.path) !== parentOf(file.path)) {
      yield* neighboursIn(folder, before)
      folder = []
    }
    folder.push({ file, at: name.at })
  }
  yield* neighboursIn(folder, before)
}

/** `at`: epoch milliseconds of the stamp in its name. */
interface Dated {
  file: ManifestEntry
  at: number
}

/** Neighbours that were committed before. */
function* neighboursIn(folder: Dated[], before: number): Generator<ManifestEntry[]> {
  let part: ManifestEntry[] = []
  for (const { file, at } of folder.sort((a, b) => a.file.first - b.file.first)) {
    if (at < before) part.push(file)
    else if (part.length > 0) {
      yield part
      part = []
    }
  }
  if (part.length > 0) yield part
}
