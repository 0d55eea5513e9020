/** Which events a filter lets through, by the numbers that the cells have given to names. */
import type { Cells } from './cells.ts'
import { DIMENSIONS, type Dimension } from './dimensions.ts'
import type { Rows } from './rows.ts'
import { readWeekHour, weekHour } from './week-hour.ts'

/** Events with one of the values of each field that is named. `when` are hours of the week, as `readWeekHour` takes them. */
export type Filter = Partial<Record<Dimension | 'when', readonly string[]>>

/** A row passes the filter of each field. */
export const NONE = -1
/** It does not pass those of several fields. */
export const MANY = -2

/** The columns of the fields, in the order of DIMENSIONS. */
export type FieldColumns = readonly (Uint8Array | Uint16Array)[]

export function fieldColumns(rows: Rows): FieldColumns {
  return DIMENSIONS.map((dimension) => rows.columns[dimension])
}

export class Sieve {
  /** Whether there is a filter of any field. */
  readonly hasFields: boolean
  /** Whether a value of it may be among the names that had no place, so that its events cannot be found. */
  readonly isVague: boolean
  /** By number of the name, 1 for those that pass; undefined where any does. */
  readonly #passes: readonly (Uint8Array | undefined)[]
  /** By hour of the week, 1 for those that pass; undefined where any does. */
  readonly #when: Uint8Array | undefined

  constructor({ names }: Cells, filter: Filter) {
    let vague = false
    this.#passes = DIMENSIONS.map((dimension) => {
      const values = filter[dimension]
      if (!values) return undefined
      const passes = new Uint8Array(names[dimension].end)
      for (const value of values) {
        const number = names[dimension].find(value)
        if (number !== undefined) passes[number] = 1
        else if (names[dimension].full) vague = true
      }
      return passes
    })
    this.isVague = vague
    this.hasFields = this.#passes.some((passes) => passes !== undefined)
    if (filter.when) {
      this.#when = new Uint8Array(7 * 24)
      for (const hour of filter.when) this.#when[readWeekHour(hour)] = 1
    }
  }

  /** Whether the hours of the week leave out this moment, in epoch seconds. */
  leavesOut(second: number): boolean {
    return this.#when !== undefined && this.#when[weekHour(second)] !== 1
  }

  /** The number of the only field whose filter row `i` does not pass; NONE or MANY otherwise. */
  missed(columns: FieldColumns, i: number): number {
    let missed = NONE
    for (let d = 0; d < columns.length; d++) {
      const passes = this.#passes[d]
      if (!passes || passes[columns[d]?.[i] as number] === 1) continue
      if (missed !== NONE) return MANY
      missed = d
    }
    return missed
  }
}
