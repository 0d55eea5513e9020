/**
 * Cells as a checkpoint of the commit log keeps them, version 2; version 1 is still read (`cells-state-v1.ts`). Counts come
 * back as they were; of the rows, as many as the writer's limits have left.
 *
 *   v          2; a version that is not known is refused
 *   names      by field: the names, by their number; '' is number 0
 *   artists, titles
 *              ['', artist, ...] and ['', title, ...]: those of the rows, a title by number of its track
 *   minutes    how many, ascending
 *   counts     how many names they count, over all of them
 *   rows       how many: those of each minute, then those of all time
 *   all        { size, threshold }: the sample of all time
 *   events, unknown, beyond, floor
 *              as in `Cells`; floor is null while no minute has been dropped
 *   columns    bytes, little-endian: the rows (`columnsOf`), the minutes (`minuteColumnsOf`), and of each track the number
 *              of its artist (four bytes)
 */
import { z } from 'zod'
import type { Cells } from './cells.ts'
import { fromV1, v1Schema } from './cells-state-v1.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { DURATION_BUCKETS } from './durations.ts'
import { type MinuteColumns, minuteBytes, minuteColumnsOf } from './minute-columns.ts'
import { isCount, isText, isWhole, plainList } from './plain-list.ts'
import { type Columns, columnsOf, ROW_BYTES, type Rows } from './rows.ts'
import type { ForeignTracks, TrackNames } from './track-names.ts'

export interface CellsState extends ForeignTracks {
  names: Record<Dimension, string[]>
  minutes: MinuteColumns
  rows: Columns
  all: { size: number; threshold: number }
  events: number
  unknown: number
  beyond: number
  floor: number | null
}

const count = z.number().int().nonnegative()
const texts = plainList(isText)

const v2Schema = z.strictObject({
  v: z.literal(2),
  names: z.strictObject({ genre: texts, platform: texts, device: texts, action: texts, country: texts }),
  artists: texts,
  titles: texts,
  minutes: count,
  counts: count,
  rows: count,
  all: z.strictObject({ size: count, threshold: z.number().nonnegative() }),
  events: count,
  unknown: count,
  beyond: count,
  floor: z.number().int().nullable(),
  columns: z.instanceof(Uint8Array),
})
/** What is on disk. */
export type EncodedCells = z.output<typeof v2Schema>

export const cellsStateSchema = z
  .discriminatedUnion('v', [v1Schema, v2Schema])
  .transform((encoded, context): CellsState => {
    const state = encoded.v === 1 ? fromV1(encoded) : unpack(encoded)
    if (state && isSound(state)) return state
    context.addIssue('its rows are damaged')
    return z.NEVER
  })

export function encodeCells(cells: Cells): EncodedCells {
  const minutes = [...cells.minutes].sort(([a], [b]) => a - b)
  const tracks = new UsedTracks(cells.tracks)
  const rows = rowsOf([...minutes.map(([, { rows }]) => rows), cells.all], tracks)
  const counted = minuteColumns(minutes)
  const { artists, titles } = tracks
  const parts = [rows.second.buffer, counted.at.buffer, Uint32Array.from(tracks.artistOf).buffer]
  return {
    v: 2,
    names: perDimension((dimension) =>
      Array.from({ length: cells.names[dimension].end }, (_, number) => cells.names[dimension].name(number)),
    ),
    ...{ artists, titles, minutes: minutes.length, counts: counted.counts.length, rows: rows.second.length },
    all: { size: cells.all.size, threshold: cells.all.threshold },
    ...{ events: cells.events, unknown: cells.unknown, beyond: cells.beyond },
    floor: Number.isFinite(cells.floor) ? cells.floor : null,
    columns: Buffer.concat(parts.map((part) => new Uint8Array(part))),
  }
}

function rowsOf(sets: readonly Rows[], tracks: UsedTracks): Columns {
  const columns = columnsOf(sets.reduce((sum, { size }) => sum + size, 0))
  let at = 0
  for (const { columns: from, size } of sets) {
    for (const name of Object.keys(columns) as (keyof Columns)[]) columns[name].set(from[name].subarray(0, size), at)
    for (let i = at; i < at + size; i++) columns.track[i] = tracks.number(columns.track[i] as number)
    at += size
  }
  return columns
}

function minuteColumns(minutes: [number, Cells['minutes'] extends Map<number, infer M> ? M : never][]): MinuteColumns {
  const sizes = minutes.flatMap(([, { counts }]) =>
    DIMENSIONS.map((d) => counts[d].reduce((n, of) => n + (of > 0 ? 1 : 0), 0)),
  )
  const columns = minuteColumnsOf(
    minutes.length,
    sizes.reduce((sum, n) => sum + n, 0),
  )
  columns.sizes.set(sizes)
  let at = 0
  for (const [i, [start, minute]] of minutes.entries()) {
    columns.at[i] = start
    columns.events[i] = minute.events
    columns.unknown[i] = minute.unknown
    columns.counted[i] = minute.counted
    columns.seconds[i] = minute.seconds
    columns.threshold[i] = minute.rows.threshold
    columns.rows[i] = minute.rows.size
    columns.buckets.set(minute.buckets, i * DURATION_BUCKETS)
    for (const dimension of DIMENSIONS) {
      for (const [number, n] of minute.counts[dimension].entries()) {
        if (n === 0) continue
        columns.numbers[at] = number
        columns.counts[at] = n
        at++
      }
    }
  }
  return columns
}

/** Numbers tracks anew, without those that no row refers to. */
class UsedTracks {
  readonly artists = ['']
  readonly titles = ['']
  readonly artistOf = [0]
  readonly #from: TrackNames
  readonly #numbers = new Map([[0, 0]])
  readonly #artists = new Map([[0, 0]])

  constructor(from: TrackNames) {
    this.#from = from
  }

  number(track: number): number {
    const known = this.#numbers.get(track)
    if (known !== undefined) return known
    this.artistOf.push(this.#artist(this.#from.artistOf(track)))
    const number = this.titles.push(this.#from.title(track)) - 1
    this.#numbers.set(track, number)
    return number
  }

  #artist(artist: number): number {
    const known = this.#artists.get(artist)
    if (known !== undefined) return known
    const number = this.artists.push(this.#from.artists.name(artist)) - 1
    this.#artists.set(artist, number)
    return number
  }
}

function unpack({ columns, minutes, counts, rows, titles, ...state }: EncodedCells): CellsState | undefined {
  const [rowBytes, countedBytes, trackBytes] = [rows * ROW_BYTES, minuteBytes(minutes, counts), titles.length * 4]
  if (columns.length !== rowBytes + countedBytes + trackBytes) return undefined
  const parts = {
    rows: columnsOf(rows),
    minutes: minuteColumnsOf(minutes, counts),
    artistOf: new Uint32Array(titles.length),
  }
  fill(parts.rows.second.buffer, columns, 0)
  fill(parts.minutes.at.buffer, columns, rowBytes)
  fill(parts.artistOf.buffer, columns, rowBytes + countedBytes)
  return { ...state, ...parts, titles }
}

function fill(buffer: ArrayBuffer, bytes: Uint8Array, from: number): void {
  new Uint8Array(buffer).set(bytes.subarray(from, from + buffer.byteLength))
}

/** Whether its parts add up, and refer to each other only. */
function isSound({ names, artists, titles, artistOf, minutes, rows, all }: CellsState): boolean {
  const { counts, numbers, sizes, threshold, at, ...others } = minutes
  return (
    sum(minutes.rows) + all.size === rows.second.length &&
    sum(sizes) === counts.length &&
    areBelow(artistOf, artists.length) &&
    areBelow(rows.track, titles.length) &&
    DIMENSIONS.every((dimension) => areBelow(rows[dimension], names[dimension].length)) &&
    numbersAreBelow(minutes, names) &&
    everyOne(rows.chance, (chance) => chance > 0) &&
    everyOne(threshold, (value) => value >= 0) &&
    everyOne(at, isWhole) &&
    [others.events, others.unknown, others.counted, others.seconds, others.buckets].every((column) =>
      everyOne(column, isCount),
    )
  )
}

// Loops, since the arrays' own methods make an object of every number.

function everyOne(values: Float64Array | Float32Array, holds: (value: number) => boolean): boolean {
  for (let i = 0; i < values.length; i++) if (!holds(values[i] as number)) return false
  return true
}

function sum(values: Uint32Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}

function areBelow(numbers: ArrayLike<number>, end: number): boolean {
  for (let i = 0; i < numbers.length; i++) if ((numbers[i] as number) >= end) return false
  return true
}

function numbersAreBelow({ sizes, numbers }: MinuteColumns, names: CellsState['names']): boolean {
  let c = 0
  for (let i = 0; i < sizes.length; i++) {
    const { length } = names[DIMENSIONS[i % DIMENSIONS.length] as Dimension]
    for (const end = c + (sizes[i] as number); c < end; c++) if ((numbers[c] as number) >= length) return false
  }
  return true
}
