/**
 * Copies the committed events of a lake to files of another format, each event once, however often it is run and wherever
 * it is cut off.
 *
 * A destination is a lake of its own, with the commit log of the archive in it (`archive/commits.ts`): one lineage, named
 * after the format, whose offsets count the events. So what is exported is recorded there; files are written to `_staging`,
 * recorded, and appear by a rename; who is cut off between is finished by the next run; and of two exports to one
 * destination the older one stops.
 */
import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { CommitLog } from '../archive/commits.ts'
import { crcText } from '../archive/crc32.ts'
import { committedFiles } from '../archive/files.ts'
import { dayFolder } from '../archive/layout.ts'
import type { CommittedFile } from '../archive/record.ts'
import { isSealed } from '../archive/seal.ts'
import { takenOver } from '../archive/taken-over.ts'
import { hasCode, type MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { SummaryBuilder } from '../stats/summary.ts'
import { writeDeltaLog } from './delta.ts'
import { compressed, encoderOf, type Format, type RowEncoder } from './formats.ts'
import { wholeLines } from './lines.ts'
import { Backlog, Positions, type Slice, sliceName } from './plan.ts'
import { EventRow } from './row.ts'
import { sourceFiles } from './source.ts'

/** Files of the lake whose names are held at once, some 300 bytes each. */
const FILES_HELD = 200_000
/** A commit has no more files, and ends when it has so many events. */
const COMMIT_FILES = 64
const COMMIT_EVENTS = 2_000_000
/** How often it begins anew without having exported anything, when files are joined while it reads. */
const ATTEMPTS = 5
const LF = 0x0a

export interface ExportOptions {
  lake: LakeStorage
  /** The folder of the topic, such as `/music_events`. */
  root: string
  destination: LakeStorage
  /** The folder of the destination that takes the files. */
  to: string
  format: Format
  /** Days, YYYY-MM-DD, both inclusive; all when left out. */
  from?: string | undefined
  until?: string | undefined
  /** Take days that are not sealed yet as well: what comes of them later is exported in further files. */
  open?: boolean
  /** Write a Delta Lake log as well; parquet only. */
  delta?: boolean
  signal: AbortSignal
  onRetry: (error: MusicFakerError) => void
  /** Told the number of events of this run, often. */
  onProgress?: (events: number) => void
  filesHeld?: number
}

export interface ExportReport {
  format: Format
  /** Of this run. */
  events: number
  files: number
  bytes: number
  /** Days that are left for a later run since they are not sealed, oldest first, with what there is of them so far. */
  waiting: { day: string; events: number }[]
  /** The newest version of the Delta table; null without one. */
  deltaVersion: number | null
}

/**
 * Exports what is committed of sealed days and not exported yet.
 * @throws COMMIT_FENCED when another export to the same destination has begun since; COMMIT_CORRUPT when a file is not what
 *   its record says; COMMIT_UNKNOWN_FORMAT when the destination holds imports and does not say whose; what the storages
 *   throw; the signal's reason. It may be run again after any of them.
 */
export async function exportLake(options: ExportOptions): Promise<ExportReport> {
  const running = new Export(options)
  try {
    return await running.run()
  } catch (error) {
    throw takenOver(error, 'another export to this destination')
  } finally {
    await running.close()
  }
}

class Export {
  readonly #options: ExportOptions
  readonly #report: ExportReport
  readonly #row = new EventRow()
  #commits: CommitLog | undefined
  /** Days that were looked at, and whether they are to be exported. */
  readonly #due = new Map<string, boolean>()
  /** Events read so far, for the progress. */
  #read = 0

  constructor(options: ExportOptions) {
    this.#options = options
    this.#report = { format: options.format, events: 0, files: 0, bytes: 0, waiting: [], deltaVersion: null }
  }

  async run(): Promise<ExportReport> {
    // Who was cut off may have left a record whose files are not in their place yet.
    if (await this.#hasRecords()) this.#commits = await this.#claim()
    for (let attempts = 1; ; attempts++) {
      const before = this.#report.events
      try {
        if (!(await this.#round())) break
      } catch (error) {
        // Joined with others since it was listed: its events are in another file now.
        if (!hasCode(error, 'LAKE_NOT_FOUND') || attempts === ATTEMPTS) throw error
      }
      if (this.#report.events > before) attempts = 0
    }
    if (this.#options.delta) this.#report.deltaVersion = await writeDeltaLog(this.#options)
    return this.#report
  }

  /** Waits for what is under way in the background. */
  async close(): Promise<void> {
    await this.#commits?.close()
  }

  /** Resolves true when another round is needed: there is more than could be held at once, or others have exported since. */
  async #round(): Promise<boolean> {
    const backlog = await this.#backlog()
    if (backlog.empty) return false
    // Claimed only now, so that an export of nothing leaves nothing.
    const commits = this.#commits ?? (await this.#claim())
    const first = this.#commits !== undefined || commits.fence === 1
    this.#commits = commits
    if (!first) return true
    let lot: Slice[] = []
    let events = 0
    for (const slice of backlog.slices()) {
      lot.push(slice)
      events += slice.events
      if (lot.length < COMMIT_FILES && events < COMMIT_EVENTS) continue
      await this.#commit(commits, lot)
      lot = []
      events = 0
    }
    if (lot.length > 0) await this.#commit(commits, lot)
    return backlog.end !== undefined
  }

  async #hasRecords(): Promise<boolean> {
    const { destination, to } = this.#options
    return (await destination.stat(`${to}/_commits`)) !== undefined
  }

  async #backlog(): Promise<Backlog> {
    const { lake, root, destination, to, format, from = '', until, filesHeld = FILES_HELD, signal } = this.#options
    const positions = new Positions()
    for await (const file of committedFiles(destination, to)) {
      if (file.topicId === format) positions.add(file)
    }
    const backlog = new Backlog(positions, filesHeld)
    const waiting = new Map<string, number>()
    for await (const file of sourceFiles(lake, root)) {
      signal.throwIfAborted()
      const { day, events } = file
      if (day === null || day < from || (until !== undefined && day > until)) continue
      if (positions.has(file) || (await this.#isDue(day))) backlog.add(file)
      else waiting.set(day, (waiting.get(day) ?? 0) + events)
    }
    this.#report.waiting = [...waiting].sort().map(([day, events]) => ({ day, events }))
    return backlog
  }

  async #isDue(day: string): Promise<boolean> {
    const { lake, root, open } = this.#options
    if (open) return true
    const due = this.#due.get(day) ?? (await isSealed(lake, root, day))
    this.#due.set(day, due)
    return due
  }

  async #commit(commits: CommitLog, slices: readonly Slice[]): Promise<void> {
    const { destination, to, format } = this.#options
    const summary = new SummaryBuilder()
    const files: CommittedFile[] = []
    try {
      for (const slice of slices) {
        const staged = `${commits.staging}/${randomUUID()}.${format}`
        const written = await this.#write(slice, staged, summary)
        const path = `${dayFolder(to, slice.day)}/${sliceName(slice, format)}`
        files.push({ staged, path, day: slice.day, events: slice.events, ...written })
      }
    } catch (error) {
      // The next run sweeps what is left.
      await Promise.allSettled(files.map(({ staged }) => destination.remove(staged)))
      throw await commits.whyNotStaged(error)
    }
    const events = slices.reduce((sum, slice) => sum + slice.events, 0)
    const next = commits.next + events
    await commits.commit({ next, files, events, quarantined: {}, skipped: 0, summary: summary.build() })
    this.#report.events += events
    this.#report.files += files.length
    for (const { bytes } of files) this.#report.bytes += bytes
  }

  async #write(slice: Slice, staged: string, summary: SummaryBuilder): Promise<{ bytes: number; crc32: string }> {
    let [crc, bytes] = [0, 0]
    const encoder = await encoderOf(this.#options.format)
    const encoded = this.#encode(slice, encoder, summary)
    const counted = async function* (format: Format) {
      for await (const chunk of compressed(format, encoded)) {
        crc = crc32(chunk, crc)
        bytes += chunk.byteLength
        yield chunk
      }
    }
    await this.#options.destination.write(staged, counted(this.#options.format))
    return { bytes, crc32: crcText(crc) }
  }

  async *#encode(slice: Slice, encoder: RowEncoder, summary: SummaryBuilder): AsyncGenerator<Uint8Array> {
    const { lake, signal, onProgress } = this.#options
    const row = this.#row
    let skip = slice.skip
    for (const file of slice.files) {
      row.path = file.path
      for await (const block of wholeLines(lake, file)) {
        signal.throwIfAborted()
        for (let start = 0; start < block.length; ) {
          const end = block.indexOf(LF, start)
          if (skip > 0) skip--
          else {
            row.read(block, start, end, summary)
            encoder.add(row)
            this.#read++
          }
          start = end + 1
        }
        const bytes = encoder.take()
        if (bytes.length > 0) yield bytes
        onProgress?.(this.#read)
      }
    }
    yield encoder.end()
  }

  #claim(): Promise<CommitLog> {
    const { destination, to, format, signal, onRetry } = this.#options
    return CommitLog.claim({
      lake: destination,
      root: to,
      topic: to.slice(1),
      topicId: format,
      partition: 0,
      owner: randomUUID(),
      clock: Date.now,
      signal,
      onRetry,
    })
  }
}
