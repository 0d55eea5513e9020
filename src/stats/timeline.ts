import { weekHour } from './week-hour.ts'

/** A cell of a timeline: the start of a minute, hour or day, counted in such units since the Unix epoch, and its events. */
export type TimeCell = [at: number, events: number]

export interface TimelineCells {
  /** Ascending, by epoch minute. */
  minutes: TimeCell[]
  /** Events older than the minutes, by epoch hour. */
  hours: TimeCell[]
  /** Events older than the hours, by epoch day. */
  days: TimeCell[]
  /** Events older than the days. */
  earlier: number
}

export const STEP_MINUTES = { minute: 1, hour: 60, day: 1440 } as const
export type Step = keyof typeof STEP_MINUTES

/** A whole timeline, for `restore`. */
export interface TimelineState extends TimelineCells {
  /** The minute before which events are counted by the hour or longer; null while there is none. */
  minutesFrom: number | null
  /** The hour before which events are counted by the day. */
  hoursFrom: number | null
  daysFrom: number | null
}

/** The most non-empty cells that each grain keeps; at least 60 minutes and 24 hours. */
export interface TimelineLimits {
  minutes: number
  hours: number
  days: number
}

export interface Series {
  step: Step
  /** Start of each step in epoch milliseconds, ascending, and its events; steps without events are absent. */
  points: TimeCell[]
  /** Events that are known only by a longer step which overlaps the range: they are in no point. */
  coarser: number
}

/**
 * Events by minute in bounded memory: when there are too many minutes the oldest become hours, then days, then one
 * number. So a producer with random dates costs detail in the far past, never of the present, and never a count.
 */
export class Timeline {
  readonly #earlier = { n: 0 }
  readonly #days: Grain
  readonly #hours: Grain
  readonly #minutes: Grain

  constructor(limits: TimelineLimits) {
    this.#days = new Grain(limits.days, 1, (_day, n) => {
      this.#earlier.n += n
    })
    this.#hours = new Grain(limits.hours, 24, (hour, n) => this.#days.add(Math.floor(hour / 24), n))
    this.#minutes = new Grain(limits.minutes, 60, (minute, n) => this.#hours.add(Math.floor(minute / 60), n))
  }

  /** @param minute whole minutes since the Unix epoch; negative before 1970 */
  add(minute: number, n = 1): void {
    this.#minutes.add(minute, n)
  }

  merge(cells: TimelineCells): void {
    for (const cell of cells.minutes) this.#minutes.add(cell[0], cell[1])
    for (const cell of cells.hours) this.#hours.add(cell[0], cell[1])
    for (const cell of cells.days) this.#days.add(cell[0], cell[1])
    this.#earlier.n += cells.earlier
  }

  /** Takes in another timeline with the same limits, and goes no finer than it does. */
  restore(state: TimelineState): void {
    this.#minutes.raise(state.minutesFrom)
    this.#hours.raise(state.hoursFrom)
    this.#days.raise(state.daysFrom)
    this.merge(state)
  }

  encode(): TimelineState {
    const cells = this.cells()
    const [minutesFrom, hoursFrom, daysFrom] = [this.#minutes.floor, this.#hours.floor, this.#days.floor]
    return { ...cells, minutesFrom, hoursFrom, daysFrom }
  }

  /** Within the limits, whatever came. */
  cells(): TimelineCells {
    this.#minutes.shrink()
    this.#hours.shrink()
    this.#days.shrink()
    return {
      minutes: this.#minutes.cells(),
      hours: this.#hours.cells(),
      days: this.#days.cells(),
      earlier: this.#earlier.n,
    }
  }

  /** Events by weekday, Monday first, and hour, UTC; `unplaced` are those of which only the day is known. */
  hours(): { matrix: number[][]; unplaced: number } {
    const sums = new Float64Array(7 * 24)
    const { minutes, hours, days, earlier } = this.cells()
    const add = (second: number, n: number) => {
      const i = weekHour(second)
      sums[i] = (sums[i] as number) + n
    }
    for (const [minute, n] of minutes) add(minute * 60, n)
    for (const [hour, n] of hours) add(hour * 3_600, n)
    return {
      matrix: Array.from({ length: 7 }, (_, day) => Array.from(sums.subarray(day * 24, day * 24 + 24))),
      unplaced: days.reduce((sum, [, n]) => sum + n, earlier),
    }
  }

  /** Events by `step` with a start in `[from, to)`, in epoch milliseconds. */
  series(step: Step, from: number, to: number): Series {
    const points = new Map<number, number>()
    let coarser = 0
    const grains = [
      [this.#minutes, STEP_MINUTES.minute],
      [this.#hours, STEP_MINUTES.hour],
      [this.#days, STEP_MINUTES.day],
    ] as const
    for (const [grain, length] of grains) {
      if (length > STEP_MINUTES[step]) {
        coarser += grain.overlapping(from / 60_000 / length, to / 60_000 / length)
      } else {
        const stepMs = STEP_MINUTES[step] * 60_000
        for (const [at, n] of grain.cells()) {
          const start = Math.floor((at * length * 60_000) / stepMs) * stepMs
          if (start >= from && start < to) points.set(start, (points.get(start) ?? 0) + n)
        }
      }
    }
    // Older than every day that its summary or this timeline kept.
    const [oldestDay] = this.#days.cells()
    if (oldestDay !== undefined && from < (oldestDay[0] + 1) * 86_400_000) coarser += this.#earlier.n
    return { step, points: [...points].sort((a, b) => a[0] - b[0]), coarser }
  }
}

/** Counts by whole number of some unit of time, the newest `limit` of them; older ones are given to `fold`. */
class Grain {
  readonly #limit: number
  readonly #perCoarser: number
  readonly #fold: (at: number, n: number) => void
  readonly #cells = new Map<number, { n: number }>()
  #floor = Number.NEGATIVE_INFINITY

  constructor(limit: number, perCoarser: number, fold: (at: number, n: number) => void) {
    this.#limit = limit
    this.#perCoarser = perCoarser
    this.#fold = fold
  }

  /** Everything before this is kept by the next grain; null while that is nothing. */
  get floor(): number | null {
    return Number.isFinite(this.#floor) ? this.#floor : null
  }

  /** Gives what is before `floor` to the next grain, now and from here on. */
  raise(floor: number | null): void {
    if (floor === null || floor <= this.#floor) return
    this.#floor = floor
    for (const [at, { n }] of this.#cells) {
      if (at >= floor) continue
      this.#fold(at, n)
      this.#cells.delete(at)
    }
  }

  add(at: number, n: number): void {
    const cell = this.#cells.get(at)
    if (cell) {
      cell.n += n
    } else if (at < this.#floor) {
      this.#fold(at, n)
    } else {
      this.#cells.set(at, { n })
      // Shrinking sorts, so it waits until a third more has gathered.
      if (this.#cells.size * 3 > this.#limit * 4) this.shrink()
    }
  }

  shrink(): void {
    if (this.#cells.size <= this.#limit) return
    const starts = Float64Array.from(this.#cells.keys()).sort()
    const oldest = starts[starts.length - this.#limit] as number
    // A unit of the next grain goes as a whole, or its events would be found under both.
    this.raise(Math.ceil(oldest / this.#perCoarser) * this.#perCoarser)
  }

  cells(): TimeCell[] {
    return Array.from(this.#cells, ([at, cell]): TimeCell => [at, cell.n]).sort((a, b) => a[0] - b[0])
  }

  /** Events of the cells that overlap `[from, to)`, in this grain's unit. */
  overlapping(from: number, to: number): number {
    let sum = 0
    for (const [at, cell] of this.#cells) if (at + 1 > from && at < to) sum += cell.n
    return sum
  }
}
