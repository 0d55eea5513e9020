/** What a window and a filter leave of the events, summed up from the cells. */
import { apportion } from './apportion.ts'
import type { Cells } from './cells.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import type { Minute } from './minute.ts'
import { NAMES_PER_FIELD } from './minutes.ts'
import { mostPlayed } from './most-played.ts'
import type { ArtistName, TrackName } from './plays.ts'
import type { Rows } from './rows.ts'
import { fieldColumns } from './sieve.ts'
import { type SkippedWithin, skipTimes } from './skip-times.ts'
import { type CellQuery, passesButAction, Sums } from './sums.ts'
import { byCount, type NamedCount } from './tally.ts'
import type { TopList } from './top.ts'
import type { Distribution } from './totals.ts'

export interface Distinct {
  count: number
  /** Of a sample, distinct values are at least so many. */
  kind: 'exact' | 'estimate' | 'at_least'
}

export interface Figures {
  events: number
  eventsExact: boolean
  /** Whether durations are exact, and fields where they say so, too. */
  exact: boolean
  /** Each without its own filter; most frequent first. */
  fields: Record<Dimension, Distribution>
  durations: { mean: number | null; buckets: number[] }
  users: Distinct
  artists: Distinct
  tracks: Distinct
  topArtists: TopList<ArtistName>
  topTracks: TopList<TrackName>
  curve: { events: number[]; genres: Map<string, number[]>; coarser: number; eventsExact: boolean; exact: boolean }
  /** By weekday, Monday first, and hour, UTC. */
  hours: { matrix: number[][]; unplaced: number; exact: boolean }
  /** Whatever the filter of actions. `within` is exact, of the newest plays, and found when it is asked for. */
  skips: { devices: Map<string, { plays: number; skips: number }>; exact: boolean; within(): SkippedWithin[] }
  /** Events of the window that only records without a sample know. */
  unknown: number
}

/** Adds up the minutes in `[from, to)`. Costs some nanoseconds for each row of them: 10 ms for a day at any rate. */
export function minuteFigures(cells: Cells, query: CellQuery): Figures {
  const inRange = minutesIn(cells, query)
  const sampled = inRange.map(([, minute]) => minute).filter((minute) => !minute.complete)
  const sums = new Sums(cells, query, scaleOf(sampled.map(({ rows, events }) => ({ rows, events }))))
  for (const [at, minute] of inRange) sums.addMinute(at * 60, minute)
  if (query.from < cells.floor * 60) sums.lacks()
  return figuresOf(cells, query, sums, inRange)
}

/** Adds up the sample of all time, in `[from, to)`. How soon a play is skipped is of the newest minutes in any case. */
export function sampleFigures(cells: Cells, query: CellQuery): Figures {
  const sums = new Sums(cells, query, scaleOf([{ rows: cells.all, events: cells.events }]))
  sums.addAll()
  return figuresOf(cells, query, sums, minutesIn(cells, query))
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

type Minutes = readonly [at: number, Minute][]

function minutesIn({ minutes }: Cells, { from, to }: CellQuery): Minutes {
  return [...minutes].filter(([at]) => (at + 1) * 60 > from && at * 60 < to)
}

/** @param minutes those in whose events plays are followed */
function figuresOf(cells: Cells, query: CellQuery, sums: Sums, minutes: Minutes): Figures {
  const played = mostPlayed(cells.tracks, sums.tracks)
  const exact = sums.rowsExact && !sums.unnamed
  const kind = exact ? 'exact' : 'at_least'
  return {
    events: Math.round(sums.events),
    eventsExact: sums.eventsExact,
    exact: sums.exact,
    fields: perDimension((dimension) => fieldOf(cells, query, sums, dimension)),
    durations: {
      mean: sums.timed === 0 ? null : sums.seconds / sums.timed,
      buckets: apportion(sums.buckets, Math.round(sums.events)),
    },
    users: { count: sums.users.size, kind: sums.rowsExact ? 'exact' : 'at_least' },
    artists: { count: played.artists, kind },
    tracks: { count: played.tracks, kind },
    topArtists: { entries: played.topArtists, exact },
    topTracks: { entries: played.topTracks, exact },
    curve: curveOf(cells, query, sums),
    hours: hoursOf(query, sums),
    skips: {
      devices: skipsByDevice(cells, sums),
      exact: sums.rowsExact,
      within: () => skippedWithin(query, sums, minutes),
    },
    unknown: sums.unknown,
  }
}

function fieldOf(cells: Cells, { filter }: CellQuery, sums: Sums, dimension: Dimension): Distribution {
  const found = sums.fields[DIMENSIONS.indexOf(dimension)] ?? []
  // With a filter of its own, it is of more events than the view.
  const wholes = filter[dimension] ? Array.from(found, Math.round) : apportion(found, Math.round(sums.events))
  const [other = 0, ...counts] = wholes
  const names = cells.names[dimension]
  const named = counts.map((n, i): NamedCount => [names.name(i + 1), n]).filter(([, n]) => n > 0)
  return { named: named.sort(byCount), other, exact: sums.exact && !mayLack(cells, sums, dimension) }
}

/** Whether events of a name may be among the others: a batch of more names than its summary lists has them there. */
function mayLack(cells: Cells, sums: Sums, dimension: Dimension): boolean {
  const others = sums.fields[DIMENSIONS.indexOf(dimension)]?.[0] ?? 0
  return others > 0 && cells.names[dimension].end >= NAMES_PER_FIELD
}

function curveOf(cells: Cells, { curve: { steps } }: CellQuery, sums: Sums): Figures['curve'] {
  const names = cells.names.genre
  const events = apportion(sums.curve, Math.round(sums.events))
  const genres = Array.from({ length: names.end }, () => new Array<number>(steps).fill(0))
  for (const [step, n] of events.entries()) {
    const parts = apportion(
      genres.map((_, genre) => sums.genres[genre * steps + step] as number),
      n,
    )
    for (const [genre, part] of parts.entries()) (genres[genre] as number[])[step] = part
  }
  const named = genres.slice(1).map((values, i) => [names.name(i + 1), values] as const)
  return {
    events,
    genres: new Map(named.filter(([, values]) => values.some((n) => n > 0))),
    coarser: 0,
    eventsExact: sums.curveExact,
    exact: sums.curveExact && !mayLack(cells, sums, 'genre'),
  }
}

function hoursOf({ filter }: CellQuery, sums: Sums): Figures['hours'] {
  const all = filter.when ? sums.hours.reduce((sum, n) => sum + n, 0) : sums.events
  const hours = apportion(sums.hours, Math.round(all))
  const matrix = Array.from({ length: 7 }, (_, day) => hours.slice(day * 24, day * 24 + 24))
  return { matrix, unplaced: 0, exact: sums.hoursExact }
}

function skipsByDevice(cells: Cells, sums: Sums): Figures['skips']['devices'] {
  const devices = Array.from(sums.plays, (plays, i) => {
    return [cells.names.device.name(i), { plays: Math.round(plays), skips: Math.round(sums.skips[i] ?? 0) }] as const
  })
  return new Map(devices.filter(([, { plays, skips }]) => plays + skips > 0))
}

function skippedWithin({ from, to }: CellQuery, { sieve, play, skip }: Sums, minutes: Minutes): SkippedWithin[] {
  const takes = ({ rows }: Minute) => {
    const [{ second }, columns] = [rows.columns, fieldColumns(rows)]
    return (i: number) => {
      const at = second[i] as number
      return at >= from && at < to && !sieve.leavesOut(at) && passesButAction(sieve.missed(columns, i))
    }
  }
  return skipTimes(minutes, { play, skip, takes })
}
