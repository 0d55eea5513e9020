/**
 * Seals days: a day of events is *sealed* by a file `_SUCCESS` in its folder, which Spark and Airflow look for, and which readers
 * of events skip, once the watermark has passed the day's end by the lateness that is allowed. Events that come after that are
 * archived like any other; then the seal is renewed, and says how many came late.
 *
 * The watermark is the least of the partitions' event times reached: of the newest event in a partition's last batch, or, where
 * all that the log holds is archived, the wall clock.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import { committedFiles } from './files.ts'
import { lastBatch, readHead } from './head.ts'
import { dayFolder, dayFolders, partitionStaging, SEAL, stagingFolder } from './layout.ts'
import { IMPORT_ID, readLineages } from './lineages.ts'

const DAY_MS = 86_400_000
const PAUSE_MS = 60_000

const count = z.number().int().nonnegative()
const sealSchema = z.object({
  day: z.string(),
  /** Of the day, when it was sealed last. */
  events: count,
  /** Of these, those that were committed after it was sealed first. */
  late: count,
  sealedAt: z.iso.datetime(),
  renewedAt: z.iso.datetime().nullable(),
})
export type Seal = z.infer<typeof sealSchema>

export interface DayState {
  /** YYYY-MM-DD */
  day: string
  /** Open: events are expected. Late: sealed, and some came after that. */
  state: 'open' | 'sealed' | 'late'
  seal: Seal | null
}

export interface SealerOptions {
  lake: LakeStorage
  root: string
  /** Undefined where all events come from files: then none are waited for. */
  log: EventLog | undefined
  /** Milliseconds after its end during which a day's events are still expected. */
  latenessMs: number
  /** A folder for temporary files, which somebody sweeps. */
  staging: string
  clock: Clock
  signal: AbortSignal
  onSealed?: (seal: Seal) => void
  /** Told how each look of `run` went: what failed, or undefined. */
  onLooked?: (failure: unknown) => void
}

export class Sealer {
  readonly #of: SealerOptions
  /** When a folder was changed last, as of when it was looked at, by day: what has not changed since needs no other look. */
  readonly #seen = new Map<string, number>()

  constructor(options: SealerOptions) {
    this.#of = options
  }

  /** Seals what is due, again and again until the signal aborts. Never rejects: what fails is tried again. */
  async run(): Promise<void> {
    const { signal, clock, onLooked } = this.#of
    while (!signal.aborted) {
      await this.pass().then(
        () => onLooked?.(undefined),
        (error) => onLooked?.(error),
      )
      await clock.sleep(PAUSE_MS, signal)
    }
  }

  /** @throws what the log and the lake throw, COMMIT_CORRUPT; then it may be repeated */
  async pass(): Promise<void> {
    const { lake, root, latenessMs, signal } = this.#of
    const watermark = await this.#watermark()
    const due = new Map<string, number>()
    for await (const { day, modified } of dayFolders(lake, root)) {
      signal.throwIfAborted()
      if (Date.parse(day) + DAY_MS + latenessMs > watermark || this.#seen.get(day) === modified) continue
      due.set(day, modified)
    }
    if (due.size === 0) return
    const events = new Map<string, number>()
    // Of a batch that is half published, the file of a day may be in its folder already, so that nothing there will tell of it.
    const leftOut = new Set<string | null>()
    for await (const { day, events: n } of committedFiles(lake, root, (day) => leftOut.add(day))) {
      signal.throwIfAborted()
      if (day !== null && due.has(day)) events.set(day, (events.get(day) ?? 0) + n)
    }
    for (const [day, modified] of due) {
      if (leftOut.has(day)) continue
      const n = events.get(day)
      if (n !== undefined) await this.#seal(day, n)
      this.#seen.set(day, modified)
    }
  }

  /** Epoch milliseconds, never in the future. */
  async #watermark(): Promise<number> {
    const { lake, root, log, clock } = this.#of
    let least = clock.now()
    if (log === undefined) return least
    // The ends first: what comes meanwhile is not waited for.
    const { topicId, partitions } = await log.describe()
    for (const [partition, { start, end }] of partitions) {
      if (end <= start) continue
      const head = await readHead(lake, root, topicId, partition)
      if (head && head.next >= end) continue
      const last = await lastBatch(lake, root, topicId, partition)
      least = Math.min(least, last?.summary.time.newest ?? 0)
    }
    return least
  }

  async #seal(day: string, events: number): Promise<void> {
    const { lake, root, clock, onSealed } = this.#of
    const [path, away] = [sealPath(root, day), sealAway(root, day)]
    const there = await readSeal(lake, path)
    if (there && events <= there.events) return
    // Away is the seal of a day that somebody died renewing it.
    const seal = sealOf(day, events, there ?? (await readSeal(lake, away)), new Date(clock.now()).toISOString())
    const temporary = `${this.#of.staging}/seal-${randomUUID()}.json`
    await lake.write(temporary, Buffer.from(`${JSON.stringify(seal)}\n`))
    try {
      if (there) {
        await lake.remove(away)
        // Nothing is overwritten: for a moment the day is open again, as it is while late events come.
        await lake.rename(path, away)
      }
      await lake.rename(temporary, path)
    } catch (error) {
      // Another archiver is just sealing it; what is wrong with its counts, the next pass sees.
      if (!hasCode(error, 'LAKE_EXISTS', 'LAKE_NOT_FOUND')) throw error
      await lake.remove(temporary)
      return
    }
    await lake.remove(away)
    onSealed?.(seal)
  }
}

function sealOf(day: string, events: number, before: Seal | undefined, now: string): Seal {
  if (!before) return { day, events, late: 0, sealedAt: now, renewedAt: null }
  if (events <= before.events) return before
  return { ...before, events, late: before.late + events - before.events, renewedAt: now }
}

/** Seals what is due now, for who owns no partition. Never rejects: whoever archives next makes up for what fails. */
export async function sealOnce(of: Omit<SealerOptions, 'staging' | 'log'> & { log: EventLog }): Promise<void> {
  try {
    const { topicId } = await of.log.describe()
    // Older than any fence: the next owner of the partition sweeps what may be left.
    await new Sealer({ ...of, staging: `${partitionStaging(of.root, topicId, 0)}/0` }).pass()
  } catch {
    // Events are archived, sealed or not.
  }
}

/**
 * Seals what is due in a lake that only imports have written to. Where archivers have, they seal: only they know whether
 * more of a day is to come. Should one begin later, its events of sealed days count as late. May be repeated.
 * @throws what the lake throws, COMMIT_CORRUPT, the signal's reason
 */
export async function sealImported(
  of: Omit<SealerOptions, 'staging' | 'log'> & { onRetry: (error: MusicFakerError) => void },
): Promise<void> {
  const { lake, root } = of
  if ((await readLineages(lake, root, of)).size > 0) return
  const staging = `${partitionStaging(root, IMPORT_ID, 0)}/0`
  await new Sealer({ ...of, log: undefined, staging }).pass()
}

/** Whether a day's folder has a seal, of whichever program. */
export async function isSealed(lake: LakeStorage, root: string, day: string): Promise<boolean> {
  return (await lake.stat(sealPath(root, day))) !== undefined
}

function sealPath(root: string, day: string): string {
  return `${dayFolder(root, day)}/${SEAL}`
}

/** Where the seal is that is being renewed. */
function sealAway(root: string, day: string): string {
  return `${stagingFolder(root)}/seals/${day}.json`
}

/** Undefined where there is no seal, or it is another program's. */
async function readSeal(lake: LakeStorage, path: string): Promise<Seal | undefined> {
  try {
    return sealSchema.parse(JSON.parse(Buffer.from(await lake.read(path)).toString()))
  } catch (error) {
    if (error instanceof MusicFakerError && error.code !== 'LAKE_NOT_FOUND') throw error
    return undefined
  }
}

/** The newest days of a lake, newest first. @param limit so many at most */
export async function dayStates(lake: LakeStorage, root: string, limit: number): Promise<DayState[]> {
  const days: string[] = []
  for await (const { day } of dayFolders(lake, root)) {
    days.push(day)
    if (days.length > limit) days.shift()
  }
  const states = days.reverse().map(async (day): Promise<DayState> => {
    const seal = await readSeal(lake, sealPath(root, day))
    return { day, state: seal === undefined ? 'open' : seal.late > 0 ? 'late' : 'sealed', seal: seal ?? null }
  })
  return Promise.all(states)
}
