/**
 * Cells as a checkpoint of the commit log keeps them, version 1. Counts come back as they were; of the rows, as many as the
 * writer's limits have left.
 *
 *   v          1; a version that is not known is refused
 *   names      by field: the names, by their number; '' is number 0
 *   artists, tracks
 *              ['', artist, ...] and [[0, ''], [number of the artist, title], ...]: those of the rows
 *   minutes    ascending: { at, events, unknown, counted, seconds, buckets, counts, rows }; counts by field are
 *              [[number of the name, events], ...], rows are { size, threshold }
 *   all        { size, threshold }: the sample of all time
 *   columns    base64 of the zlib-deflated columns of all rows, one after the other, little-endian: those of each minute,
 *              then those of all time
 *   events, unknown, beyond, floor
 *              as in `Cells`; floor is null while no minute has been dropped
 */
import { constants, deflateSync, inflateSync } from 'node:zlib'
import { z } from 'zod'
import type { Cells } from './cells.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { DURATION_BUCKETS } from './durations.ts'
import { columnsOf, ROW_BYTES, type Row, type Rows } from './rows.ts'
import type { TrackNames } from './track-names.ts'

const count = z.number().int().nonnegative()
const pairs = z.array(z.tuple([count, count]))
const byDimension = <T extends z.ZodType>(of: T) =>
  z.strictObject({ genre: of, platform: of, device: of, action: of, country: of })
const rows = z.strictObject({ size: count, threshold: z.number().nonnegative() })

const partsSchema = z.strictObject({
  v: z.literal(1),
  names: byDimension(z.array(z.string())),
  artists: z.array(z.string()),
  tracks: z.array(z.tuple([count, z.string()])),
  minutes: z.array(
    z.strictObject({
      at: z.number().int(),
      events: count,
      unknown: count,
      counted: count,
      seconds: count,
      buckets: z.array(count).length(DURATION_BUCKETS),
      counts: byDimension(pairs),
      rows,
    }),
  ),
  all: rows,
  columns: z.string(),
  events: count,
  unknown: count,
  beyond: count,
  floor: z.number().int().nullable(),
})
export const cellsStateSchema = partsSchema.transform((state, context) => {
  const total = state.minutes.reduce((sum, minute) => sum + minute.rows.size, state.all.size)
  const columns = unpack(state.columns, total)
  if (columns && refersToNamesOnly(state, columns)) return { ...state, columns }
  context.addIssue('its rows are damaged')
  return z.NEVER
})
/** What is on disk. */
export type EncodedCells = z.input<typeof cellsStateSchema>
/** The same, with its rows unpacked. */
export type CellsState = z.output<typeof cellsStateSchema>

export function encodeCells(cells: Cells): EncodedCells {
  const minutes = [...cells.minutes].sort(([a], [b]) => a - b)
  const sets = [...minutes.map(([, { rows }]) => rows), cells.all]
  const tracks = new UsedTracks(cells.tracks)
  const columns = columnsOf(sets.reduce((sum, { size }) => sum + size, 0))
  let at = 0
  for (const { columns: from, size } of sets) {
    for (const name of Object.keys(columns) as (keyof typeof columns)[]) {
      columns[name].set(from[name].subarray(0, size), at)
    }
    for (let i = at; i < at + size; i++) columns.track[i] = tracks.number(columns.track[i] as number)
    at += size
  }
  return {
    v: 1,
    names: perDimension((dimension) =>
      Array.from({ length: cells.names[dimension].end }, (_, number) => cells.names[dimension].name(number)),
    ),
    artists: tracks.artists,
    tracks: tracks.tracks,
    minutes: minutes.map(([minute, { events, unknown, counted, seconds, buckets, counts, rows }]) => ({
      ...{ at: minute, events, unknown, counted, seconds },
      buckets: [...buckets],
      counts: perDimension((dimension) => used(counts[dimension])),
      rows: about(rows),
    })),
    all: about(cells.all),
    columns: deflateSync(columns.second.buffer, { level: constants.Z_BEST_SPEED }).toString('base64'),
    ...{ events: cells.events, unknown: cells.unknown, beyond: cells.beyond },
    floor: Number.isFinite(cells.floor) ? cells.floor : null,
  }
}

function about({ size, threshold }: Rows) {
  return { size, threshold }
}

function used(counts: Uint32Array): [number, number][] {
  return [...counts].map((n, number): [number, number] => [number, n]).filter(([, n]) => n > 0)
}

/** The rows `from` to `to` of a state, with the numbers of other cells. */
export function* rowsOf(
  { columns }: CellsState,
  from: number,
  to: number,
  ids: Record<Dimension, readonly number[]>,
  tracks: TrackPlaces,
): Generator<Row> {
  for (let i = from; i < to; i++) {
    yield {
      second: columns.second[i] as number,
      user: columns.user[i] as number,
      weight: columns.weight[i] as number,
      chance: columns.chance[i] as number,
      duration: columns.duration[i] as number,
      track: tracks.take(columns.track[i] as number),
      genre: ids.genre[columns.genre[i] as number] as number,
      platform: ids.platform[columns.platform[i] as number] as number,
      device: ids.device[columns.device[i] as number] as number,
      action: ids.action[columns.action[i] as number] as number,
      country: ids.country[columns.country[i] as number] as number,
    }
  }
}

/** Numbers tracks anew, without those that no row refers to. */
class UsedTracks {
  readonly artists = ['']
  readonly tracks: [artist: number, title: string][] = [[0, '']]
  readonly #from: TrackNames
  readonly #numbers = new Map([[0, 0]])
  readonly #artists = new Map([[0, 0]])

  constructor(from: TrackNames) {
    this.#from = from
  }

  number(track: number): number {
    const known = this.#numbers.get(track)
    if (known !== undefined) return known
    const number = this.tracks.push([this.#artist(this.#from.artistOf(track)), this.#from.title(track)]) - 1
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

/** Gives the tracks of a state numbers among those that are there. */
export class TrackPlaces {
  readonly #into: TrackNames
  readonly #state: CellsState

  constructor(into: TrackNames, state: CellsState) {
    this.#into = into
    this.#state = state
  }

  /** @returns the number, once more in use */
  take(track: number): number {
    const [artist, title] = this.#state.tracks[track] as [number, string]
    return this.#into.take(this.#state.artists[artist] as string, title)
  }
}

function unpack(data: string, size: number): ReturnType<typeof columnsOf> | undefined {
  try {
    const bytes = inflateSync(Buffer.from(data, 'base64'), { maxOutputLength: Math.max(1, size * ROW_BYTES) })
    if (bytes.length !== size * ROW_BYTES) return undefined
    const columns = columnsOf(size)
    new Uint8Array(columns.second.buffer).set(bytes)
    return columns
  } catch {
    return undefined
  }
}

function refersToNamesOnly(
  { names, artists, tracks, minutes }: z.output<typeof partsSchema>,
  columns: ReturnType<typeof columnsOf>,
): boolean {
  return (
    DIMENSIONS.every((dimension) => columns[dimension].every((number) => number < names[dimension].length)) &&
    minutes.every(({ counts }) => DIMENSIONS.every((d) => counts[d].every(([number]) => number < names[d].length))) &&
    columns.track.every((number) => number < tracks.length) &&
    columns.chance.every((chance) => chance > 0) &&
    tracks.every(([artist]) => artist < artists.length)
  )
}
