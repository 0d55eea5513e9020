/**
 * The live feed: a bounded sample of the newest messages, read from the tail of the log, so that the page shows events
 * before they are archived. At most ROWS rows are read in a second, whatever the rate; the sample says how many messages of
 * the last second it stands for.
 */
import { decode } from '../event.ts'
import type { EventLog, LogBatch, TopicDescription } from '../log/log.ts'
import type { Recent, Row } from './api.ts'
import { advance } from './rate.ts'
import { row } from './text.ts'

/** Rows taken in a second, whether it is read once or, while somebody watches, four times. */
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
   * Reads what came since the description before; nothing where no end offset has moved. Of a topic that was made anew, the
   * rows of its life before are gone: their ids come again.
   * @throws what the log throws; the rows that are held of this topic stay
   */
  async read(topic: TopicDescription, now: number, signal: AbortSignal): Promise<void> {
    if (topic === this.#previous) return
    const previous = this.#previous?.topicId === topic.topicId ? this.#previous : undefined
    this.#previous = topic
    if (previous === undefined) {
      this.#rows = []
      this.#readings = []
    }
    const reading = { at: now, standsFor: previous === undefined ? 0 : advance(previous, topic), sampled: 0 }
    this.#readings = this.#readings.filter(({ at }) => now - at < TOLD_MS && at <= now)
    const room = this.#room(reading)
    this.#readings.push(reading)

    const fresh: Row[] = []
    for (const tail of tails(previous, topic, room))
      fresh.push(...(await this.#readTail(topic.topicId, tail, now, signal)))
    const rows = fresh.sort(byTime).slice(0, room)
    if (previous !== undefined) reading.sampled = rows.length
    this.#rows = [...rows, ...this.#rows].slice(0, KEPT)
  }

  /** How many rows a reading may take: all that came if this second has the room for it, else the share of its time. */
  #room({ at, standsFor }: Reading): number {
    const left = this.#readings.reduce((rows, { sampled }) => rows - sampled, ROWS)
    const sinceMs = at - (this.#readings.at(-1)?.at ?? at - TOLD_MS)
    return standsFor <= left ? left : Math.min(left, Math.ceil((ROWS * sinceMs) / TOLD_MS))
  }

  async #readTail(topicId: string, { partition, from, end }: Tail, now: number, signal: AbortSignal): Promise<Row[]> {
    const reader = this.#log.open({ topicId, partition, from })
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
 * From which offset to read which partition: those that moved the most, so many messages each that `rows` come together.
 * The first reading takes the end of every partition, or a page that opens on a quiet log would be empty.
 */
export function tails(previous: TopicDescription | undefined, topic: TopicDescription, rows = ROWS): Tail[] {
  if (rows === 0) return []
  const moved = [...topic.partitions]
    .map(([partition, { start, end }]) => ({
      partition,
      end,
      from: Math.max(start, previous === undefined ? 0 : (previous.partitions.get(partition)?.end ?? 0)),
    }))
    .filter(({ from, end }) => from < end)
    .sort((a, b) => b.end - b.from - (a.end - a.from))
    .slice(0, PARTITIONS)
  const each = Math.ceil(rows / Math.max(1, moved.length))
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
