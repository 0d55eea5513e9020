/**
 * The live feed: a bounded sample of the newest messages, read from the tail of the log, so that the page shows events
 * before they are archived. At most ROWS rows are read at a time, whatever the rate; the sample says how many messages of
 * the last second it stands for.
 */
import { decode } from '../event.ts'
import type { EventLog, LogBatch, TopicDescription } from '../log/log.ts'
import type { Recent, Row } from './api.ts'
import { advance } from './rate.ts'
import { row } from './text.ts'

/** Rows taken in one reading: once a second, or four times while somebody watches. */
export const ROWS = 20
/** Rows kept for whoever asks. */
export const KEPT = 100
/** Partitions read in one reading: a topic of 10,000 partitions costs no more than one of 8. */
const PARTITIONS = 8
const MAX_BYTES = 65_536
const MAX_WAIT_MS = 200

/** What a sample stands for is told of so long. */
const TOLD_MS = 1_000

interface Reading {
  /** Epoch milliseconds. */
  at: number
  standsFor: number
  sampled: number
}

export class TailSample {
  readonly #log: EventLog
  #previous: TopicDescription | undefined
  #rows: Row[] = []
  /** Of the last second; the first one of all stands for nothing. */
  #readings: Reading[] = []

  constructor(log: EventLog) {
    this.#log = log
  }

  /** Newest first. */
  current(limit: number): Recent {
    const sum = (part: 'standsFor' | 'sampled') => this.#readings.reduce((total, reading) => total + reading[part], 0)
    return { rows: this.#rows.slice(0, limit), standsFor: sum('standsFor'), sampled: sum('sampled') }
  }

  /**
   * Reads what came since the description before; nothing where no end offset has moved.
   * @throws what the log throws; the rows that are held stay
   */
  async read(topic: TopicDescription, now: number, signal: AbortSignal): Promise<void> {
    if (topic === this.#previous) return
    const previous = this.#previous?.topicId === topic.topicId ? this.#previous : undefined
    this.#previous = topic
    const reading = { at: now, standsFor: previous === undefined ? 0 : advance(previous, topic), sampled: 0 }
    this.#readings = [...this.#readings.filter(({ at }) => now - at < TOLD_MS && at <= now), reading]

    const fresh: Row[] = []
    for (const tail of tails(previous, topic)) fresh.push(...(await this.#readTail(tail, now, signal)))
    const rows = fresh.sort(byTime).slice(0, ROWS)
    if (previous !== undefined) reading.sampled = rows.length
    this.#rows = [...rows, ...this.#rows].slice(0, KEPT)
  }

  async #readTail({ partition, from, end }: Tail, now: number, signal: AbortSignal): Promise<Row[]> {
    const reader = this.#log.open(partition, from)
    try {
      return rowsOf(await reader.read({ maxBytes: MAX_BYTES, maxWaitMs: MAX_WAIT_MS, signal }), end, now)
    } finally {
      await reader.close()
    }
  }
}

/** Offsets `[from, end)` of a partition. */
export interface Tail {
  partition: number
  from: number
  end: number
}

/**
 * From which offset to read which partition: those that moved the most, so many messages each that ROWS come together.
 * The first reading takes the end of every partition, or a page that opens on a quiet log would be empty.
 */
export function tails(previous: TopicDescription | undefined, topic: TopicDescription): Tail[] {
  const moved = [...topic.partitions]
    .map(([partition, { start, end }]) => ({
      partition,
      end,
      from: Math.max(start, previous === undefined ? 0 : (previous.partitions.get(partition)?.end ?? 0)),
    }))
    .filter(({ from, end }) => from < end)
    .sort((a, b) => b.end - b.from - (a.end - a.from))
    .slice(0, PARTITIONS)
  const each = Math.ceil(ROWS / Math.max(1, moved.length))
  return moved.map(({ partition, from, end }) => ({ partition, end, from: Math.max(from, end - each) }))
}

/** The events of a run before the offset `end`: later ones belong to the next sample, whose number includes them. */
function rowsOf(batch: LogBatch, end: number, now: number): Row[] {
  const rows: Row[] = []
  for (let i = 0; i < batch.count && rows.length < ROWS; i++) {
    const offset = batch.first + (batch.offsetDeltas[i] ?? 0)
    if (offset >= end) break
    const start = batch.starts[i] ?? -1
    const decoded = decode(start < 0 ? null : batch.data.subarray(start, batch.ends[i]), now)
    // Invalid messages are counted by the archiver and listed by /api/quarantine; the feed shows events.
    if (!decoded.ok) continue
    rows.push(row(`${batch.partition}-${offset}`, decoded.event))
  }
  return rows
}

function byTime(a: Row, b: Row): number {
  return a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0
}
