/**
 * A batch on its way into the lake: messages are validated, counted and written to staged files, one per event day and
 * one for the quarantine. Memory stays flat: a file streams to the lake as it fills.
 *
 * A quarantine line: {"partition":0,"offset":17,"reason":"bad_json","detail":"...","at":"2025-07-03T20:08:03.120Z","bytes":"<base64>"}
 */
import { decode, type InvalidEvent, type QuarantineReason } from '../event.ts'
import { EventBytes } from '../event-bytes.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { LogBatch } from '../log/log.ts'
import { SummaryBuilder } from '../stats/summary.ts'
import { type BatchLimits, type BatchState, isLarge, MAX_DAYS } from './batch.ts'
import type { BatchContents } from './commits.ts'
import { dataFile, quarantineFile } from './layout.ts'
import { StagedFile } from './staged-file.ts'

const MINUTES_PER_DAY = 1_440
const DAY_MS = 86_400_000

/** One for all batches: what is read is used before anything else is read. */
const event = new EventBytes()

/** A LogBatch and how far it has been consumed: one read may feed several batches. */
export interface Cursor {
  batch: LogBatch
  /** Index of the next message. */
  index: number
}

export interface StagingPlace {
  lake: LakeStorage
  root: string
  partition: number
  /** Folder of the owner's fence. */
  folder: string
  /** Distinguishes this batch from the owner's others. */
  batch: number
  /** As of `StagedFile`. */
  chunkBytes?: number
}

export interface SealedBatch {
  contents: BatchContents
  /** Settles when every file is whole in the lake, or one cannot be. */
  durable: Promise<unknown>
}

export class StagedBatch {
  readonly #place: StagingPlace
  readonly #first: number
  /** By whole days since the Unix epoch. */
  readonly #days = new Map<number, StagedFile>()
  readonly #summary = new SummaryBuilder()
  readonly #quarantined = new Map<QuarantineReason, number>()
  #quarantine: StagedFile | undefined
  #next: number
  #messages = 0
  #events = 0
  #bytes = 0
  #openedAt: number | undefined
  #readAt: number | undefined

  constructor(place: StagingPlace, first: number) {
    this.#place = place
    this.#first = first
    this.#next = first
  }

  get next(): number {
    return this.#next
  }

  get state(): BatchState {
    return { messages: this.#messages, bytes: this.#bytes, openedAt: this.#openedAt }
  }

  /**
   * Takes messages from the cursor until it is used up or the batch holds as much as it may.
   * `now` is the wall clock in epoch milliseconds. The batch goes by the first one it is given: against that, future dates
   * are held, so that the same messages and the same moment make the same batch again.
   * Resolves false when the batch must close although it is not full by `limits`: another event day would be one too many.
   */
  async take(cursor: Cursor, limits: BatchLimits, now: number): Promise<boolean> {
    this.#openedAt ??= performance.now()
    this.#readAt ??= now
    const { batch } = cursor
    for (; cursor.index < batch.count; cursor.index++) {
      if (isLarge(this.#messages, this.#bytes, limits)) return true
      const start = batch.starts[cursor.index]!
      const end = batch.ends[cursor.index]!
      const offset = batch.first + batch.offsetDeltas[cursor.index]!
      const written = this.#add(batch, start, end, offset, this.#readAt)
      if (written === 'too many days') return false
      if (written) await written
      this.#messages++
      this.#bytes += end - start
      this.#next = offset + 1
    }
    // The run's tail may hold offsets without a message: they are covered too.
    this.#next = batch.next
    return true
  }

  /**
   * Ends the batch. Its contents are certain at once, while its files are still being closed: the record may be written
   * meanwhile, but must not get its number before `durable` has resolved.
   * @param at epoch milliseconds for the stamp in the names; moved on by whole seconds while a name is taken, as it can be
   *   where the topic was made again and begins at the same offsets within the same second
   */
  async seal(at: number): Promise<SealedBatch> {
    const days = Array.from(this.#days, ([day, file]) => [dayName(day), file] as const)
    const quarantine = this.#quarantine
    const namesAt = (moment: number) => {
      const { root, partition } = this.#place
      const range = [moment, partition, this.#first, this.#next - 1] as const
      return [
        ...days.map(([day]) => dataFile(root, day, ...range)),
        ...(quarantine ? [quarantineFile(root, ...range)] : []),
      ]
    }
    let names = namesAt(at)
    for (let moment = at; await this.#anyTaken(names); names = namesAt(moment)) moment += 1_000
    const files = days.map(([day, file], i) => file.seal(names[i]!, day))
    if (quarantine) files.push(quarantine.seal(names.at(-1)!, null))
    const durable = Promise.all(this.#files().map((file) => file.durable()))
    // Whoever asked for it may have lost the partition meanwhile, and wait for nothing more.
    durable.catch(() => undefined)
    const contents = {
      next: this.#next,
      files,
      events: this.#events,
      quarantined: Object.fromEntries(this.#quarantined),
      skipped: this.#next - this.#first - this.#messages,
      readAt: new Date(this.#readAt ?? at).toISOString(),
      summary: this.#summary.build(),
    }
    return { contents, durable }
  }

  /** Drops the batch: nothing of it was committed. Leftovers are swept by the next claim, so failures are ignored. */
  async discard(): Promise<void> {
    await Promise.allSettled(this.#files().map((file) => file.discard()))
  }

  #files(): StagedFile[] {
    return [...this.#days.values(), ...(this.#quarantine ? [this.#quarantine] : [])]
  }

  async #anyTaken(paths: readonly string[]): Promise<boolean> {
    const found = await Promise.all(paths.map((path) => this.#place.lake.stat(path)))
    return found.some((entry) => entry !== undefined)
  }

  #add(
    batch: LogBatch,
    start: number,
    end: number,
    offset: number,
    now: number,
  ): Promise<void> | undefined | 'too many days' {
    const { data, refused } = batch
    if (start < 0 || refused !== undefined || !event.read(data, start, end, now)) {
      return this.#addDecoded(start < 0 ? null : data.subarray(start, end), offset, now, refused)
    }
    const file = this.#dayFile(event.minute)
    if (!file) return 'too many days'
    this.#summary.addBytes(event)
    this.#events++
    return file.append(data, start, end)
  }

  /** For every message whose bytes are not plainly an event's. */
  #addDecoded(
    value: Uint8Array | null,
    offset: number,
    now: number,
    refused: string | undefined,
  ): Promise<void> | undefined | 'too many days' {
    const decoded = refused === undefined ? decode(value, now) : unread(refused)
    if (!decoded.ok) return this.#addQuarantined(value, offset, decoded, now)
    const file = this.#dayFile(decoded.minute)
    if (!file) return 'too many days'
    this.#summary.add(decoded.event, decoded.minute)
    this.#events++
    return file.append(decoded.line)
  }

  /** The file of the day of that minute; undefined where it would be one too many. */
  #dayFile(minute: number): StagedFile | undefined {
    const day = Math.floor(minute / MINUTES_PER_DAY)
    let file = this.#days.get(day)
    if (!file && this.#days.size < MAX_DAYS) {
      file = this.#open(dayName(day))
      this.#days.set(day, file)
    }
    return file
  }

  #open(name: string): StagedFile {
    const { lake, folder, batch, chunkBytes } = this.#place
    return new StagedFile(lake, `${folder}/${batch}-${name}.jsonl`, chunkBytes)
  }

  #addQuarantined(
    value: Uint8Array | null,
    offset: number,
    invalid: InvalidEvent,
    now: number,
  ): Promise<void> | undefined {
    this.#quarantined.set(invalid.reason, (this.#quarantined.get(invalid.reason) ?? 0) + 1)
    this.#quarantine ??= this.#open('quarantine')
    const line = JSON.stringify({
      partition: this.#place.partition,
      offset,
      reason: invalid.reason,
      detail: invalid.detail,
      at: new Date(now).toISOString(),
      bytes: value === null ? null : Buffer.from(value).toString('base64'),
    })
    return this.#quarantine.append(Buffer.from(line))
  }
}

/** A message that the log cannot give: only a batch that is too large is refused message by message. */
function unread(detail: string): InvalidEvent {
  return { ok: false, reason: 'too_large', detail }
}

/** YYYY-MM-DD. */
function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}
