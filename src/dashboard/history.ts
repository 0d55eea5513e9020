/** Totals of the last minute, one a second, from which the page says what has changed. */
import type { TotalsSnapshot } from '../stats/totals.ts'
import type { TotalsAt } from './sections.ts'

const SPAN_MS = 60_000

export class TotalsHistory {
  #entries: TotalsAt[] = []

  /** @param at epoch milliseconds, later than that of the entry before */
  add(at: number, totals: TotalsSnapshot): void {
    this.#entries = [...this.#entries.filter((entry) => entry.at > at - SPAN_MS), { at, totals }]
  }

  /** The oldest totals of the last minute, or undefined while nothing older than `at` is known. */
  before(at: number): TotalsAt | undefined {
    const oldest = this.#entries[0]
    return oldest !== undefined && oldest.at < at ? oldest : undefined
  }
}
