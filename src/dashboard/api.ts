/**
 * The shapes of the REST API: one zod schema each, from which come the validation of queries, `/openapi.json` and the
 * types that the page imports (type-only, so that none of this reaches the browser).
 *
 * Times are UTC, `2025-07-03T20:11:16.042Z`, except in the two routes that keep the formats of the Python version.
 * Names come from events that anyone may write: they are text, cut to MAX_NAME characters, and never markup.
 */
import { z } from 'zod'
import { QUARANTINE_REASONS } from '../event.ts'
import { count, exact, name, named, seconds, time } from './api-values.ts'
import { hoursSchema, overTimeSchema, publishedSchema, skipsSchema, viewSchema, viewTotalsSchema } from './api-view.ts'

// ---- what the two routes of the Python version answer --------------------------------------------------------------

export const statsSchema = z.strictObject({
  total_events: count.describe('events in the lake'),
  unique_artists: count,
  unique_tracks: count,
  unique_users: count,
  last_update: z.string().describe('HH:MM:SS, UTC: when the lake was last read'),
  exact: z
    .strictObject({ artists: z.boolean(), tracks: z.boolean(), users: z.boolean() })
    .describe('false where the unique count is an estimate (within 1 %)'),
  quarantined: count.describe('messages set aside because they are not valid events'),
})

export const FRESHNESS = ['fresh', 'stale', 'empty'] as const
/** Data is fresh for so many seconds after the last commit of events. */
export const FRESH_S = 60
const freshness = z.enum(FRESHNESS).describe('fresh under 60 s since the last commit of events, empty before the first')
export type Freshness = z.infer<typeof freshness>

export const realtimeSchema = z.strictObject({
  status: z.enum(['ok', 'degraded']).describe('degraded while the log or the lake fails'),
  total_events: count,
  data_freshness: freshness,
  timestamp: z.string().describe('YYYY-MM-DDTHH:MM:SS, UTC: when this was answered'),
  events_per_second: z.number().nonnegative().nullable().describe('production, from the end offsets of the log'),
  waiting_events: count.nullable().describe('in the log and not yet in the lake'),
})

// ---- health --------------------------------------------------------------------------------------------------------

const dependencySchema = z.strictObject({
  state: z.enum(['ok', 'failed']),
  since: time.describe('when the state began'),
  reason: z.string().optional().describe('what failed'),
  next: z.string().optional().describe('what to do about it'),
})
export type DependencyHealth = z.infer<typeof dependencySchema>

const dependenciesSchema = z.strictObject({ log: dependencySchema, lake: dependencySchema })
export type Dependencies = z.infer<typeof dependenciesSchema>

export const healthSchema = z.strictObject({
  status: z.enum(['ok', 'failed']),
  profile: z.string(),
  dependencies: dependenciesSchema,
})
export type Health = z.infer<typeof healthSchema>
export const liveSchema = z.strictObject({ status: z.literal('ok') })

// ---- sections: the parts of a snapshot, each also a route of its own -----------------------------------------------

const distinctSchema = z.strictObject({ count, exact: z.boolean() })

export const totalsSchema = z.strictObject({
  events: count,
  quarantined: count,
  skipped: count.describe('offsets that hold no message'),
  lost: count.describe('offsets lost to the retention of the log, and accepted as lost'),
  records: count.describe('records of the commit log'),
  files: count,
  bytes: count.describe('of the published files'),
  users: distinctSchema,
  artists: distinctSchema,
  tracks: distinctSchema,
  change: z
    .strictObject({ seconds, events: z.number(), users: z.number(), artists: z.number(), tracks: z.number() })
    .nullable()
    .describe('difference to the totals of so many seconds ago; null before there are any'),
})
export type Totals = z.infer<typeof totalsSchema>

const distributionSchema = z.strictObject({
  values: z.array(named).describe('most frequent first'),
  others: count.describe('events of the names that are left out'),
  exact: exact.describe(
    'false where the numbers are estimates, from a uniform sample of the events, or events of a listed name may be among the others',
  ),
})
export type Distribution = z.infer<typeof distributionSchema>

export const distributionsSchema = z.strictObject({
  genre: distributionSchema,
  platform: distributionSchema,
  device: distributionSchema,
  action: distributionSchema,
  country: distributionSchema,
})
export type Distributions = z.infer<typeof distributionsSchema>
export type Dimension = keyof Distributions

const rankedSchema = z.strictObject({
  rank: z.number().int().positive(),
  name,
  artist: name.optional().describe('of a track'),
  events: count,
  atMost: count.describe('larger than `events` where that is a lower bound only'),
  was: z
    .number()
    .int()
    .positive()
    .nullable()
    .optional()
    .describe('in a view: rank in the span that `comparedWith` names; null where it was not among the first 100'),
})
export type Ranked = z.infer<typeof rankedSchema>

export const topSchema = z.strictObject({
  kind: z.enum(['artists', 'tracks']),
  exact: z.boolean().describe('true when names and numbers are certain'),
  comparedWith: z
    .strictObject({ from: time.nullable(), to: time })
    .nullable()
    .optional()
    .describe(
      'in a view: the span whose ranks are `was`: the one before of the same length; null where nothing is known',
    ),
  values: z.array(rankedSchema),
})
export type Top = z.infer<typeof topSchema>

export const durationsSchema = z.strictObject({
  mean: seconds.nullable().describe('seconds; null before the first event'),
  buckets: z
    .array(z.strictObject({ over: seconds, upTo: seconds.nullable(), events: count }))
    .describe('seconds: longer than `over`, at most `upTo` (null: no limit)'),
  exact,
})
export type Durations = z.infer<typeof durationsSchema>

export const STEPS = { minute: 60, hour: 3_600, day: 86_400 } as const
/** Points that one answer of the time series may hold. */
export const MAX_POINTS = 1_500

export const seriesSchema = z.strictObject({
  step: z.enum(['minute', 'hour', 'day']),
  from: time.describe('inclusive'),
  to: time.describe('exclusive'),
  values: z.array(count).describe('events by their own time, one number per step, the first step beginning at `from`'),
  coarser: count.describe('events of the range whose time is kept in longer steps only: they are in no value'),
})
export type Series = z.infer<typeof seriesSchema>

const partitionLagSchema = z.strictObject({
  partition: count,
  start: count.describe('oldest offset that the log still holds'),
  end: count.describe('next offset that the log will give'),
  archived: count.describe('next offset that the lake will take'),
  lag: count.describe('end - archived: events waiting'),
  committed: count.nullable().describe('offset that the consumer group has committed: a hint only'),
})
export type PartitionLag = z.infer<typeof partitionLagSchema>

export const lagSchema = z.strictObject({
  topic: z.string(),
  topicId: z.string().nullable(),
  waiting: count.nullable().describe('over all partitions; null while the log or the lake is unknown'),
  count: count.describe('partitions of the topic'),
  partitions: z.array(partitionLagSchema).describe('the ones furthest behind, by number'),
})
export type Lag = z.infer<typeof lagSchema>

export const rowSchema = z.strictObject({
  id: z.string().describe('partition-offset'),
  timestamp: z.string().describe("the event's own time"),
  user: name,
  artist: name,
  track: name,
  genre: name,
  duration: count,
  platform: name,
  device: name,
  action: name,
  country: name,
})
export type Row = z.infer<typeof rowSchema>

export const recentSchema = z.strictObject({
  rows: z.array(rowSchema).describe('newest first'),
  standsFor: count.describe('messages that came in the last second, of which the newest rows are a sample'),
  sampled: count.describe('rows that were taken from them'),
})
export type Recent = z.infer<typeof recentSchema>

export const commitsSchema = z.strictObject({
  commits: z
    .array(
      z.strictObject({
        topicId: z.string(),
        partition: count,
        seq: z.number().int().positive(),
        kind: z.enum(['claim', 'batch', 'gap', 'compaction', 'stop', 'void', 'retention']),
        first: count,
        next: count,
        events: count,
        quarantined: count,
        files: count,
        bytes: count,
        committedAt: time,
      }),
    )
    .describe('newest first'),
})

const byReason = z.partialRecord(z.enum(QUARANTINE_REASONS), count)

export const quarantineTotalsSchema = z.strictObject({ total: count, reasons: byReason })
export type QuarantineTotals = z.infer<typeof quarantineTotalsSchema>

export const quarantineSchema = z.strictObject({
  ...quarantineTotalsSchema.shape,
  files: z
    .array(
      z.strictObject({
        path: z.string(),
        messages: count,
        bytes: count,
        topicId: z.string(),
        partition: count,
        committedAt: time,
      }),
    )
    .describe('newest first'),
})

const clocksSchema = z.strictObject({
  newestEvent: time.nullable().describe('latest event time in the lake'),
  lastCommit: time.nullable().describe('last commit of events'),
  freshness,
  lakeReadAt: time
    .nullable()
    .describe('when the commit log was last read to its end: what all figures of the lake are of'),
  logReadAt: time.nullable().describe('when the end offsets of the log were last read: what rate and lag are of'),
})
export type Clocks = z.infer<typeof clocksSchema>

const rateSchema = z.strictObject({
  perSecond: z.number().nonnegative().nullable().describe('mean of the last seconds; null while unknown'),
  history: z.array(z.number().nonnegative()).describe('one value a second, newest last'),
})
export type Rate = z.infer<typeof rateSchema>

// ---- everything that the page shows ---------------------------------------------------------------------------------

const problemNoteSchema = z.strictObject({ message: z.string(), next: z.string().optional() })

/** Everything the page shows. for one window and filter. Each key but `at` is a section that an SSE delta may replace as a whole. */
export const snapshotSchema = z.strictObject({
  at: time.describe("the server's clock"),
  profile: z.string(),
  topic: z.string(),
  health: dependenciesSchema,
  clocks: clocksSchema,
  rate: rateSchema,
  totals: totalsSchema
    .nullable()
    .describe('of all time, whatever the view; null until the lake was read for the first time'),
  series: seriesSchema.nullable().describe('of the last hour with events, whatever the view'),
  view: viewSchema.nullable().describe('what the query asked for; null, as the parts below, until the lake was read'),
  viewTotals: viewTotalsSchema.nullable(),
  distributions: distributionsSchema
    .nullable()
    .describe('of the view; for each field its own filter is left out, so that the other values can be chosen too'),
  top: z.strictObject({ artists: topSchema, tracks: topSchema }).nullable().describe('of the view'),
  durations: durationsSchema.nullable().describe('of the view'),
  overTime: overTimeSchema.nullable().describe('of the view'),
  hours: hoursSchema.nullable().describe('of the view'),
  skips: skipsSchema.nullable().describe('of the view'),
  published: publishedSchema.describe('what real listening looks like, to lay beside; never changes'),
  lag: lagSchema,
  quarantine: quarantineTotalsSchema.nullable(),
  recent: recentSchema.describe('rows of the view; the numbers are of the whole flow'),
  problems: z.array(problemNoteSchema).describe('what keeps the commit log from being read to its end'),
})
export type Snapshot = z.infer<typeof snapshotSchema>
export type Sections = Omit<Snapshot, 'at'>
/** What an SSE `delta` carries: the time, and the sections that changed. */
export type Delta = Pick<Snapshot, 'at'> & Partial<Sections>
