/**
 * Metrics of what this very process does: archiving, and its calls of the lake. They begin at 0 with the process; what is in
 * the lake as a whole is told by the dashboard (`dashboard/metrics.ts`), whose names are others, so that no sum over
 * processes counts anything twice.
 */
import { Counter, Histogram, Registry } from '@prometheus-io/client'
import type { ArchiveEvent } from './archive/archiver.ts'
import { type BatchRecord, quarantinedCount } from './archive/record.ts'
import { MusicFakerError } from './errors.ts'
import type { LakeStorage } from './lake/storage.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const EVENTS = [1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000]
const BYTES = [1_024, 16_384, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864, 268_435_456]

export class ProcessMetrics {
  readonly #registry = new Registry()
  readonly #messages = new Counter({
    name: 'musicfaker_archiver_messages_total',
    help: 'Messages and offsets that this process has committed, by outcome',
    labelNames: ['outcome'],
    registers: [this.#registry],
  })
  readonly #commits = new Histogram({
    name: 'musicfaker_commit_duration_seconds',
    help: 'From a batch whose files are staged to its files being published',
    buckets: SECONDS,
    registers: [this.#registry],
  })
  readonly #events = new Histogram({
    name: 'musicfaker_batch_events',
    help: 'Events of a committed batch',
    buckets: EVENTS,
    registers: [this.#registry],
  })
  readonly #bytes = new Histogram({
    name: 'musicfaker_batch_bytes',
    help: 'Bytes of the files of a committed batch',
    buckets: BYTES,
    registers: [this.#registry],
  })
  readonly #retries = new Counter({
    name: 'musicfaker_archiver_retries_total',
    help: 'Failures that were waited out, by code',
    labelNames: ['code'],
    registers: [this.#registry],
  })
  readonly #stopped = new Counter({
    name: 'musicfaker_archiver_stopped_partitions_total',
    help: 'Partitions that had to be given up, by code',
    labelNames: ['code'],
    registers: [this.#registry],
  })
  readonly #calls = new Counter({
    name: 'musicfaker_lake_calls_total',
    help: 'Calls of the lake (HDFS, or a folder), by operation and result: ok, or the code of the error',
    labelNames: ['operation', 'result'],
    registers: [this.#registry],
  })
  readonly #callSeconds = new Histogram({
    name: 'musicfaker_lake_call_duration_seconds',
    help: 'How long calls of the lake took, by operation',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers: [this.#registry],
  })

  /** The Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Counts what an archiver of this process reports. */
  archived(event: ArchiveEvent): void {
    if (event.kind === 'committed') this.#committed(event.record, event.seconds)
    else if (event.kind === 'gap') this.#messages.inc({ outcome: 'lost' }, event.next - event.first)
    else if (event.kind === 'retrying') this.#retries.inc({ code: event.error.code })
    else if (event.kind === 'stopped') this.#stopped.inc({ code: event.error.code })
  }

  /** The same lake, its calls counted. */
  measured(lake: LakeStorage): LakeStorage {
    return {
      write: (path, body) => this.#call('write', () => lake.write(path, body)),
      rename: (from, to) => this.#call('rename', () => lake.rename(from, to)),
      read: (path) => this.#call('read', () => lake.read(path)),
      stat: (path) => this.#call('stat', () => lake.stat(path)),
      remove: (path) => this.#call('remove', () => lake.remove(path)),
      stream: (path) => this.#iteration('stream', lake.stream(path)),
      list: (path, options) => this.#iteration('list', lake.list(path, options)),
      ...(lake.concat && {
        concat: (to: string, sources: readonly string[]) => this.#call('concat', () => lake.concat!(to, sources)),
      }),
      close: () => lake.close(),
    }
  }

  #committed(record: BatchRecord, seconds: number): void {
    this.#messages.inc({ outcome: 'archived' }, record.events)
    this.#messages.inc({ outcome: 'quarantined' }, quarantinedCount(record))
    this.#messages.inc({ outcome: 'skipped' }, record.skipped)
    this.#commits.observe(seconds)
    this.#events.observe(record.events)
    this.#bytes.observe(record.files.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  async #call<T>(operation: string, call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      const result = await call()
      this.#ended(operation, 'ok', began)
      return result
    } catch (error) {
      this.#ended(operation, resultOf(error), began)
      throw error
    }
  }

  /** The time of whoever takes the items is in it, too. */
  async *#iteration<T>(operation: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const began = performance.now()
    let result = 'ok'
    try {
      yield* items
    } catch (error) {
      result = resultOf(error)
      throw error
    } finally {
      this.#ended(operation, result, began)
    }
  }

  #ended(operation: string, result: string, began: number): void {
    this.#calls.inc({ operation, result })
    this.#callSeconds.observe({ operation }, (performance.now() - began) / 1_000)
  }
}

function resultOf(error: unknown): string {
  return error instanceof MusicFakerError ? error.code.toLowerCase() : 'unexpected'
}
