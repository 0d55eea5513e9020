/**
 * Version 1 of the cells of a checkpoint, which is still read: all of it JSON, but for the rows.
 *
 *   names, artists, all, events, unknown, beyond, floor
 *              as in version 2
 *   tracks     [[0, ''], [number of the artist, title], ...]
 *   minutes    ascending: { at, events, unknown, counted, seconds, buckets, counts, rows }; counts by field are
 *              [[number of the name, events], ...], rows are { size, threshold }
 *   columns    base64 of the zlib-deflated columns of all rows, little-endian
 */
import { inflateSync } from 'node:zlib'
import { z } from 'zod'
import type { CellsState } from './cells-state.ts'
import { DIMENSIONS } from './dimensions.ts'
import { DURATION_BUCKETS } from './durations.ts'
import { minuteColumnsOf } from './minute-columns.ts'
import { type Columns, columnsOf, ROW_BYTES } from './rows.ts'

const count = z.number().int().nonnegative()
const pairs = z.array(z.tuple([count, count]))
const byDimension = <T extends z.ZodType>(of: T) =>
  z.strictObject({ genre: of, platform: of, device: of, action: of, country: of })
const rows = z.strictObject({ size: count, threshold: z.number().nonnegative() })

export const v1Schema = z.strictObject({
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

/** Undefined when its rows are fewer or more than it says. */
export function fromV1({ v, tracks, minutes, columns, ...state }: z.output<typeof v1Schema>): CellsState | undefined {
  const size = minutes.reduce((sum, minute) => sum + minute.rows.size, state.all.size)
  const rows = inflated(columns, size)
  if (!rows) return undefined
  const byField = minutes.flatMap(({ counts }) => DIMENSIONS.map((dimension) => counts[dimension]))
  const all = byField.flat()
  const counted = minuteColumnsOf(minutes.length, all.length)
  for (const name of ['at', 'events', 'unknown', 'counted', 'seconds'] as const) {
    counted[name].set(minutes.map((minute) => minute[name]))
  }
  counted.threshold.set(minutes.map((minute) => minute.rows.threshold))
  counted.rows.set(minutes.map((minute) => minute.rows.size))
  counted.buckets.set(minutes.flatMap(({ buckets }) => buckets))
  counted.sizes.set(byField.map(({ length }) => length))
  counted.numbers.set(all.map(([number]) => number))
  counted.counts.set(all.map(([, n]) => n))
  const titles = tracks.map(([, title]) => title)
  return { ...state, titles, artistOf: tracks.map(([artist]) => artist), minutes: counted, rows }
}

function inflated(data: string, size: number): Columns | undefined {
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
