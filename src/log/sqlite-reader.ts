/** Reads one partition of the embedded log. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'
import type { LogBatch, PartitionReader, ReadFrom } from './log.ts'
import { damaged } from './sqlite-errors.ts'
import { closedError, type Prepare, type SqliteFile } from './sqlite-file.ts'
import { bytesOf, fitting, type Run, type RunSlice, toBatch, unpack } from './sqlite-run.ts'
import { findSameTopic, type Topic, watermarks } from './sqlite-topic.ts'

/** Bounds how long one read may block the thread where each append was small: a run costs about 5 µs. */
const BATCH_RUNS = 1_000

/**
 * Holds, besides the batch it gives, the run in which its position lies: about 1 MiB, or one larger message. When the
 * signal aborts, a waiting read resolves with an empty batch.
 */
export class SqliteReader implements PartitionReader {
  readonly #file: SqliteFile
  readonly #topic: string
  readonly #topicId: string
  readonly #partition: number
  #position: number
  #run: Run | undefined
  #closed = false

  constructor(file: SqliteFile, topic: string, { topicId, partition, from }: ReadFrom) {
    this.#file = file
    this.#topic = topic
    this.#topicId = topicId
    this.#partition = partition
    this.#position = from
  }

  async read(options: { maxBytes: number; maxWaitMs: number; signal?: AbortSignal }): Promise<LogBatch> {
    const { changes } = this.#file
    const deadline = performance.now() + options.maxWaitMs
    for (;;) {
      if (this.#closed) throw closedError(`${this.#file.path} (partition ${this.#partition})`)
      const seen = changes.version
      const batch = await this.#file.read((sql) => this.#take(sql, options.maxBytes))
      const left = deadline - performance.now()
      if (batch.count > 0 || left <= 0 || options.signal?.aborted) {
        this.#position = batch.next
        // Nothing above waits for the event loop: a caller that reads in a loop would never let timers and signals in.
        await nextTurn()
        return batch
      }
      await changes.wait(seen, left, options.signal)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#run = undefined
  }

  #take(sql: Prepare, maxBytes: number): LogBatch {
    const topic = findSameTopic(sql, this.#topic, this.#file.path, this.#topicId)
    const end = this.#checkPosition(sql, topic)
    const slices: RunSlice[] = []
    let position = this.#position
    let room = maxBytes
    while (position < end && slices.length < BATCH_RUNS) {
      const run = this.#runAt(sql, topic, position)
      const from = position - run.base
      // The first message comes whatever its size, or a large one would block its partition for ever.
      const count = Math.max(fitting(run, from, room), slices.length === 0 ? 1 : 0)
      if (count === 0) break
      const to = from + count
      const slice = { run, from, to }
      slices.push(slice)
      room -= bytesOf(slice)
      position += count
      if (to < run.ends.length) break
      // A reader that waits at the end holds nothing: there may be thousands of partitions.
      this.#run = undefined
    }
    return toBatch(this.#partition, this.#position, end, slices)
  }

  /** The partition's end. */
  #checkPosition(sql: Prepare, topic: Topic): number {
    const marks = watermarks(sql, topic, this.#partition)
    const where = `partition ${this.#partition} of topic "${this.#topic}"`
    if (!marks) {
      throw new MusicFakerError('LOG_REFUSED', `there is no ${where}: it has ${topic.partitions} partitions`)
    }
    const { start, end } = marks
    if (this.#position >= start && this.#position <= end) return end
    // Beyond the end is gone too: waiting there would pass over what is appended before it.
    throw new MusicFakerError(
      'LOG_OFFSET_GONE',
      `${where} has no offset ${this.#position}: it holds ${start} to ${end}`,
      { next: 'Look at what the lake and the log hold: music-faker status' },
    )
  }

  /** The run that holds an offset of the partition. */
  #runAt(sql: Prepare, topic: Topic, offset: number): Run {
    const kept = this.#run
    if (kept && offset >= kept.base && offset < kept.base + kept.ends.length) return kept
    const row = sql(`
      SELECT base, count, packed FROM runs WHERE topic = ? AND partition = ? AND base <= ? ORDER BY base DESC LIMIT 1`).get(
      topic.key,
      this.#partition,
      offset,
    ) as { base: number; count: number; packed: Uint8Array } | undefined
    const run = row && unpack(row.base, row.count, row.packed)
    if (!run || offset >= run.base + run.ends.length) {
      throw damaged(this.#file.path, `offset ${offset} of partition ${this.#partition} cannot be read`)
    }
    this.#run = run
    return run
  }
}
