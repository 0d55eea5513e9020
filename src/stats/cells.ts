/**
 * The events by minute, and a sample of them, in bounded memory: what windows and filters are answered from.
 *
 * Each of the newest RECENT_MINUTES has its counts by value, exact, and a sample of its rows: more of the newest
 * FINE_MINUTES, fewer of those before. A sample of as many again is of all time. While there are no more events than
 * rows, every figure is exact. With all places taken this holds about 60 MB, whatever the age or size of the lake.
 */
import type { BatchRecord } from '../archive/record.ts'
import type { CellsState } from './cells-state.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { hash64 } from './hash.ts'
import { Minute } from './minute.ts'
import { countsOf } from './minute-columns.ts'
import { Names } from './names.ts'
import { type Row, Rows } from './rows.ts'
import { mixed, type Sample } from './sample.ts'
import type { Summary } from './summary.ts'
import { type ForeignTracks, TrackNames, TrackPlaces } from './track-names.ts'

/** Three days of minutes, so that a window of a day that ends now has the day before it and dates ahead of the clock. */
const RECENT_MINUTES = 3 * 1_440
export const FINE_MINUTES = 130
/** Rows that are kept: of each of the newest FINE_MINUTES, of each before, and of all time. */
export interface RowLimits {
  fine: number
  older: number
  all: number
}
const ROWS: RowLimits = { fine: 2_048, older: 256, all: 131_072 }
/** So many more minutes gather before the oldest are dropped: finding them sorts. */
const SLACK_MINUTES = 480
/** Names that are told apart; there are 676 possible countries. */
const NAMES: Record<Dimension, number> = { genre: 255, platform: 255, device: 255, action: 255, country: 1_023 }
const CHARACTERS = 65_536

/** A record without what only the totals are made of. */
export type CountedRecord = Pick<BatchRecord, 'topicId' | 'partition' | 'seq'> & {
  summary: Omit<Summary, 'distinct' | 'artists' | 'tracks'>
}

const words = new Int32Array(2)

export class Cells {
  readonly names: Record<Dimension, Names> = perDimension((dimension) => new Names(NAMES[dimension], CHARACTERS))
  readonly tracks = new TrackNames()
  readonly minutes = new Map<number, Minute>()
  /** A sample of all time. */
  readonly all = new Rows((track) => this.tracks.release(track))
  /** Events of records with a sample, and without. */
  events = 0
  unknown = 0
  /** Events that are in no minute, because they were too old when they came or have become so. */
  beyond = 0
  /** Minutes before it have been dropped; -Infinity while none has. */
  floor = Number.NEGATIVE_INFINITY
  /** The newest minutes, ascending. */
  readonly #fine: number[] = []

  readonly #rows: RowLimits

  constructor(rows = ROWS) {
    this.#rows = rows
  }

  /** Whether the sample of all time holds every event. */
  get allAreSampled(): boolean {
    return this.all.threshold === 0 && this.all.size === this.events
  }

  /** Takes in what other cells hold, as `encodeCells` gives it. */
  merge(state: CellsState): void {
    this.#raise(state.floor ?? Number.NEGATIVE_INFINITY)
    const ids = perDimension((dimension) => state.names[dimension].map((name) => this.number(dimension, name)))
    const tracks = new TrackPlaces(this.tracks, state)
    const rows = { columns: state.rows, ids, track: (number: number) => tracks.take(number) }
    this.events += state.events
    this.unknown += state.unknown
    this.beyond += state.beyond
    const { minutes } = state
    let [row, count] = [0, 0]
    for (let i = 0; i < minutes.at.length; i++) {
      const minute = this.#minute(minutes.at[i] as number)
      const [end, counts] = [row + (minutes.rows[i] as number), countsOf(minutes, i)]
      if (minute) {
        minute.merge(minutes, i, count, ids)
        minute.rows.merge(rows, row, end, minutes.threshold[i] as number, minute.limit)
      } else this.beyond += minutes.events[i] as number
      row = end
      count += counts
    }
    this.all.merge(rows, row, row + state.all.size, state.all.threshold, this.#rows.all)
    tracks.close()
  }

  /** @param sample that of the record's summary; undefined where it has none that can be read */
  add(record: CountedRecord, sample: Sample | undefined): void {
    const { summary } = record
    if (sample === undefined) {
      this.unknown += summary.events
      for (const [minute, n] of summary.time.minutes) {
        const known = this.#minute(minute)
        if (known) known.unknown += n
      }
      return
    }
    this.events += summary.events
    let placed = 0
    for (const [minute, n] of summary.time.minutes) {
      const known = this.#minute(minute)
      if (!known) continue
      known.events += n
      placed += n
    }
    this.beyond += summary.events - placed
    const weight = summary.events / sample.columns.second.length
    if (weight > 1) this.#addCounts(summary)
    this.#addRows(sample, weight, record)
  }

  #addCounts(summary: CountedRecord['summary']): void {
    const { time, split = [] } = summary
    const ids = perDimension((dimension) => summary[dimension].named.map(([name]) => this.number(dimension, name)))
    const put = (at: number, part: { events: number; duration: Summary['duration'] }, counts: Counts) => {
      const minute = this.minutes.get(at)
      if (!minute) return
      minute.counted += part.events
      for (const dimension of DIMENSIONS) {
        let rest = part.events
        for (const [i, n] of counts[dimension].entries()) {
          minute.count(dimension, ids[dimension][i] as number, n)
          rest -= n
        }
        minute.count(dimension, 0, rest)
      }
      for (const [i, n] of part.duration.buckets.entries()) minute.buckets[i] = (minute.buckets[i] as number) + n
      minute.seconds += part.duration.sum
    }
    const only = time.minutes[0]
    if (split.length > 0) for (const part of split) put(part.minute, part, part)
    else if (only?.[1] === summary.events) {
      put(
        only[0],
        summary,
        perDimension((dimension) => summary[dimension].named.map(([, n]) => n)),
      )
    }
  }

  #addRows(sample: Sample, weight: number, { topicId, partition, seq, summary }: CountedRecord): void {
    hash64(`${topicId}/${partition}/${seq}`, words)
    const seed = words[0] as number
    const ids = perDimension((dimension) => sample[dimension].map((name) => this.number(dimension, name)))
    const tracks = new TrackPlaces(this.tracks, tracksOf(sample))
    const { columns } = sample
    // Older events are not counted by the minute, so their rows may stand for none of a minute either.
    const oldest = summary.time.minutes[0]?.[0] ?? Number.POSITIVE_INFINITY
    for (let i = 0; i < columns.second.length; i++) {
      const chance = (mixed(seed ^ mixed(i)) + 1) / 2 ** 32
      const second = columns.second[i] as number
      const at = Math.floor(second / 60)
      const minute = at < oldest ? undefined : this.minutes.get(at)
      if (weight === 1) minute?.countRow(ids, columns, i)
      const recent = minute?.rows.wants(weight, chance) ?? false
      const ever = this.all.wants(weight, chance)
      if (!recent && !ever) continue
      const row: Row = {
        second,
        genre: ids.genre[columns.genre[i] as number] as number,
        platform: ids.platform[columns.platform[i] as number] as number,
        device: ids.device[columns.device[i] as number] as number,
        action: ids.action[columns.action[i] as number] as number,
        country: ids.country[columns.country[i] as number] as number,
        track: tracks.take(columns.track[i] as number),
        duration: columns.duration[i] as number,
        user: columns.user[i] as number,
        weight,
        chance,
      }
      if (recent && ever) this.tracks.keep(row.track)
      if (recent) minute?.rows.add(row, minute.limit)
      if (ever) this.all.add(row, this.#rows.all)
    }
    tracks.close()
  }

  /** The number of a name, 0 where it has no place. */
  number(dimension: Dimension, name: string): number {
    const names = this.names[dimension]
    return names.find(name) ?? names.take(name)
  }

  /** Undefined for a minute that is too old to be kept. */
  #minute(at: number): Minute | undefined {
    const known = this.minutes.get(at)
    if (known || at < this.floor) return known
    const minute = new Minute(new Rows((track) => this.tracks.release(track)), this.#rows.fine)
    this.minutes.set(at, minute)
    this.#rank(at, minute)
    if (this.minutes.size > RECENT_MINUTES + SLACK_MINUTES) this.#dropOldest()
    return minute
  }

  /** Puts a new minute among the newest where it belongs, whose last then keeps fewer rows. */
  #rank(at: number, minute: Minute): void {
    const place = this.#fine.findLastIndex((other) => other < at) + 1
    if (place === 0 && this.#fine.length === FINE_MINUTES) {
      minute.limit = this.#rows.older
      return
    }
    this.#fine.splice(place, 0, at)
    if (this.#fine.length <= FINE_MINUTES) return
    const last = this.minutes.get(this.#fine.shift() as number)
    if (!last) return
    last.limit = this.#rows.older
    last.rows.shrink(this.#rows.older)
  }

  #dropOldest(): void {
    const oldestFirst = Float64Array.from(this.minutes.keys()).sort()
    this.#raise((oldestFirst[oldestFirst.length - RECENT_MINUTES - 1] as number) + 1)
  }

  /** Drops the minutes before `floor`, now and from here on. */
  #raise(floor: number): void {
    if (floor <= this.floor) return
    this.floor = floor
    for (const [at, minute] of this.minutes) {
      if (at >= floor) continue
      this.beyond += minute.events
      minute.rows.clear()
      this.minutes.delete(at)
    }
  }
}

function tracksOf({ artists, tracks }: Sample): ForeignTracks {
  return { artists, titles: tracks.map(([, title]) => title), artistOf: tracks.map(([artist]) => artist) }
}

type Counts = Record<Dimension, readonly number[]>
