/**
 * What becomes of a batch's messages: each is checked, counted, and put as a line into the file of its event's day or into
 * the quarantine. Nothing is read or written here.
 *
 * A quarantine line: {"partition":0,"offset":17,"reason":"bad_json","detail":"...","at":"2025-07-03T20:08:03.120Z","bytes":"<base64>"}
 */
import { decode, type InvalidEvent, type QuarantineReason } from '../event.ts'
import { EventBytes } from '../event-bytes.ts'
import type { LogBatch } from '../log/log.ts'
import { type Summary, SummaryBuilder } from '../stats/summary.ts'
import { type BatchLimits, isLarge, MAX_DAYS } from './batch.ts'
import { LineChunks } from './line-chunks.ts'

const MINUTES_PER_DAY = 1_440

/** One for all batches: what is read is used before anything else is read. */
const event = new EventBytes()

export interface SorterOptions {
  partition: number
  /** As of `LineChunks`. */
  chunkBytes: number
  limits: BatchLimits
  /**
   * Epoch milliseconds: the moment that the batch goes by. Against that, future dates are held, so that the same messages
   * and the same moment make the same batch again.
   */
  readAt: number
}

/** Bytes for the end of a file, by whole days since the Unix epoch; null is the quarantine. */
export interface Chunk {
  day: number | null
  bytes: Uint8Array
}

/** How far a run was taken. */
export interface Sorted {
  /** The message after the last one that was taken. */
  index: number
  /** What is to be written before anything that follows: it is full, and more of the run may be left. */
  chunk: Chunk | undefined
  /** False when the message at `index` needs the file of another event day, which would be one too many. */
  fits: boolean
}

/** A batch that is complete. */
export interface SortedBatch {
  /** In the order in which the days came, the quarantine last. */
  files: (Chunk & { lines: number; size: number; crc: number })[]
  events: number
  quarantined: Partial<Record<QuarantineReason, number>>
  summary: Summary
}

/** Sorts the messages of one batch. */
export class Sorter {
  readonly #options: SorterOptions
  readonly #days = new Map<number, LineChunks>()
  #quarantine: LineChunks | undefined
  readonly #summary = new SummaryBuilder()
  readonly #quarantined = new Map<QuarantineReason, number>()
  /** Taken so far, and their bytes. */
  messages = 0
  bytes = 0
  #events = 0
  /** The full one that the last message has left. */
  #chunk: Chunk | undefined

  constructor(options: SorterOptions) {
    this.#options = options
  }

  /** Takes messages from `from` on until a chunk is full, the batch holds as much as it may, or the run is used up. */
  take(batch: LogBatch, from: number): Sorted {
    const { count, starts, ends, offsetDeltas, first } = batch
    const { limits, readAt } = this.#options
    event.now = readAt
    this.#chunk = undefined
    for (let index = from; index < count; index++) {
      if (this.#chunk || isLarge(this.messages, this.bytes, limits)) return { index, chunk: this.#chunk, fits: true }
      const start = starts[index]!
      const end = ends[index]!
      if (!this.#add(batch, start, end, first + offsetDeltas[index]!)) return { index, chunk: undefined, fits: false }
      this.messages++
      this.bytes += end - start
    }
    return { index: count, chunk: this.#chunk, fits: true }
  }

  /** Ends the batch. */
  finish(): SortedBatch {
    const files = Array.from(this.#days, ([day, lines]) => ended(day, lines))
    if (this.#quarantine) files.push(ended(null, this.#quarantine))
    const quarantined = Object.fromEntries(this.#quarantined)
    return { files, events: this.#events, quarantined, summary: this.#summary.build() }
  }

  /** @returns false where the event would need a day too many; then it has not been added */
  #add({ data, refused }: LogBatch, start: number, end: number, offset: number): boolean {
    if (start < 0 || refused !== undefined || !event.read(data, start, end)) {
      return this.#addDecoded(start < 0 ? null : data.subarray(start, end), offset, refused)
    }
    const day = Math.floor(event.minute / MINUTES_PER_DAY)
    const lines = this.#linesOf(day)
    if (!lines) return false
    this.#summary.addBytes(event)
    this.#events++
    this.#keep(day, lines.append(data, start, end))
    return true
  }

  /** For every message whose bytes are not plainly an event's. */
  #addDecoded(value: Uint8Array | null, offset: number, refused: string | undefined): boolean {
    const decoded = refused === undefined ? decode(value, this.#options.readAt) : unread(refused)
    if (!decoded.ok) {
      this.#addQuarantined(value, offset, decoded)
      return true
    }
    const day = Math.floor(decoded.minute / MINUTES_PER_DAY)
    const lines = this.#linesOf(day)
    if (!lines) return false
    this.#summary.add(decoded.event, decoded.minute)
    this.#events++
    this.#keep(day, lines.append(decoded.line))
    return true
  }

  #addQuarantined(value: Uint8Array | null, offset: number, { reason, detail }: InvalidEvent): void {
    const { partition, readAt, chunkBytes } = this.#options
    this.#quarantined.set(reason, (this.#quarantined.get(reason) ?? 0) + 1)
    this.#quarantine ??= new LineChunks(chunkBytes)
    const at = new Date(readAt).toISOString()
    const base64 = value === null ? null : Buffer.from(value).toString('base64')
    const line = JSON.stringify({ partition, offset, reason, detail, at, bytes: base64 })
    this.#keep(null, this.#quarantine.append(Buffer.from(line)))
  }

  #keep(day: number | null, bytes: Buffer | undefined): void {
    if (bytes) this.#chunk = { day, bytes }
  }

  /** The lines of a day; undefined where it would be one too many. */
  #linesOf(day: number): LineChunks | undefined {
    let lines = this.#days.get(day)
    if (!lines && this.#days.size < MAX_DAYS) {
      lines = new LineChunks(this.#options.chunkBytes)
      this.#days.set(day, lines)
    }
    return lines
  }
}

/** A message that the log cannot give: only a batch that is too large is refused message by message. */
function unread(detail: string): InvalidEvent {
  return { ok: false, reason: 'too_large', detail }
}

function ended(day: number | null, file: LineChunks): SortedBatch['files'][number] {
  const bytes = file.rest()
  return { day, bytes, lines: file.lines, size: file.bytes, crc: file.crc }
}
