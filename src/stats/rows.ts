/**
 * Sampled events in columns, of bounded number. Each row stands for some events (its weight); when there are too many
 * rows, chance decides which go, and heavier rows stay more likely: priority sampling (Duffield, Lund, Thorup, "Priority
 * sampling for estimation of arbitrary subset sums", 2007). A row's chance u is fixed, its priority is weight / u, and the
 * rows above a threshold stay, each then standing for max(weight, threshold): sums over any of them are unbiased.
 */
import type { Dimension } from './dimensions.ts'

export interface Row {
  /** Epoch seconds. */
  second: number
  genre: number
  platform: number
  device: number
  action: number
  country: number
  track: number
  /** Seconds. */
  duration: number
  /** 48 bits of the hash of the user's name. */
  user: number
  /** Events that it stands for, 1 or more. */
  weight: number
  /** Above 0, at most 1. */
  chance: number
}

const FIRST_CAPACITY = 16
export const ROW_BYTES = 38

/** All in one buffer, the widest first so that each is aligned: there are thousands of such sets. */
export function columnsOf(capacity: number) {
  const buffer = new ArrayBuffer(capacity * ROW_BYTES)
  return {
    second: new Float64Array(buffer, 0, capacity),
    user: new Float64Array(buffer, capacity * 8, capacity),
    weight: new Float32Array(buffer, capacity * 16, capacity),
    chance: new Float32Array(buffer, capacity * 20, capacity),
    track: new Uint32Array(buffer, capacity * 24, capacity),
    duration: new Uint32Array(buffer, capacity * 28, capacity),
    country: new Uint16Array(buffer, capacity * 32, capacity),
    genre: new Uint8Array(buffer, capacity * 34, capacity),
    platform: new Uint8Array(buffer, capacity * 35, capacity),
    device: new Uint8Array(buffer, capacity * 36, capacity),
    action: new Uint8Array(buffer, capacity * 37, capacity),
  }
}

export type Columns = ReturnType<typeof columnsOf>
const NONE = columnsOf(0)

/** Rows that others have numbered: their columns, and what their numbers are here. */
export interface ForeignRows {
  columns: Columns
  /** By number of the name there: its number here. */
  ids: Record<Dimension, readonly number[]>
  /** The number here of a track there, once more in use. */
  track(number: number): number
}

export class Rows {
  columns = NONE
  size = 0
  /** Rows of a lower priority have gone; 0 while none has. */
  threshold = 0
  readonly #onDrop: (track: number) => void

  /** @param onDrop told of the track of each row that goes */
  constructor(onDrop: (track: number) => void) {
    this.#onDrop = onDrop
  }

  /** Whether a row of this weight and chance would be kept. */
  wants(weight: number, chance: number): boolean {
    return weight / chance > this.threshold
  }

  /** Adds a row that it `wants`, and drops others where there are more than `limit` then. */
  add(row: Row, limit: number): void {
    // One more than the limit, and not twice as many: there are thousands of full sets.
    if (this.size === this.columns.second.length)
      this.#resize(Math.min(Math.max(FIRST_CAPACITY, this.size * 2), limit + 1))
    putRow(this.columns, this.size, row)
    this.size++
    if (this.size > limit) this.shrink(limit)
  }

  /**
   * Takes in the rows `begin` to `end` of another set, of which all of a lower priority than `threshold` have gone: they go
   * from this one as well.
   */
  merge(others: ForeignRows, begin: number, end: number, threshold: number, limit: number): void {
    if (threshold > this.threshold) {
      this.threshold = threshold
      this.#dropBelow()
    }
    const most = this.size + end - begin
    if (most > this.columns.second.length) this.#resize(Math.max(most, Math.min(this.size * 2, limit + 1)))
    const { columns } = this
    const { columns: from, ids } = others
    for (let i = begin; i < end; i++) {
      if (!this.wants(from.weight[i] as number, from.chance[i] as number)) continue
      const at = this.size++
      copyRow(from, i, columns, at)
      columns.track[at] = others.track(from.track[i] as number)
      columns.genre[at] = ids.genre[from.genre[i] as number] as number
      columns.platform[at] = ids.platform[from.platform[i] as number] as number
      columns.device[at] = ids.device[from.device[i] as number] as number
      columns.action[at] = ids.action[from.action[i] as number] as number
      columns.country[at] = ids.country[from.country[i] as number] as number
    }
    this.shrink(limit)
  }

  /** Events that a row stands for. */
  weight(i: number): number {
    return Math.max(this.columns.weight[i] as number, this.threshold)
  }

  /** Events that all rows stand for together. */
  weights(): number {
    let sum = 0
    for (let i = 0; i < this.size; i++) sum += this.weight(i)
    return sum
  }

  /** Keeps three quarters of `limit` rows at most, where there are more than `limit`: sorting is paid for by the rest. */
  shrink(limit: number): void {
    if (this.size <= limit) return
    const keep = Math.floor((limit * 3) / 4)
    const sorted = Float64Array.from({ length: this.size }, (_, i) => this.#priority(i)).sort()
    this.threshold = Math.max(this.threshold, sorted[this.size - keep - 1] as number)
    this.#dropBelow()
    if (this.columns.second.length > limit + 1) this.#resize(limit + 1)
  }

  /** Drops every row. */
  clear(): void {
    for (let i = 0; i < this.size; i++) this.#onDrop(this.columns.track[i] as number)
    this.size = 0
  }

  #priority(i: number): number {
    return (this.columns.weight[i] as number) / (this.columns.chance[i] as number)
  }

  #dropBelow(): void {
    let kept = 0
    for (let i = 0; i < this.size; i++) {
      if (this.#priority(i) <= this.threshold) this.#onDrop(this.columns.track[i] as number)
      else {
        if (kept < i) copyRow(this.columns, i, this.columns, kept)
        kept++
      }
    }
    this.size = kept
  }

  #resize(capacity: number): void {
    const larger = columnsOf(Math.max(capacity, this.size))
    for (let i = 0; i < this.size; i++) copyRow(this.columns, i, larger, i)
    this.columns = larger
  }
}

// Column by column by name: a loop over the columns is slow, since they are arrays of different kinds.

function putRow(columns: Columns, at: number, row: Row): void {
  columns.second[at] = row.second
  columns.user[at] = row.user
  columns.weight[at] = row.weight
  columns.chance[at] = row.chance
  columns.track[at] = row.track
  columns.duration[at] = row.duration
  columns.country[at] = row.country
  columns.genre[at] = row.genre
  columns.platform[at] = row.platform
  columns.device[at] = row.device
  columns.action[at] = row.action
}

function copyRow(from: Columns, i: number, to: Columns, at: number): void {
  to.second[at] = from.second[i] as number
  to.user[at] = from.user[i] as number
  to.weight[at] = from.weight[i] as number
  to.chance[at] = from.chance[i] as number
  to.track[at] = from.track[i] as number
  to.duration[at] = from.duration[i] as number
  to.country[at] = from.country[i] as number
  to.genre[at] = from.genre[i] as number
  to.platform[at] = from.platform[i] as number
  to.device[at] = from.device[i] as number
  to.action[at] = from.action[i] as number
}
