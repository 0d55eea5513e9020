/**
 * The views that are asked for: everything the page shows, for a window and a filter. Who asks for the same shares one, so
 * that it is summed up once.
 */
import { performance } from 'node:perf_hooks'
import { parseTimestamp } from '../event.ts'
import type { TotalsSnapshot } from '../stats/totals.ts'
import { weekHour, writeWeekHour } from '../stats/week-hour.ts'
import type { Row, Sections, Snapshot } from './api.ts'
import type { Filter } from './api-view.ts'
import { type Live, withChanges } from './live.ts'
import { ROWS } from './sample.ts'
import { iso } from './sections.ts'
import { type ViewQuery, type ViewSections, viewSections, windowSeconds } from './view.ts'

/** Views that are remembered, the last ones asked for. */
const REMEMBERED = 64
/** Views are summed up anew so seldom that all of them together take this share of the time at most. */
const SHARE = 0.1
/** Who has not been asked for it for so long is not reckoned with. */
const IDLE_MS = 10_000
/** Time moves a window even when nothing comes. */
const MOVES_MS = 5_000

export class Views {
  readonly #live: Live
  readonly #views = new Map<string, View>()

  constructor(live: Live) {
    this.#live = live
  }

  get(query: ViewQuery): View {
    const key = keyOf(query)
    const view = this.#views.get(key) ?? new View(this.#live, query, () => this.#active())
    this.#views.delete(key)
    this.#views.set(key, view)
    if (this.#views.size > REMEMBERED) this.#views.delete(this.#views.keys().next().value as string)
    return view
  }

  /** Views that are in use. */
  #active(): number {
    const since = performance.now() - IDLE_MS
    let active = 0
    for (const view of this.#views.values()) if (view.usedAt > since) active++
    return active
  }
}

/** One text for each view. */
export function keyOf({ window, filter }: ViewQuery): string {
  return JSON.stringify([window, filter])
}

export class View {
  readonly #live: Live
  readonly #query: ViewQuery
  readonly #active: () => number
  /** When its sections were asked for last, monotonic milliseconds. */
  usedAt = Number.NEGATIVE_INFINITY
  #sections: Made = NOTHING
  #made: { totals: TotalsSnapshot; at: number; until: number } | undefined
  /** Of the whole flow, and what the filter leaves of it. */
  #recent: { all: Sections['recent']; shown: Sections['recent'] } | undefined

  /** @param active how many views are in use, this one included */
  constructor(live: Live, query: ViewQuery, active: () => number) {
    this.#live = live
    this.#query = query
    this.#active = active
  }

  snapshot(): Snapshot {
    return { at: iso(Date.now()), ...this.sections() }
  }

  /** Each section is a new object when it changed, the same one when it did not. */
  sections(): Sections {
    const common = this.#live.sections()
    this.#refresh()
    return { ...common, ...this.#sections, recent: this.#recentOf(common.recent) }
  }

  #refresh(): void {
    const { totals } = this.#live
    const now = performance.now()
    this.usedAt = now
    if (totals === undefined) return
    if (this.#made !== undefined) {
      if (now < this.#made.until) return
      if (totals === this.#made.totals && now - this.#made.at < MOVES_MS) return
    }
    const moment = Date.now()
    const figures = this.#live.figures({
      window: windowSeconds(this.#query),
      filter: this.#query.filter,
      now: moment,
    })
    const before = this.#live.ranksBefore(moment)
    if (figures === undefined) return
    const ranks = before && { from: null, to: before.at, lists: before.lists }
    const made = viewSections(this.#query, figures.found, ranks)
    this.#sections = withChanges<Made>(this.#sections, { ...made, totals: figures.totals })
    const end = performance.now()
    this.#made = { totals, at: end, until: end + ((end - now) * this.#active()) / SHARE }
  }

  #recentOf(all: Sections['recent']): Sections['recent'] {
    if (this.#recent?.all !== all) {
      const rows = all.rows.filter((row) => passes(row, this.#query.filter)).slice(0, ROWS)
      this.#recent = { all, shown: { ...all, rows } }
    }
    return this.#recent.shown
  }
}

function passes(row: Row, { when, ...fields }: Filter): boolean {
  const hour = writeWeekHour(weekHour(Math.floor((parseTimestamp(row.timestamp) ?? 0) / 1_000)))
  if (when !== undefined && !when.includes(hour)) return false
  return Object.entries(fields).every(([field, values]) => values.includes(row[field as keyof typeof fields]))
}

/** What is made for a view, and the totals that it was made of: those of now may be ahead of it. */
type Made = ViewSections & Pick<Sections, 'totals'>

/** The sections of a lake that was not read yet. */
const NOTHING: Made = {
  totals: null,
  view: null,
  viewTotals: null,
  distributions: null,
  top: null,
  durations: null,
  overTime: null,
  hours: null,
  skips: null,
}
