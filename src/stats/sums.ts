/** Adds up what a window and a filter leave of the events: from the counts of a minute where it can, else row by row. */
import type { Cells } from './cells.ts'
import { DIMENSIONS } from './dimensions.ts'
import { DistinctNumbers } from './distinct-numbers.ts'
import { DURATION_BUCKETS, durationBucket } from './durations.ts'
import type { Minute } from './minute.ts'
import type { Rows } from './rows.ts'
import { type FieldColumns, type Filter, fieldColumns, MANY, NONE, Sieve } from './sieve.ts'
import { weekHour } from './week-hour.ts'

export interface CellQuery {
  filter: Filter
  /** Epoch seconds, whole; both may be infinite. */
  from: number
  to: number
  /** The curves: whole seconds from `start` on, `steps` of them. */
  curve: { start: number; step: number; steps: number }
}

/** What was added of a minute already, so that its rows give only the rest. */
interface Added {
  /** Its number of events. */
  known: boolean
  /** Its fields and durations. */
  counted: boolean
  /** Its place in the curves. */
  drawn: boolean
}

/** Skips leave out the filter of actions: these are what they are about. */
export const passesButAction = (missed: number) => missed === NONE || missed === DIMENSIONS.indexOf('action')

/** Sums may have fractions where they are of a sample. */
export class Sums {
  readonly sieve: Sieve
  /** Numbers of the names of these two actions; -1 before there are any. */
  readonly play: number
  readonly skip: number
  /** Events, and whether they are exact. */
  events = 0
  eventsExact = true
  /** Events of the window that only records without a sample know. */
  unknown = 0
  /** By number of the name, in the order of DIMENSIONS. */
  readonly fields: Float64Array[]
  readonly buckets = new Float64Array(DURATION_BUCKETS)
  /** Duration of `timed` events. */
  seconds = 0
  timed = 0
  /** Of `fields` and durations. */
  exact = true
  readonly users = new DistinctNumbers()
  readonly tracks: Float64Array
  /** Whether there were tracks that had no place. */
  unnamed = false
  /** Of users, tracks, plays and skips. */
  rowsExact = true
  readonly curve: Float64Array
  /** By number of the genre and step. */
  readonly genres: Float64Array
  curveExact = true
  /** By hour of the week. */
  readonly hours = new Float64Array(7 * 24)
  hoursExact = true
  /** By number of the device. */
  readonly plays: Float64Array
  readonly skips: Float64Array
  readonly #cells: Cells
  readonly #query: CellQuery
  readonly #scale: number

  /** @param scale what the weights of sampled rows are multiplied by */
  constructor(cells: Cells, query: CellQuery, scale: number) {
    this.#cells = cells
    this.#query = query
    this.#scale = scale
    const { names } = cells
    this.sieve = new Sieve(cells, query.filter)
    this.fields = DIMENSIONS.map((dimension) => new Float64Array(names[dimension].end))
    this.tracks = new Float64Array(cells.tracks.end)
    this.curve = new Float64Array(query.curve.steps)
    this.genres = new Float64Array(query.curve.steps * names.genre.end)
    this.plays = new Float64Array(names.device.end)
    this.skips = new Float64Array(names.device.end)
    this.play = names.action.find('play') ?? -1
    this.skip = names.action.find('skip') ?? -1
    if (this.sieve.isVague) this.lacks()
  }

  /** Something may be missing: the window reaches further back than what is kept, or that is a sample, or a name had no place. */
  lacks(): void {
    this.eventsExact = false
    this.exact = false
    this.rowsExact = false
    this.curveExact = false
    this.hoursExact = false
  }

  /** @param second when the minute begins, in epoch seconds */
  addMinute(second: number, minute: Minute): void {
    const { from, to, curve } = this.#query
    const whole = second >= from && second + 60 <= to
    // Only the hours of the week, which leave out their own filter, tell of a moment outside of it.
    const outside = this.sieve.leavesOut(second)
    if (whole && !outside) this.unknown += minute.unknown
    const known = !this.sieve.hasFields && whole
    const counted = known && !outside && minute.counted === minute.events
    const drawn = counted && curve.step % 60 === 0 && (second - curve.start) % 60 === 0
    if (!minute.complete) this.hoursExact &&= known
    if (!minute.complete && !outside) {
      this.rowsExact = false
      this.eventsExact &&= known
      this.exact &&= counted
      this.curveExact &&= drawn
    }
    if (known) this.#addHour(second, minute.events)
    if (known && !outside) this.events += minute.events
    if (counted) this.#addCounts(minute)
    if (drawn) this.#draw(second, minute)
    this.#addRows(minute.rows, minute.complete ? 1 : this.#scale, { known, counted, drawn })
  }

  /** Adds the sample of all time. */
  addAll(): void {
    const { all, allAreSampled, unknown } = this.#cells
    this.unknown += unknown
    if (!allAreSampled) this.lacks()
    this.#addRows(all, this.#scale, { known: false, counted: false, drawn: false })
  }

  #addCounts(minute: Minute): void {
    this.seconds += minute.seconds
    this.timed += minute.events
    for (const [d, dimension] of DIMENSIONS.entries()) {
      const sums = this.fields[d] as Float64Array
      for (const [i, n] of minute.counts[dimension].entries()) if (n > 0) sums[i] = (sums[i] as number) + n
    }
    for (const [i, n] of minute.buckets.entries()) this.buckets[i] = (this.buckets[i] as number) + n
  }

  #draw(second: number, minute: Minute): void {
    const step = this.#step(second)
    if (step < 0) return
    this.curve[step] = (this.curve[step] as number) + minute.events
    for (const [genre, n] of minute.counts.genre.entries()) if (n > 0) this.#addGenre(step, genre, n)
  }

  #addRows(rows: Rows, scale: number, added: Added): void {
    const { second, genre, device, action, track, duration, user } = rows.columns
    const columns = fieldColumns(rows)
    const { from, to } = this.#query
    const { sieve } = this
    for (let i = 0; i < rows.size; i++) {
      const at = second[i] as number
      if (at < from || at >= to) continue
      const n = rows.weight(i) * scale
      const missed = sieve.missed(columns, i)
      if (missed === MANY) continue
      if (sieve.leavesOut(at)) {
        if (missed === NONE && !added.known) this.#addHour(at, n)
        continue
      }
      if (passesButAction(missed)) this.#addSkips(device[i] as number, action[i] as number, n)
      if (!added.counted) this.#addFields(columns, i, missed, n)
      if (missed !== NONE) continue
      if (!added.known) {
        this.events += n
        this.#addHour(at, n)
      }
      if (!added.counted) this.#addDuration(duration[i] as number, n)
      if (!added.drawn) this.#drawRow(at, genre[i] as number, n)
      this.users.add(user[i] as number)
      const played = track[i] as number
      if (played === 0) this.unnamed = true
      this.tracks[played] = (this.tracks[played] as number) + n
    }
  }

  #addSkips(device: number, action: number, n: number): void {
    if (action === this.play) this.plays[device] = (this.plays[device] as number) + n
    else if (action === this.skip) this.skips[device] = (this.skips[device] as number) + n
  }

  /** A row counts for a field when it passes all filters but perhaps that field's own. */
  #addFields(columns: FieldColumns, i: number, missed: number, n: number): void {
    for (let d = 0; d < columns.length; d++) {
      if (missed !== NONE && missed !== d) continue
      const sums = this.fields[d] as Float64Array
      const value = columns[d]?.[i] as number
      sums[value] = (sums[value] as number) + n
    }
  }

  #addDuration(duration: number, n: number): void {
    const bucket = durationBucket(duration)
    this.buckets[bucket] = (this.buckets[bucket] as number) + n
    this.seconds += duration * n
    this.timed += n
  }

  #drawRow(second: number, genre: number, n: number): void {
    const step = this.#step(second)
    if (step < 0) return
    this.curve[step] = (this.curve[step] as number) + n
    this.#addGenre(step, genre, n)
  }

  /** -1 where the curves have none. */
  #step(second: number): number {
    const { start, step, steps } = this.#query.curve
    const i = Math.floor((second - start) / step)
    return i >= 0 && i < steps ? i : -1
  }

  #addGenre(step: number, genre: number, n: number): void {
    const i = genre * this.#query.curve.steps + step
    this.genres[i] = (this.genres[i] as number) + n
  }

  #addHour(second: number, n: number): void {
    const i = weekHour(second)
    this.hours[i] = (this.hours[i] as number) + n
  }
}
