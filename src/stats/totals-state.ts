/**
 * Totals as a checkpoint of the commit log keeps them, version 1. Bounded as the totals themselves are, and lossless but
 * for the samples: what is read back counts on as if it had never been put away.
 *
 *   v          1; a version that is not known is refused
 *   events, quarantined, skipped, gaps, records, files, bytes, removed
 *              as in `TotalsSnapshot`; `removed` is missing in older ones
 *   genre, platform, device, action, country
 *              { named: [[name, events], ...], other }
 *   time       as in a summary, with `minutesFrom`, `hoursFrom` and `daysFrom` (`timeline.ts`), `oldest` and `newest`
 *   duration   { sum, buckets }
 *   artists    { listed: [[artist, events, lack], ...], most }: a count may lack up to `lack` events, and a name that is
 *              not listed may have `most`
 *   tracks     the same, with [artist, track, events, lack]
 *   distinct   { users, artists, tracks }: sketches
 *   lastCommit epoch milliseconds, or null
 *   cells      what windows and filters are answered from (`cells-state.ts`): its sample may be smaller than that of totals
 *              which have read every record
 */
import { z } from 'zod'
import { QUARANTINE_REASONS } from '../event.ts'
import { cellsStateSchema, type EncodedCells } from './cells-state.ts'
import { DURATION_BUCKETS } from './durations.ts'
import { isCount, isText, isTuple, isWhole, plainList } from './plain-list.ts'
import { sketchSchema } from './sketch.ts'

export const TOTALS_VERSION = 1

const count = z.number().int().nonnegative()
const whole = z.number().int()
const tally = z.strictObject({ named: z.array(z.tuple([z.string(), count])), other: count })
const cells = plainList(isTuple<[at: number, n: number]>(isWhole, isCount))
const isArtist = isTuple<[artist: string, events: number, lack: number]>(isText, isCount, isCount)
const isTrack = isTuple<[artist: string, track: string, events: number, lack: number]>(isText, isText, isCount, isCount)

export const totalsStateSchema = z.strictObject({
  v: z.literal(TOTALS_VERSION),
  events: count,
  quarantined: z.partialRecord(z.enum(QUARANTINE_REASONS), count),
  skipped: count,
  gaps: count,
  records: count,
  files: count,
  bytes: count,
  removed: z.strictObject({ events: count, quarantined: count }).default({ events: 0, quarantined: 0 }),
  genre: tally,
  platform: tally,
  device: tally,
  action: tally,
  country: tally,
  time: z.strictObject({
    oldest: whole.nullable(),
    newest: whole.nullable(),
    minutes: cells,
    hours: cells,
    days: cells,
    earlier: count,
    minutesFrom: whole.nullable(),
    hoursFrom: whole.nullable(),
    daysFrom: whole.nullable(),
  }),
  duration: z.strictObject({ sum: count, buckets: z.array(count).length(DURATION_BUCKETS) }),
  artists: z.strictObject({ listed: plainList(isArtist), most: count }),
  tracks: z.strictObject({ listed: plainList(isTrack), most: count }),
  distinct: z.strictObject({ users: sketchSchema, artists: sketchSchema, tracks: sketchSchema }),
  lastCommit: whole.nullable(),
  cells: cellsStateSchema,
})
/** What is on disk. */
export type EncodedTotals = Omit<z.input<typeof totalsStateSchema>, 'cells'> & { cells: EncodedCells }
export type TotalsState = z.output<typeof totalsStateSchema>
