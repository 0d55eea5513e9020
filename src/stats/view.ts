/** Figures of a window and a filter: from the exact totals where nothing is left out, else from the cells. */
import { apportion } from './apportion.ts'
import type { Cells } from './cells.ts'
import { perDimension } from './dimensions.ts'
import { type Distinct, type Figures, minuteFigures, sampleFigures } from './figures.ts'
import type { Filter } from './sieve.ts'
import type { DistinctCount } from './sketch.ts'
import type { NamedCount } from './tally.ts'
import { STEP_MINUTES, type Step } from './timeline.ts'
import type { Totals } from './totals.ts'
import { readWeekHour } from './week-hour.ts'

export interface ViewQuery {
  /** Seconds; null: all time. */
  window: number | null
  filter: Filter
  /** Epoch milliseconds. */
  now: number
}

export interface ViewFigures {
  /** Epoch seconds; null: from the beginning. */
  from: number | null
  to: number
  endsAt: 'now' | 'newest_event'
  figures: Figures
  curve: Curve
  /** The span of the same length before; undefined for all time, and where it is not known any more. */
  before: { from: number; to: number; figures: Figures } | undefined
}

export interface Curve {
  start: number
  step: number
  steps: number
}

/** Seconds of a step, by length of the window; those of all time are chosen by its length. */
const WINDOW_STEPS = new Map([
  [60, 5],
  [300, 15],
  [900, 60],
  [3_600, 60],
  [86_400, 900],
])
const DAY = 86_400
const ALL_STEPS = [60, 300, 900, 3_600, 21_600, DAY, 7 * DAY, 30 * DAY]
const MOST_STEPS = 120

export function viewFigures(totals: Totals, query: ViewQuery): ViewFigures {
  return query.window === null ? allTime(totals, query) : lately(totals, { ...query, window: query.window })
}

function lately(totals: Totals, { window, filter, now }: ViewQuery & { window: number }): ViewFigures {
  const { cells } = totals
  const { oldestEvent, newestEvent } = totals.snapshot()
  const present = Math.floor(now / 1_000) + 1
  const newest = newestEvent === null ? present : Math.floor(newestEvent / 1_000) + 1
  // A lake of old events would show as empty otherwise.
  const last = newest <= present - window ? newest : present
  const from = edge(totals, last - window)
  const to = edge(totals, last, Math.ceil)
  const curve = curveOf(from, to, WINDOW_STEPS.get(window) ?? 60)
  const figuresIn = knowsEach(cells) ? sampleFigures : minuteFigures
  const figures = figuresIn(cells, { filter, from, to, curve })
  const holdsAll = oldestEvent !== null && oldestEvent >= from * 1_000 && newest <= to
  // As long as what there can be of the window: of a minute that has begun, no more than has passed of it.
  const earlier = from - (last - from)
  const known = earlier >= cells.floor * 60
  return {
    ...{ from, to, curve },
    figures: holdsAll && isUnfiltered(filter) ? withTotals(figures, totals, curve) : figures,
    endsAt: last === present ? 'now' : 'newest_event',
    before: known
      ? {
          from: earlier,
          to: from,
          figures: figuresIn(cells, { filter, from: earlier, to: from, curve: { start: 0, step: 60, steps: 0 } }),
        }
      : undefined,
  }
}

/**
 * The moment, where all events of its minute are known by the second, else the beginning or the end of the minute: a part
 * of a minute of which only a sample is known would make an estimate of what can be exact.
 */
function edge({ cells }: Totals, second: number, round = Math.floor): number {
  const minute = cells.minutes.get(Math.floor(second / 60))
  return minute === undefined || minute.complete || knowsEach(cells) ? second : round(second / 60) * 60
}

/** Whether the sample of all time holds every event there is: then nothing knows more. */
function knowsEach({ allAreSampled, unknown }: Cells): boolean {
  return allAreSampled && unknown === 0
}

function isUnfiltered(filter: Filter): boolean {
  return Object.keys(filter).length === 0
}

function curveOf(from: number, to: number, step: number): Curve {
  const start = Math.floor(from / step) * step
  return { start, step, steps: Math.ceil((to - start) / step) }
}

/** Whole years beyond the longest of the list. */
function stepOf(seconds: number): number {
  const years = Math.ceil(seconds / MOST_STEPS / (365 * DAY))
  return ALL_STEPS.find((step) => seconds / step < MOST_STEPS) ?? years * 365 * DAY
}

function allTime(totals: Totals, { filter, now }: ViewQuery): ViewFigures {
  const { cells } = totals
  const { oldestEvent, newestEvent } = totals.snapshot()
  const first = Math.floor((oldestEvent ?? now) / 1_000)
  const last = Math.max(first, Math.floor((newestEvent ?? now) / 1_000)) + 1
  const curve = curveOf(first, last, stepOf(last - first))
  const range = { filter, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, curve }
  // The minutes know more than a sample of all time, while they hold everything.
  const figures = cells.beyond > 0 || knowsEach(cells) ? sampleFigures(cells, range) : minuteFigures(cells, range)
  return {
    ...{ from: null, to: Math.max(last, Math.floor(now / 1_000)), endsAt: 'now', curve },
    figures: isUnfiltered(filter) ? withTotals(figures, totals, curve) : withHours(figures, totals, filter),
    before: undefined,
  }
}

/** Puts the exact totals in the place of what is known from a sample only. */
function withTotals(figures: Figures, totals: Totals, curve: Curve): Figures {
  const { events, distributions, durations, distinct, topArtists, topTracks } = totals.snapshot()
  return {
    ...figures,
    events,
    eventsExact: true,
    exact: true,
    fields: distributions,
    durations: { mean: durations.mean, buckets: durations.buckets.map((bucket) => bucket.events) },
    users: kindOf(distinct.users),
    artists: kindOf(distinct.artists),
    tracks: kindOf(distinct.tracks),
    ...{ topArtists, topTracks },
    curve: figures.curve.exact && figures.unknown === 0 ? figures.curve : exactCurve(figures.curve, totals, curve),
    hours: figures.hours.exact && figures.unknown === 0 ? figures.hours : { ...totals.hours(), exact: true },
    unknown: 0,
  }
}

/** Where only hours of the week are chosen: their events are counted, all others are of the sample. */
function withHours(figures: Figures, totals: Totals, { when, ...others }: Filter): Figures {
  const { eventsExact, unknown } = figures
  if (when === undefined || !isUnfiltered(others) || (eventsExact && unknown === 0)) return figures
  const { unplaced, matrix } = totals.hours()
  const hours = { matrix, unplaced, exact: true }
  // Without those of which only the day is known, it would be too few: the sample tells of them, too.
  if (unplaced > 0) return { ...figures, hours }
  const counts = matrix.flat()
  const events = when.reduce((sum, hour) => sum + (counts[readWeekHour(hour)] ?? 0), 0)
  return { ...scaledTo(figures, events), events, eventsExact: true, hours }
}

/** What the sample estimates, so that it adds up to the events that are counted. */
function scaledTo(figures: Figures, events: number): Figures {
  const { fields, durations, curve } = figures
  if (events === figures.events) return figures
  return {
    ...figures,
    fields: perDimension((dimension) => {
      const { named, other, exact } = fields[dimension]
      const [others = 0, ...counts] = apportion([other, ...named.map(([, n]) => n)], events)
      return { named: named.map(([name], i): NamedCount => [name, counts[i] as number]), other: others, exact }
    }),
    durations: { ...durations, buckets: apportion(durations.buckets, events) },
    curve: { ...curve, ...redrawn(curve, apportion(curve.events, events)) },
  }
}

function kindOf({ count, exact }: DistinctCount): Distinct {
  return { count, kind: exact ? 'exact' : 'estimate' }
}

/** The exact events of each step; its genres as the sample has their shares. */
function exactCurve(sampled: Figures['curve'], totals: Totals, { start, step, steps }: Curve): Figures['curve'] {
  const grains = Object.entries(STEP_MINUTES) as [Step, number][]
  const [grain] = grains.findLast(([, minutes]) => step % (minutes * 60) === 0) ?? ['minute']
  const { points, coarser } = totals.series(grain, start * 1_000, (start + steps * step) * 1_000)
  const events = new Array<number>(steps).fill(0)
  for (const [at, n] of points) {
    const i = Math.floor((at / 1_000 - start) / step)
    events[i] = (events[i] ?? 0) + n
  }
  return { ...redrawn(sampled, events), coarser, eventsExact: true, exact: false }
}

/** The genres of each step as the sample has their shares. */
function redrawn(
  { events: sampled, genres }: Figures['curve'],
  events: number[],
): Pick<Figures['curve'], 'events' | 'genres'> {
  const curves = [...genres]
  const shares = events.map((n, i) => {
    const parts = curves.map(([, values]) => values[i] as number)
    const others = parts.reduce((left, part) => left - part, sampled[i] as number)
    return apportion([...parts, others], n)
  })
  return {
    events,
    genres: new Map(curves.map(([name], genre) => [name, shares.map((parts) => parts[genre] as number)])),
  }
}
