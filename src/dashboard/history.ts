/** Totals of the last minute, one a second, from which the page says what has changed. */
import type { TotalsSnapshot } from '../stats/totals.ts'

const SPAN_MS = 60_000

/** The totals that are compared, at a time in epoch milliseconds. */
export interface PastTotals {
  at: number
  events: number
  users: number
  artists: number
  tracks: number
}

export class TotalsHistory {
  #entries: PastTotals[] = []

  /** @param at epoch milliseconds, later than that of the entry before */
  add(at: number, { events, distinct: { users, artists, tracks } }: TotalsSnapshot): void {
    const entry = { at, events, users: users.count, artists: artists.count, tracks: tracks.count }
    this.#entries = [...this.#entries.filter((older) => older.at > at - SPAN_MS), entry]
  }

  /** The oldest totals of the last minute, or undefined while nothing older than `at` is known. */
  before(at: number): PastTotals | undefined {
    const oldest = this.#entries[0]
    return oldest !== undefined && oldest.at < at ? oldest : undefined
  }
}
