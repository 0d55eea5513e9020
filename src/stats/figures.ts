/** What a window and a filter leave of the events, summed up from the cells. */
import type { Cells, Minute } from './cells.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { DistinctNumbers } from './distinct-numbers.ts'
import { DURATION_BUCKETS, durationBucket } from './durations.ts'
import type { ArtistName, TrackName } from './plays.ts'
import type { Rows } from './rows.ts'
import { type SkippedWithin, skipTimes } from './skip-times.ts'
import { byCount, type NamedCount } from './tally.ts'
import type { Names, TopEntry, TopList } from './top.ts'
import { readWeekHour, weekHour } from './week-hour.ts'

/** Events with one of the values of each field that is named. `when` are hours of the week, as `readWeekHour` takes them. */
export type Filter = Partial<Record<Dimension | 'when', readonly string[]>>

export interface Distinct {
  count: number
  /** Of a sample, distinct values are at least so many. */
  kind: 'exact' | 'estimate' | 'at_least'
}

export interface CellQuery {
  filter: Filter
  /** Epoch seconds, whole; both may be infinite. */
  from: number
  to: number
  /** The curves: whole seconds from `start` on, `steps` of them. */
  curve: { start: number; step: number; steps: number }
}

export interface Figures {
  events: number
  eventsExact: boolean
  /** Whether fields and durations are exact. */
  exact: boolean
  /** Each without its own filter; most frequent first. */
  fields: Record<Dimension, { named: NamedCount[]; other: number }>
  durations: { mean: number | null; buckets: number[] }
  users: Distinct
  artists: Distinct
  tracks: Distinct
  topArtists: TopList<ArtistName>
  topTracks: TopList<TrackName>
  curve: { events: number[]; genres: Map<string, number[]>; coarser: number; exact: boolean }
  /** By weekday, Monday first, and hour, UTC. */
  hours: { matrix: number[][]; unplaced: number; exact: boolean }
  /** Whatever the filter of actions. `within` is exact, of the newest plays, and found when it is asked for. */
  skips: { devices: Map<string, { plays: number; skips: number }>; exact: boolean; within(): SkippedWithin[] }
  /** Events of the window that only records without a sample know. */
  unknown: number
}

const TOP = 100

/** Adds up the minutes in `[from, to)`. Costs some nanoseconds for each row of them: 10 ms for a day at any rate. */
export function minuteFigures(cells: Cells, query: CellQuery): Figures {
  const inRange = [...cells.minutes].filter(([at]) => (at + 1) * 60 > query.from && at * 60 < query.to)
  const sampled = inRange.map(([, minute]) => minute).filter((minute) => !minute.complete)
  const sum = new Sum(cells, query, scaleOf(sampled.map(({ rows, events }) => ({ rows, events }))))
  for (const [at, minute] of inRange) sum.addMinute(at * 60, minute)
  if (query.from < cells.floor * 60) sum.lacks()
  return sum.read(inRange)
}

/** Adds up the sample of all time. */
export function sampleFigures(cells: Cells, query: CellQuery): Figures {
  const sum = new Sum(cells, query, scaleOf([{ rows: cells.all, events: cells.events }]))
  sum.addAll()
  return sum.read()
}

/** Makes the weights of samples add up to the events that they are known to stand for. */
function scaleOf(samples: readonly { rows: Rows; events: number }[]): number {
  let events = 0
  let weights = 0
  for (const sample of samples) {
    events += sample.events
    weights += sample.rows.weights()
  }
  return weights === 0 ? 1 : events / weights
}

class Sum {
  readonly #cells: Cells
  readonly #query: CellQuery
  /** By number of the name, 1 for those that pass; undefined where any does. */
  readonly #passes: (Uint8Array | undefined)[]
  readonly #filtered: boolean
  /** By hour of the week, 1 for those that pass; undefined where any does. */
  readonly #when: Uint8Array | undefined
  /** What the weights of sampled rows are multiplied by. */
  readonly #scale: number
  #events = 0
  #unknown = 0
  #eventsExact = true
  #exact = true
  #rowsExact = true
  #curveExact = true
  #hoursExact = true
  #unnamed = false
  readonly #fields: Float64Array[]
  readonly #buckets = new Float64Array(DURATION_BUCKETS)
  #seconds = 0
  /** Events whose duration is in #seconds. */
  #timed = 0
  readonly #users = new DistinctNumbers()
  readonly #tracks: Float64Array
  readonly #curve: Float64Array
  readonly #genres: Float64Array
  readonly #hours = new Float64Array(7 * 24)
  readonly #plays: Float64Array
  readonly #skips: Float64Array
  readonly #play: number
  readonly #skip: number

  constructor(cells: Cells, query: CellQuery, scale: number) {
    this.#cells = cells
    this.#query = query
    this.#scale = scale
    const { names } = cells
    this.#passes = DIMENSIONS.map((dimension) => {
      const values = query.filter[dimension]
      if (!values) return undefined
      const passes = new Uint8Array(names[dimension].end)
      for (const value of values) {
        const number = names[dimension].find(value)
        if (number !== undefined) passes[number] = 1
        else if (names[dimension].full) this.lacks()
      }
      return passes
    })
    this.#filtered = this.#passes.some((passes) => passes !== undefined)
    if (query.filter.when) {
      this.#when = new Uint8Array(7 * 24)
      for (const hour of query.filter.when) this.#when[readWeekHour(hour)] = 1
    }
    this.#fields = DIMENSIONS.map((dimension) => new Float64Array(names[dimension].end))
    this.#tracks = new Float64Array(cells.tracks.end)
    this.#curve = new Float64Array(query.curve.steps)
    this.#genres = new Float64Array(query.curve.steps * names.genre.end)
    this.#plays = new Float64Array(names.device.end)
    this.#skips = new Float64Array(names.device.end)
    this.#play = names.action.find('play') ?? -1
    this.#skip = names.action.find('skip') ?? -1
  }

  /** Something may be missing: the window reaches further back than what is kept, or that is a sample, or a name had no place. */
  lacks(): void {
    this.#eventsExact = false
    this.#exact = false
    this.#rowsExact = false
    this.#curveExact = false
    this.#hoursExact = false
  }

  addMinute(second: number, minute: Minute): void {
    const { from, to, curve } = this.#query
    const whole = second >= from && second + 60 <= to
    const outside = this.#isOutside(second)
    if (whole && !outside) this.#unknown += minute.unknown
    const known = !this.#filtered && whole
    const counted = known && !outside && minute.counted === minute.events
    const drawn = counted && curve.step % 60 === 0 && (second - curve.start) % 60 === 0
    if (!minute.complete) this.#hoursExact &&= known
    if (!minute.complete && !outside) {
      this.#rowsExact = false
      this.#eventsExact &&= known
      this.#exact &&= counted
      this.#curveExact &&= drawn
    }
    if (known) this.#addHour(second, minute.events)
    if (known && !outside) this.#events += minute.events
    if (counted) this.#addCounts(minute)
    if (drawn) this.#draw(second, minute)
    this.#addRows(minute.rows, minute.complete ? 1 : this.#scale, { known, counted, drawn })
  }

  /** Only the hours of the week, which leave out their own filter, tell of a moment outside of it. */
  #isOutside(second: number): boolean {
    return this.#when !== undefined && this.#when[weekHour(second)] !== 1
  }

  #followPlays(minutes: readonly [at: number, Minute][]): SkippedWithin[] {
    const { from, to } = this.#query
    const takes = ({ rows }: Minute) => {
      const [{ second }, columns] = [rows.columns, columnsOf(rows)]
      return (i: number) => {
        const at = second[i] as number
        return at >= from && at < to && !this.#isOutside(at) && passesButAction(this.#missed(columns, i))
      }
    }
    return skipTimes(minutes, { play: this.#play, skip: this.#skip, takes })
  }

  addAll(): void {
    const { all, events, unknown } = this.#cells
    this.#unknown += unknown
    if (all.threshold !== 0 || all.size !== events) this.lacks()
    this.#addRows(all, this.#scale, { known: false, counted: false, drawn: false })
  }

  #addCounts(minute: Minute): void {
    this.#seconds += minute.seconds
    this.#timed += minute.events
    for (const [d, dimension] of DIMENSIONS.entries()) {
      const sums = this.#fields[d] as Float64Array
      for (const [i, n] of minute.counts[dimension].entries()) if (n > 0) sums[i] = (sums[i] as number) + n
    }
    for (const [i, n] of minute.buckets.entries()) this.#buckets[i] = (this.#buckets[i] as number) + n
  }

  #draw(second: number, minute: Minute): void {
    const step = this.#step(second)
    if (step < 0) return
    this.#curve[step] = (this.#curve[step] as number) + minute.events
    for (const [genre, n] of minute.counts.genre.entries()) if (n > 0) this.#addGenre(step, genre, n)
  }

  /** @param done what was added already, so that rows give only the rest */
  #addRows(rows: Rows, scale: number, done: { known: boolean; counted: boolean; drawn: boolean }): void {
    const { second, genre, device, action, track, duration, user } = rows.columns
    const columns = columnsOf(rows)
    const { from, to } = this.#query
    for (let i = 0; i < rows.size; i++) {
      const at = second[i] as number
      if (at < from || at >= to) continue
      const n = rows.weight(i) * scale
      const missed = this.#missed(columns, i)
      if (missed === MANY) continue
      if (this.#isOutside(at)) {
        if (missed === NONE && !done.known) this.#addHour(at, n)
        continue
      }
      if (passesButAction(missed)) this.#addSkips(device[i] as number, action[i] as number, n)
      if (!done.counted) this.#addFields(columns, i, missed, n)
      if (missed !== NONE) continue
      if (!done.known) {
        this.#events += n
        this.#addHour(at, n)
      }
      if (!done.counted) {
        const bucket = durationBucket(duration[i] as number)
        this.#buckets[bucket] = (this.#buckets[bucket] as number) + n
        this.#seconds += (duration[i] as number) * n
        this.#timed += n
      }
      if (!done.drawn) {
        const step = this.#step(at)
        if (step >= 0) {
          this.#curve[step] = (this.#curve[step] as number) + n
          this.#addGenre(step, genre[i] as number, n)
        }
      }
      this.#users.add(user[i] as number)
      const played = track[i] as number
      if (played === 0) this.#unnamed = true
      this.#tracks[played] = (this.#tracks[played] as number) + n
    }
  }

  #addSkips(device: number, action: number, n: number): void {
    if (action === this.#play) this.#plays[device] = (this.#plays[device] as number) + n
    else if (action === this.#skip) this.#skips[device] = (this.#skips[device] as number) + n
  }

  /** A row counts for a field when it passes all filters but perhaps that field's own. */
  #addFields(columns: readonly (Uint8Array | Uint16Array)[], i: number, missed: number, n: number): void {
    for (let d = 0; d < columns.length; d++) {
      if (missed !== NONE && missed !== d) continue
      const sums = this.#fields[d] as Float64Array
      const value = columns[d]?.[i] as number
      sums[value] = (sums[value] as number) + n
    }
  }

  /** Which filter a row does not pass: NONE, the number of the only one, or MANY. */
  #missed(columns: readonly (Uint8Array | Uint16Array)[], i: number): number {
    let missed = NONE
    for (let d = 0; d < columns.length; d++) {
      const passes = this.#passes[d]
      if (!passes || passes[columns[d]?.[i] as number] === 1) continue
      if (missed !== NONE) return MANY
      missed = d
    }
    return missed
  }

  #step(second: number): number {
    const { start, step, steps } = this.#query.curve
    const i = Math.floor((second - start) / step)
    return i >= 0 && i < steps ? i : -1
  }

  #addGenre(step: number, genre: number, n: number): void {
    const i = genre * this.#query.curve.steps + step
    this.#genres[i] = (this.#genres[i] as number) + n
  }

  #addHour(second: number, n: number): void {
    const i = weekHour(second)
    this.#hours[i] = (this.#hours[i] as number) + n
  }

  /** @param minutes those that were added */
  read(minutes: readonly [at: number, Minute][] = []): Figures {
    const { names } = this.#cells
    const { steps } = this.#query.curve
    const hours = Array.from(this.#hours, Math.round)
    const devices = Array.from(this.#plays, (plays, i) => [i, Math.round(plays), Math.round(this.#skips[i] as number)])
    const genres = Array.from({ length: names.genre.end - 1 }, (_, i) => {
      const values = Array.from(this.#genres.subarray((i + 1) * steps, (i + 2) * steps), Math.round)
      return [names.genre.name(i + 1), values] as const
    })
    return {
      events: Math.round(this.#events),
      eventsExact: this.#eventsExact,
      exact: this.#exact,
      fields: perDimension((dimension) => this.#field(dimension)),
      durations: {
        mean: this.#timed === 0 ? null : this.#seconds / this.#timed,
        buckets: Array.from(this.#buckets, Math.round),
      },
      users: { count: this.#users.size, kind: this.#rowsExact ? 'exact' : 'at_least' },
      ...this.#played(),
      curve: {
        events: Array.from(this.#curve, Math.round),
        genres: new Map(genres.filter(([, values]) => values.some((n) => n > 0))),
        coarser: 0,
        exact: this.#curveExact,
      },
      hours: {
        matrix: Array.from({ length: 7 }, (_, day) => hours.slice(day * 24, day * 24 + 24)),
        unplaced: 0,
        exact: this.#hoursExact,
      },
      skips: {
        devices: new Map(
          devices
            .filter(([, plays = 0, skips = 0]) => plays + skips > 0)
            .map(([i = 0, plays = 0, skips = 0]) => [names.device.name(i), { plays, skips }]),
        ),
        exact: this.#rowsExact,
        within: () => this.#followPlays(minutes),
      },
      unknown: this.#unknown,
    }
  }

  #field(dimension: Dimension): { named: NamedCount[]; other: number } {
    const sums = this.#fields[DIMENSIONS.indexOf(dimension)] as Float64Array
    const named: NamedCount[] = []
    for (let i = 1; i < sums.length; i++) {
      const n = Math.round(sums[i] as number)
      if (n > 0) named.push([this.#cells.names[dimension].name(i), n])
    }
    return { named: named.sort(byCount), other: Math.round(sums[0] as number) }
  }

  #played(): Pick<Figures, 'artists' | 'tracks' | 'topArtists' | 'topTracks'> {
    const { tracks } = this.#cells
    const byArtist = new Float64Array(tracks.artists.end)
    let count = 0
    for (let track = 1; track < this.#tracks.length; track++) {
      const n = this.#tracks[track] as number
      if (n === 0) continue
      count++
      const artist = tracks.artistOf(track)
      byArtist[artist] = (byArtist[artist] as number) + n
    }
    const artistName = (artist: number): ArtistName => [tracks.artists.name(artist)]
    const trackName = (track: number): TrackName => [tracks.artists.name(tracks.artistOf(track)), tracks.title(track)]
    const exact = this.#rowsExact && !this.#unnamed
    const kind = exact ? 'exact' : 'at_least'
    return {
      artists: { count: byArtist.reduce((sum, n, artist) => (artist > 0 && n > 0 ? sum + 1 : sum), 0), kind },
      tracks: { count, kind },
      topArtists: { entries: top(byArtist, artistName), exact },
      topTracks: { entries: top(this.#tracks, trackName), exact },
    }
  }
}

const NONE = -1
const MANY = -2
/** Skips leave out the filter of actions: these are what they are about. */
const passesButAction = (missed: number) => missed === NONE || missed === DIMENSIONS.indexOf('action')

function columnsOf(rows: Rows): (Uint8Array | Uint16Array)[] {
  return DIMENSIONS.map((dimension) => rows.columns[dimension])
}

/** The most frequent, equal ones by name. */
function top<T extends Names>(sums: Float64Array, name: (i: number) => T): TopEntry<T>[] {
  const least = nthLargest(sums, TOP)
  const found: { names: T; events: number }[] = []
  for (let i = 1; i < sums.length; i++) {
    const n = sums[i] as number
    if (n > 0 && n >= least) found.push({ names: name(i), events: n })
  }
  const order = (a: T, b: T) => (a.join('\0') < b.join('\0') ? -1 : 1)
  return found
    .sort((a, b) => b.events - a.events || order(a.names, b.names))
    .slice(0, TOP)
    .map(({ names, events: n }) => {
      const events = Math.max(1, Math.round(n))
      return { names, events, atMost: events }
    })
}

function nthLargest(sums: Float64Array, n: number): number {
  const sorted = sums.slice(1).sort()
  return sorted[sorted.length - n] ?? 0
}
