/** The sections of a view, from its figures: pure, and bounded whatever names the events carry. */
import { perDimension } from '../stats/dimensions.ts'
import type { Figures } from '../stats/figures.ts'
import type { ViewFigures } from '../stats/view.ts'
import type { Sections } from './api.ts'
import {
  type Filter,
  MAX_CURVES,
  type OverTime,
  type Skips,
  type ViewTotals,
  WINDOWS,
  type Window,
} from './api-view.ts'
import { comparedTop, type Earlier } from './ranks.ts'
import { distribution, durations, iso } from './sections.ts'
import { clip } from './text.ts'

/** Names of each distribution: every country, so that a map is whole. */
const NAMES = { country: 300, genre: 24, platform: 24, device: 24, action: 24 }
const TOP = 10

export interface ViewQuery {
  window: Window
  filter: Filter
}

export const VIEW_SECTIONS = [
  'view',
  'viewTotals',
  'distributions',
  'top',
  'durations',
  'overTime',
  'hours',
  'skips',
] as const satisfies (keyof Sections)[]
export type ViewSections = Pick<Sections, (typeof VIEW_SECTIONS)[number]>

/** Length of the window in seconds; null: all time. */
export function windowSeconds({ window }: ViewQuery): number | null {
  return WINDOWS[window]
}

/** @param ranks lists to which the ranks of all time are compared; those of a window are compared to the window before */
export function viewSections(query: ViewQuery, found: ViewFigures, ranks: Earlier | undefined): ViewSections {
  const { figures, before } = found
  const unfiltered = Object.keys(query.filter).length === 0
  const earlier = before
    ? { from: before.from * 1_000, to: before.to * 1_000, lists: before.figures }
    : unfiltered && query.window === 'all'
      ? ranks
      : undefined
  return {
    view: {
      ...query,
      from: found.from === null ? null : iso(found.from * 1_000),
      to: iso(found.to * 1_000),
      endsAt: found.endsAt,
      unknown: figures.unknown,
    },
    viewTotals: viewTotals(found),
    distributions: perDimension((field) =>
      distribution(figures.fields[field], NAMES[field], figures.fields[field].exact),
    ),
    top: {
      artists: comparedTop(figures, 'artists', TOP, earlier),
      tracks: comparedTop(figures, 'tracks', TOP, earlier),
    },
    durations: durations(figures.durations.mean, figures.durations.buckets, figures.exact),
    overTime: overTime(found),
    hours: figures.hours,
    skips: skips(figures),
  }
}

function viewTotals({ figures, before }: ViewFigures): ViewTotals {
  const counts = ({ events, eventsExact, users, artists, tracks }: Figures) => ({
    events: { count: events, kind: eventsExact ? ('exact' as const) : ('estimate' as const) },
    ...{ users, artists, tracks },
  })
  return {
    ...counts(figures),
    before: before ? { ...counts(before.figures), from: iso(before.from * 1_000), to: iso(before.to * 1_000) } : null,
  }
}

function overTime({ figures, curve: { start, step, steps } }: ViewFigures): OverTime {
  const { events, genres, coarser, eventsExact, exact } = figures.curve
  const byEvents = Array.from(genres, ([name, values]) => ({ name, values, sum: sum(values) })).sort(
    (a, b) => b.sum - a.sum || (a.name < b.name ? -1 : 1),
  )
  const shown = byEvents.slice(0, MAX_CURVES)
  return {
    step,
    from: iso(start * 1_000),
    to: iso((start + step * steps) * 1_000),
    events,
    genres: shown.map(({ name, values }) => ({ name: clip(name), values })),
    others: events.map((n, i) => shown.reduce((left, { values }) => left - (values[i] ?? 0), n)),
    coarser,
    eventsExact,
    exact,
  }
}

function skips({ skips: { devices, exact, within } }: Figures): Skips {
  const list = Array.from(devices, ([device, { plays, skips }]) => ({ device: clip(device), plays, skips })).sort(
    (a, b) => b.plays - a.plays || (a.device < b.device ? -1 : 1),
  )
  return {
    plays: sum(list.map(({ plays }) => plays)),
    skips: sum(list.map(({ skips }) => skips)),
    devices: list,
    exact,
    curve: within(),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, n) => total + n, 0)
}
