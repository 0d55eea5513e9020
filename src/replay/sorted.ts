/**
 * The events of a lake in the order of their timestamps, in bounded memory: day by day, since a file holds events of one
 * day; within a day in sorted runs of so many bytes, which are merged. A day of one run is sorted in memory, more are
 * written to a temporary folder: as much disk as the day has bytes.
 */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { committedFiles, type LakeFile } from '../archive/files.ts'
import { hasCode } from '../errors.ts'
import { decodeArchived } from '../event.ts'
import { EventBytes, TIMESTAMP, USER } from '../event-bytes.ts'
import { wholeLines } from '../export/lines.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { temporaryFailure, temporaryFolder } from '../temporary.ts'

/** Lines of a run. With what is kept about each it takes about three times as much memory. */
const RUN_BYTES = 33_554_432
/** Read of each run at once while they are merged. */
const MERGE_BYTES = 65_536
/** Files of the lake whose names are held at once, some 300 bytes each. */
const FILES_HELD = 200_000
/** Of the event format. */
const FIRST_MOMENT = Date.parse('0001-01-01T00:00:00Z')
const LAST_MOMENT = Date.parse('9999-12-31T23:59:59Z')
/** How often a day is read anew when its files are joined meanwhile. */
const ATTEMPTS = 5
const LF = 0x0a

export interface TimedEvent {
  /** Epoch milliseconds. */
  time: number
  /** As it stands in the event: of two, the earlier is the lesser text. */
  timestamp: string
  user: string
  /** The event's bytes, without a line break. */
  line: Buffer
}

export interface SortOptions {
  lake: LakeStorage
  root: string
  /** Epoch milliseconds, `[from, to)`. */
  from: number
  to: number
  signal: AbortSignal
  runBytes?: number
  filesHeld?: number
}

/**
 * The events of `[from, to)`; those of one moment in the order of partitions and offsets, as far as one run goes.
 * @throws COMMIT_CORRUPT when a file is not what its record says; what `committedFiles` and the lake throw; LAKE_FULL,
 *   CONFIG_INVALID for the temporary folder; the signal's reason
 */
export async function* eventsInOrder(options: SortOptions): AsyncGenerator<TimedEvent> {
  for (let first: string | undefined = dayOf(options.from); first !== undefined; ) {
    const { days, end } = await filesByDay(options, first)
    for (const day of [...days.keys()].sort()) yield* dayInOrder(day, days.get(day) ?? [], options)
    first = end
  }
}

/** The files of the days from `first` on. Where there are too many, the last days are left out, from `end` on. */
async function filesByDay(
  { lake, root, to, filesHeld = FILES_HELD }: SortOptions,
  first: string,
): Promise<{ days: Map<string, LakeFile[]>; end: string | undefined }> {
  const last = dayOf(to - 1)
  const days = new Map<string, LakeFile[]>()
  let end: string | undefined
  let held = 0
  for await (const file of committedFiles(lake, root)) {
    const { day } = file
    if (day === null || day < first || day > last || (end !== undefined && day >= end)) continue
    const files = days.get(day) ?? []
    days.set(day, files)
    files.push(file)
    held++
    while (held > filesHeld && days.size > 1) {
      end = [...days.keys()].reduce((a, b) => (a > b ? a : b))
      held -= days.get(end)?.length ?? 0
      days.delete(end)
    }
  }
  return { days, end }
}

/** Of any moment, also an infinite one. */
function dayOf(time: number): string {
  return new Date(Math.min(Math.max(time, FIRST_MOMENT), LAST_MOMENT)).toISOString().slice(0, 10)
}

async function* dayInOrder(day: string, listed: LakeFile[], options: SortOptions): AsyncGenerator<TimedEvent> {
  let files = listed
  for (let attempt = 1; ; attempt++) {
    const folder = await temporaryFolder('replay')
    try {
      const runs = await sortedRuns(files, folder, options)
      yield* merged(runs)
      return
    } catch (error) {
      // Joined with others since it was listed. All files are read before the first event is given.
      if (!hasCode(error, 'LAKE_NOT_FOUND') || attempt === ATTEMPTS) throw error
      files = (await filesByDay({ ...options, to: Date.parse(day) + 1 }, day)).days.get(day) ?? []
    } finally {
      await rm(folder, { recursive: true })
    }
  }
}

/** All events of the files, as runs that are each in order: the last one in memory, the others in `folder`. */
async function sortedRuns(
  files: LakeFile[],
  folder: string,
  options: SortOptions,
): Promise<AsyncGenerator<TimedEvent>[]> {
  const { runBytes = RUN_BYTES } = options
  const written: string[] = []
  let run: TimedEvent[] = []
  let bytes = 0
  const inOffsets = files.sort((a, b) => a.partition - b.partition || a.first - b.first)
  for await (const event of eventsOf(inOffsets, options)) {
    run.push(event)
    bytes += event.line.length
    if (bytes < runBytes) continue
    written.push(await writeRun(join(folder, String(written.length)), run.sort(byTime)))
    run = []
    bytes = 0
  }
  return [...written.map(readRun), inMemory(run.sort(byTime))]
}

async function* eventsOf(
  files: readonly LakeFile[],
  { lake, from, to, signal }: SortOptions,
): AsyncGenerator<TimedEvent> {
  for (const file of files) {
    for await (const block of wholeLines(lake, file)) {
      signal.throwIfAborted()
      // Kept beyond the block, whose memory may be used again.
      const lines = Buffer.from(block)
      for (let start = 0, end = 0; start < lines.length; start = end + 1) {
        end = lines.indexOf(LF, start)
        const event = read(lines.subarray(start, end))
        if (event.time >= from && event.time < to) yield event
      }
    }
  }
}

const bytes = new EventBytes()

function read(line: Buffer): TimedEvent {
  if (bytes.read(line, 0, line.length)) {
    const time = bytes.minute * 60_000 + bytes.millis
    return { time, timestamp: bytes.text(TIMESTAMP), user: bytes.text(USER), line }
  }
  const { event, minute } = decodeArchived(line, 'the lake')
  const { timestamp, user } = event
  const millis = Number(timestamp.slice(20, 23).padEnd(3, '0'))
  return { time: minute * 60_000 + Number(timestamp.slice(17, 19)) * 1000 + millis, timestamp, user, line }
}

function byTime(a: TimedEvent, b: TimedEvent): number {
  return a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0
}

async function writeRun(path: string, run: readonly TimedEvent[]): Promise<string> {
  try {
    await using handle = await open(path, 'wx')
    for (let i = 0; i < run.length; i += 1_000) {
      const lot = run.slice(i, i + 1_000).flatMap(({ line }) => [line, Buffer.of(LF)])
      await handle.writeFile(Buffer.concat(lot))
    }
    return path
  } catch (error) {
    throw temporaryFailure(error)
  }
}

async function* readRun(path: string): AsyncGenerator<TimedEvent> {
  const handle = await open(path)
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of handle.createReadStream({ highWaterMark: MERGE_BYTES }) as AsyncIterable<Buffer>) {
    const lines = Buffer.concat([rest, chunk])
    let start = 0
    for (let end = lines.indexOf(LF); end >= 0; end = lines.indexOf(LF, start)) {
      yield read(lines.subarray(start, end))
      start = end + 1
    }
    rest = lines.subarray(start)
  }
}

async function* inMemory(run: readonly TimedEvent[]): AsyncGenerator<TimedEvent> {
  yield* run
}

/** Merges runs that are each in order; of equal moments the earlier run comes first. */
async function* merged(runs: AsyncGenerator<TimedEvent>[]): AsyncGenerator<TimedEvent> {
  try {
    const heads: { event: TimedEvent; run: AsyncGenerator<TimedEvent> }[] = []
    for (const run of runs) {
      const { done, value } = await run.next()
      if (!done) heads.push({ event: value, run })
    }
    while (heads.length > 0) {
      let least = 0
      for (let i = 1; i < heads.length; i++) {
        if (byTime(heads[i]!.event, heads[least]!.event) < 0) least = i
      }
      const head = heads[least]!
      yield head.event
      const { done, value } = await head.run.next()
      if (done) heads.splice(least, 1)
      else head.event = value
    }
  } finally {
    await Promise.all(runs.map((run) => run.return(undefined)))
  }
}
