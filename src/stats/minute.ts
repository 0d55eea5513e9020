import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { DURATION_BUCKETS, durationBucket } from './durations.ts'
import type { MinuteColumns } from './minute-columns.ts'
import type { Rows } from './rows.ts'
import type { Sample } from './sample.ts'

/** What is known of one minute. */
export class Minute {
  /** Of records with a sample. */
  events = 0
  /** Of records without. */
  unknown = 0
  /** Of `events`, those that are in the counts below. */
  counted = 0
  /** By number of the name; 0 for other names. */
  readonly counts: Record<Dimension, Uint32Array> = perDimension(() => new Uint32Array(8))
  readonly buckets = new Float64Array(DURATION_BUCKETS)
  seconds = 0
  readonly rows: Rows
  /** Rows that it may keep. */
  limit: number

  constructor(rows: Rows, limit: number) {
    this.rows = rows
    this.limit = limit
  }

  /** Whether each of its events has a row of its own. */
  get complete(): boolean {
    return this.rows.threshold === 0 && this.rows.size === this.events
  }

  /** Counts an event that is a row of a sample. @param ids numbers of the sample's names */
  countRow(ids: Record<Dimension, readonly number[]>, columns: Sample['columns'], i: number): void {
    const duration = columns.duration[i] as number
    const bucket = durationBucket(duration)
    this.counted++
    this.seconds += duration
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
    for (const dimension of DIMENSIONS)
      this.count(dimension, ids[dimension][columns[dimension][i] as number] as number, 1)
  }

  /** @param first where its counts begin. @param ids by number of the name there: its number here */
  merge(from: MinuteColumns, i: number, first: number, ids: Record<Dimension, readonly number[]>): void {
    this.events += from.events[i] as number
    this.unknown += from.unknown[i] as number
    this.counted += from.counted[i] as number
    this.seconds += from.seconds[i] as number
    for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) {
      this.buckets[bucket] = (this.buckets[bucket] as number) + (from.buckets[i * DURATION_BUCKETS + bucket] as number)
    }
    let at = first
    for (const [d, dimension] of DIMENSIONS.entries()) {
      const end = at + (from.sizes[i * DIMENSIONS.length + d] as number)
      // The highest number first, so that they need to grow once.
      for (let c = end - 1; c >= at; c--) {
        this.count(dimension, ids[dimension][from.numbers[c] as number] as number, from.counts[c] as number)
      }
      at = end
    }
  }

  count(dimension: Dimension, number: number, events: number): void {
    let counts = this.counts[dimension]
    if (number >= counts.length) {
      const larger = new Uint32Array(Math.max(number + 1, counts.length * 2))
      larger.set(counts)
      this.counts[dimension] = larger
      counts = larger
    }
    counts[number] = (counts[number] as number) + events
  }
}
