/**
 * A batch on its way into the lake: its messages are sorted (`sorter.ts`), and the lines written to staged files, one per
 * event day and one for the quarantine. Memory stays flat: a file streams to the lake as it fills.
 */
import type { LakeStorage } from '../lake/storage.ts'
import type { LogBatch } from '../log/log.ts'
import type { BatchLimits, BatchState } from './batch.ts'
import type { BatchContents } from './commits.ts'
import { crcText } from './crc32.ts'
import { dataFile, quarantineFile } from './layout.ts'
import { LARGEST_CHUNK } from './line-chunks.ts'
import type { CommittedFile } from './record.ts'
import { Sorter } from './sorter.ts'
import { StagedFile } from './staged-file.ts'

const DAY_MS = 86_400_000

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
  /** Bytes that are gathered before they go to the lake. */
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
  /** By whole days since the Unix epoch; null is the quarantine. */
  readonly #files = new Map<number | null, StagedFile>()
  #sorter: Sorter | undefined
  #next: number
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
    const { messages = 0, bytes = 0 } = this.#sorter ?? {}
    return { messages, bytes, openedAt: this.#openedAt }
  }

  /**
   * Takes messages from the cursor until it is used up or the batch holds as much as it may.
   * `limits` and `now`, the wall clock in epoch milliseconds, are those of its first call.
   * Resolves false when the batch must close although it is not full by `limits`: another event day would be one too many.
   */
  async take(cursor: Cursor, limits: BatchLimits, now: number): Promise<boolean> {
    this.#openedAt ??= performance.now()
    const { batch } = cursor
    this.#sorter ??= this.#begin(limits, now)
    while (cursor.index < batch.count) {
      const { index, chunk, fits } = this.#sorter.take(batch, cursor.index)
      if (index > cursor.index) this.#next = batch.first + batch.offsetDeltas[index - 1]! + 1
      cursor.index = index
      if (chunk) await this.#file(chunk.day).write(chunk.bytes)
      else if (index < batch.count) return fits
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
    const sorter = this.#sorter ?? this.#begin({ messages: 0, bytes: 0, ageMs: 0 }, at)
    const { files, events, quarantined, summary } = sorter.finish()
    const namesAt = (moment: number) => files.map(({ day }) => this.#nameOf(day, moment))
    let names = namesAt(at)
    for (let moment = at; await this.#anyTaken(names); names = namesAt(moment)) moment += 1_000
    const committed = files.map(({ day, bytes, lines, size, crc }, i): CommittedFile => {
      const file = this.#file(day)
      file.end(bytes)
      const crc32 = crcText(crc)
      return { staged: file.path, path: names[i]!, day: nameOfDay(day), events: lines, bytes: size, crc32 }
    })
    const durable = Promise.all(Array.from(this.#files.values(), (file) => file.durable()))
    // Whoever asked for it may have lost the partition meanwhile, and wait for nothing more.
    durable.catch(() => undefined)
    const contents = {
      ...{ next: this.#next, files: committed, events, quarantined, summary },
      skipped: this.#next - this.#first - sorter.messages,
      readAt: new Date(this.#readAt ?? at).toISOString(),
    }
    return { contents, durable }
  }

  /** Drops the batch: nothing of it was committed. Leftovers are swept by the next claim, so failures are ignored. */
  async discard(): Promise<void> {
    await Promise.allSettled(Array.from(this.#files.values(), (file) => file.discard()))
  }

  #begin(limits: BatchLimits, readAt: number): Sorter {
    const { partition, chunkBytes = LARGEST_CHUNK } = this.#place
    this.#readAt = readAt
    return new Sorter({ partition, chunkBytes, limits, readAt })
  }

  #file(day: number | null): StagedFile {
    const { lake, folder, batch, chunkBytes = LARGEST_CHUNK } = this.#place
    let file = this.#files.get(day)
    if (!file) {
      file = new StagedFile(lake, `${folder}/${batch}-${nameOfDay(day) ?? 'quarantine'}.jsonl`, chunkBytes)
      this.#files.set(day, file)
    }
    return file
  }

  #nameOf(day: number | null, moment: number): string {
    const { root, partition } = this.#place
    const range = [moment, partition, this.#first, this.#next - 1] as const
    const name = nameOfDay(day)
    return name === null ? quarantineFile(root, ...range) : dataFile(root, name, ...range)
  }

  async #anyTaken(paths: readonly string[]): Promise<boolean> {
    const found = await Promise.all(paths.map((path) => this.#place.lake.stat(path)))
    return found.some((entry) => entry !== undefined)
  }
}

/** YYYY-MM-DD. */
function nameOfDay(day: number | null): string | null {
  return day === null ? null : new Date(day * DAY_MS).toISOString().slice(0, 10)
}
