/**
 * A batch on its way into the lake: messages are validated, counted and written to staged files, one per event day and
 * one for the quarantine. Memory stays flat: a file streams to the lake as it fills.
 *
 * A quarantine line: {"partition":0,"offset":17,"reason":"bad_json","detail":"...","at":"2025-07-03T20:08:03.120Z","bytes":"<base64>"}
 */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { crc32 } from 'node:zlib'
import { decode, type InvalidEvent, type QuarantineReason } from '../event.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { LogBatch } from '../log/log.ts'
import { SummaryBuilder } from '../stats/summary.ts'
import { type BatchLimits, type BatchState, isLarge, MAX_DAYS } from './batch.ts'
import type { BatchContents } from './commits.ts'
import { dataFile, quarantineFile } from './layout.ts'
import type { CommittedFile } from './record.ts'

const FIRST_CHUNK = 16_384
const LARGEST_CHUNK = 262_144
const LF = 0x0a

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
}

export class StagedBatch {
  readonly #place: StagingPlace
  readonly #first: number
  readonly #days = new Map<string, StagedFile>()
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
    while (cursor.index < batch.count) {
      if (isLarge(this.#messages, this.#bytes, limits)) return true
      const start = batch.starts[cursor.index]!
      const value = start < 0 ? null : batch.data.subarray(start, batch.ends[cursor.index]!)
      const offset = batch.first + batch.offsetDeltas[cursor.index]!
      const written = this.#add(value, offset, this.#readAt, batch.refused)
      if (written === 'too many days') return false
      if (written) await written
      cursor.index++
      this.#messages++
      this.#bytes += value?.length ?? 0
      this.#next = offset + 1
    }
    // The run's tail may hold offsets without a message: they are covered too.
    this.#next = batch.next
    return true
  }

  /**
   * Closes and makes durable every file.
   * @param at epoch milliseconds for the stamp in the names; moved on by whole seconds while a name is taken, as it can be
   *   where the topic was made again and begins at the same offsets within the same second
   */
  async close(at: number): Promise<BatchContents> {
    const [days, quarantine] = [[...this.#days], this.#quarantine]
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
    const files = await Promise.all([
      ...days.map(([day, file], i) => file.close(names[i]!, day)),
      ...(quarantine ? [quarantine.close(names.at(-1)!, null)] : []),
    ])
    return {
      next: this.#next,
      files,
      events: this.#events,
      quarantined: Object.fromEntries(this.#quarantined),
      skipped: this.#next - this.#first - this.#messages,
      readAt: new Date(this.#readAt ?? at).toISOString(),
      summary: this.#summary.build(),
    }
  }

  /** Drops the batch: nothing of it was committed. Leftovers are swept by the next claim, so failures are ignored. */
  async discard(): Promise<void> {
    const files = [...this.#days.values(), ...(this.#quarantine ? [this.#quarantine] : [])]
    await Promise.allSettled(files.map((file) => file.discard()))
  }

  async #anyTaken(paths: readonly string[]): Promise<boolean> {
    const found = await Promise.all(paths.map((path) => this.#place.lake.stat(path)))
    return found.some((entry) => entry !== undefined)
  }

  #add(
    value: Uint8Array | null,
    offset: number,
    now: number,
    refused: string | undefined,
  ): Promise<void> | undefined | 'too many days' {
    const decoded = refused === undefined ? decode(value, now) : unread(refused)
    if (!decoded.ok) return this.#addQuarantined(value, offset, decoded, now)
    let file = this.#days.get(decoded.day)
    if (!file) {
      if (this.#days.size >= MAX_DAYS) return 'too many days'
      file = new StagedFile(this.#place.lake, `${this.#place.folder}/${this.#place.batch}-${decoded.day}.jsonl`)
      this.#days.set(decoded.day, file)
    }
    this.#summary.add(decoded.event, decoded.minute)
    this.#events++
    return file.append(decoded.line)
  }

  #addQuarantined(
    value: Uint8Array | null,
    offset: number,
    invalid: InvalidEvent,
    now: number,
  ): Promise<void> | undefined {
    this.#quarantined.set(invalid.reason, (this.#quarantined.get(invalid.reason) ?? 0) + 1)
    this.#quarantine ??= new StagedFile(this.#place.lake, `${this.#place.folder}/${this.#place.batch}-quarantine.jsonl`)
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

/** One staged file. Small ones go to the lake in one call at the end, larger ones stream from the first full chunk on. */
class StagedFile {
  readonly #lake: LakeStorage
  readonly #path: string
  #chunk = Buffer.allocUnsafe(FIRST_CHUNK)
  #used = 0
  #lines = 0
  #bytes = 0
  #crc = 0
  #stream: PassThrough | undefined
  #written: Promise<number> | undefined

  constructor(lake: LakeStorage, path: string) {
    this.#lake = lake
    this.#path = path
  }

  /** Adds a line. Gives a promise only when the caller must wait for the lake. */
  append(line: Uint8Array): Promise<void> | undefined {
    this.#lines++
    const size = line.length + 1
    if (this.#used + size > this.#chunk.length && this.#chunk.length < LARGEST_CHUNK) this.#grow(this.#used + size)
    if (this.#used + size <= this.#chunk.length) {
      this.#put(line)
      return undefined
    }
    const waiting = this.#used > 0 ? this.#send(this.#takeChunk()) : undefined
    this.#chunk = Buffer.allocUnsafe(Math.max(LARGEST_CHUNK, size))
    this.#put(line)
    return waiting
  }

  async close(path: string, day: string | null): Promise<CommittedFile> {
    const rest = this.#takeChunk()
    if (this.#stream) {
      await this.#send(rest)
      this.#stream.end()
    } else {
      this.#account(rest)
      this.#written = this.#lake.write(this.#path, rest)
    }
    await this.#written
    const crc = this.#crc.toString(16).padStart(8, '0')
    return { staged: this.#path, path, day, events: this.#lines, bytes: this.#bytes, crc32: crc }
  }

  async discard(): Promise<void> {
    this.#stream?.destroy()
    await this.#written?.catch(() => undefined)
    if (this.#written) await this.#lake.remove(this.#path)
  }

  #put(line: Uint8Array): void {
    this.#chunk.set(line, this.#used)
    this.#used += line.length
    this.#chunk[this.#used++] = LF
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.min(LARGEST_CHUNK, Math.max(needed, this.#chunk.length * 4)))
    larger.set(this.#chunk.subarray(0, this.#used))
    this.#chunk = larger
  }

  #takeChunk(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#used)
    this.#used = 0
    return chunk
  }

  #account(chunk: Buffer): void {
    this.#crc = crc32(chunk, this.#crc)
    this.#bytes += chunk.length
  }

  async #send(chunk: Buffer): Promise<void> {
    this.#account(chunk)
    if (!this.#stream) {
      const stream = new PassThrough({ highWaterMark: 2 * LARGEST_CHUNK })
      // The failure is reported by #written; without a listener it would end the process.
      stream.on('error', () => undefined)
      this.#stream = stream
      this.#written = this.#lake.write(this.#path, stream)
      this.#written.catch(() => stream.destroy())
    }
    // The lake may fail while this waits for it to drain: then #written rejects and ends the wait.
    if (!this.#stream.write(chunk)) await Promise.race([once(this.#stream, 'drain'), this.#written])
    if (this.#stream.destroyed) await this.#written
  }
}
