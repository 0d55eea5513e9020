/**
 * The counts of a batch by minute, so that a window of minutes is exact however many events it holds. A live batch is of
 * one minute or two; one of more than SPLIT_MINUTES is not split, or each record would repeat all of its names' counts.
 * Nor is one whose sample holds every event, from which the same can be counted.
 *
 * On disk, inside a summary, an entry per minute, of 0.36 kB with the generator's names:
 *
 *   minute, events     epoch minute, and its events
 *   genre, platform, device, action, country
 *                      counts in the order of the summary's names; zeros at the end are left out; what is missing to
 *                      `events` are events of no listed name
 *   duration           as in the summary
 */
import { z } from 'zod'
import type { MusicEvent } from '../event.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { DURATION_BUCKETS, durationBucket } from './durations.ts'
import { isCount, plainList } from './plain-list.ts'
import { type NamedCount, Tally } from './tally.ts'

export const SPLIT_MINUTES = 128
/** Names that a summary lists of each field. */
export const NAMES_PER_FIELD = 256

const count = z.number().int().nonnegative()
const counts = plainList(isCount, NAMES_PER_FIELD)
export const durationSchema = z.strictObject({
  sum: count,
  buckets: plainList(isCount, DURATION_BUCKETS, DURATION_BUCKETS),
})

export const splitSchema = z
  .array(
    z.strictObject({
      minute: z.number().int(),
      events: count,
      genre: counts,
      platform: counts,
      device: counts,
      action: counts,
      country: counts,
      duration: durationSchema,
    }),
  )
  .max(SPLIT_MINUTES)
export type Split = z.infer<typeof splitSchema>

export type NamedCounts = { named: NamedCount[]; other: number }

/** What is counted of an event. */
export type Named = Pick<MusicEvent, Dimension | 'duration'>

/** Counts of some events: of a minute, or of a batch. */
export class Counts {
  events = 0
  seconds = 0
  readonly buckets = new Array<number>(DURATION_BUCKETS).fill(0)
  readonly genre = new Tally(NAMES_PER_FIELD)
  readonly platform = new Tally(NAMES_PER_FIELD)
  readonly device = new Tally(NAMES_PER_FIELD)
  readonly action = new Tally(NAMES_PER_FIELD)
  readonly country = new Tally(NAMES_PER_FIELD)

  add(event: Named): void {
    this.events++
    this.genre.add(event.genre)
    this.platform.add(event.platform)
    this.device.add(event.device)
    this.action.add(event.action)
    this.country.add(event.country)
    this.seconds += event.duration
    const bucket = durationBucket(event.duration)
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
  }

  merge(other: Counts): void {
    this.events += other.events
    this.seconds += other.seconds
    for (const [i, n] of other.buckets.entries()) this.buckets[i] = (this.buckets[i] as number) + n
    for (const field of DIMENSIONS) {
      const { named, other: rest } = other[field].read()
      for (const [name, n] of named) this[field].add(name, n)
      this[field].addOther(rest)
    }
  }

  read(): Record<Dimension, NamedCounts> & { duration: z.infer<typeof durationSchema> } {
    return {
      ...perDimension((field) => this[field].read()),
      duration: { sum: this.seconds, buckets: [...this.buckets] },
    }
  }
}

/** Counts of everything together; once divided by minute, until these are too many. */
export class MinuteCounts {
  readonly #parts = new Map<number, Counts>()
  #minute = Number.NaN
  #part = new Counts()
  #divided = false

  /** The counts to which an event of this minute belongs. Most events are of the minute of the one before. */
  at(minute: number): Counts {
    if (this.#divided && minute !== this.#minute) this.#move(minute)
    return this.#part
  }

  /** From here on counts are kept by minute. @param events all that were added so far */
  divide(events: Iterable<{ event: Named; second: number }>): void {
    this.#divided = true
    for (const { event, second } of events) this.at(Math.floor(second / 60)).add(event)
  }

  /** The counts of everything. */
  total(): Counts {
    if (!this.#divided) return this.#part
    const [first] = this.#parts.values()
    if (first && this.#parts.size === 1) return first
    const total = new Counts()
    for (const part of this.#parts.values()) total.merge(part)
    return total
  }

  /** @param listed the names of the total, in the order in which the summary has them */
  split(listed: Record<Dimension, NamedCounts>): Split {
    if (!this.#divided || this.#parts.size < 2) return []
    const aligned = (field: Dimension, part: Counts) => {
      const counts = new Map(part[field].read().named)
      const values = listed[field].named.map(([name]) => counts.get(name) ?? 0)
      return values.slice(0, values.findLastIndex((n) => n > 0) + 1)
    }
    return Array.from(this.#parts, ([minute, part]) => ({
      minute,
      events: part.events,
      ...perDimension((field) => aligned(field, part)),
      duration: { sum: part.seconds, buckets: [...part.buckets] },
    })).sort((a, b) => a.minute - b.minute)
  }

  #move(minute: number): void {
    let part = this.#parts.get(minute)
    if (!part && this.#parts.size === SPLIT_MINUTES) {
      this.#part = this.total()
      this.#divided = false
      this.#parts.clear()
      return
    }
    if (!part) {
      part = new Counts()
      this.#parts.set(minute, part)
    }
    this.#minute = minute
    this.#part = part
  }
}
