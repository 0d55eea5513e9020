/**
 * The shapes of the REST API: one zod schema each, from which come the validation of queries, `/openapi.json` and the
 * types that the page imports (type-only, so that none of this reaches the browser).
 *
 * Times are UTC, `2025-07-03T20:11:16.042Z`, except in the two routes that keep the formats of the Python version.
 * Names come from events that anyone may write: they are text, cut to MAX_NAME characters, and never markup.
 */
import { z } from 'zod'
import { QUARANTINE_REASONS } from '../event.ts'

/** Longer names are cut, so that one hostile event cannot make every answer large. */
export const MAX_NAME = 120

const count = z.number().int().nonnegative()
const time = z.iso.datetime()
const seconds = z.number().nonnegative()
const name = z.string().max(MAX_NAME)
const named = z.tuple([name, count]).describe('name and number of events')

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

const exact = z.boolean().describe('false where the numbers are estimates, from a uniform sample of the events')

const distributionSchema = z.strictObject({
  values: z.array(named).describe('most frequent first'),
  others: count.describe('events of the names that are left out'),
  exact,
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

const rowSchema = z.strictObject({
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

// ---- the view: what the window and the filter of a query leave -----------------------------------------------------

/** Length of each window in seconds; null: all time. */
export const WINDOWS = { '1m': 60, '5m': 300, '15m': 900, '60m': 3_600, '24h': 86_400, all: null } as const
export type Window = keyof typeof WINDOWS

export const FIELDS = ['country', 'platform', 'device', 'genre', 'action'] as const
/** What a view can be filtered by, each with at most MAX_FILTER_VALUES values: fields of the event, and hours of the week. */
export const FILTERS = [...FIELDS, 'when'] as const
/** An hour of the week: 5-18 is Friday from 18:00 to 19:00, UTC. */
export const WEEK_HOUR = /^[1-7]-(?:1?\d|2[0-3])$/
export const MAX_FILTER_VALUES = 8

const filterSchema = z.partialRecord(z.enum(FILTERS), z.array(name).min(1).max(MAX_FILTER_VALUES))
export type Filter = z.infer<typeof filterSchema>

const viewSchema = z.strictObject({
  window: z.enum(Object.keys(WINDOWS) as [Window, ...Window[]]),
  filter: filterSchema.describe('an event is in the view when each field named here has one of its values'),
  from: time.nullable().describe('inclusive, by the events own times; null: from the beginning'),
  to: time.describe('exclusive'),
  endsAt: z
    .enum(['now', 'newest_event'])
    .describe('newest_event where no event is as recent as the window: it then ends with the newest one'),
  unknown: count.describe(
    'events of the window that this view cannot tell of: those of commit records that an older version wrote',
  ),
})
export type View = z.infer<typeof viewSchema>

const viewCountSchema = z.strictObject({
  count,
  kind: z
    .enum(['exact', 'estimate', 'at_least'])
    .describe('at_least: distinct values in a sample of the events, so that there may be more'),
})

const countsSchema = z.strictObject({
  events: viewCountSchema,
  users: viewCountSchema,
  artists: viewCountSchema,
  tracks: viewCountSchema,
})

/** The events of the view, and of the span of the same length before it. */
export const viewTotalsSchema = z.strictObject({
  ...countsSchema.shape,
  before: countsSchema
    .extend({ from: time, to: time })
    .nullable()
    .describe('the same of the span of equal length before; null for all time and where it is not known'),
})
export type ViewTotals = z.infer<typeof viewTotalsSchema>

/** Curves of one answer: the first genres by name, all others in `others`. */
export const MAX_CURVES = 8

export const overTimeSchema = z.strictObject({
  step: seconds.describe('seconds; chosen for the window, so that there are 12 to 120 steps'),
  from: time.describe('beginning of the first step'),
  to: time.describe('end of the last one'),
  events: z.array(count).describe('of the view, one number per step'),
  genres: z
    .array(z.strictObject({ name, values: z.array(count) }))
    .max(MAX_CURVES)
    .describe('the same for each of the most frequent genres, most frequent first'),
  others: z.array(count).describe('events of all other genres'),
  coarser: count.describe('events of the span whose time is kept in longer steps only: they are in no value'),
  exact,
})
export type OverTime = z.infer<typeof overTimeSchema>

export const hoursSchema = z.strictObject({
  matrix: z.array(z.array(count).length(24)).length(7).describe('events by weekday (Monday first) and hour, UTC'),
  unplaced: count.describe('events whose time is kept by the day only: they are in no cell'),
  exact,
})
export type Hours = z.infer<typeof hoursSchema>

const skipRateSchema = z.strictObject({ plays: count, skips: count })

export const skipsSchema = z.strictObject({
  ...skipRateSchema.shape,
  devices: z.array(skipRateSchema.extend({ device: name })).describe('the same by device, most plays first'),
  exact,
  curve: z
    .array(skipRateSchema.extend({ within: seconds }))
    .describe(
      'the newest plays of which half a minute is known, and those skipped within so many seconds, from the times of the events; empty where no minute is known event by event',
    ),
})
export type Skips = z.infer<typeof skipsSchema>

export const publishedSchema = z.strictObject({
  skips: z.strictObject({
    source: z.string(),
    curve: z
      .array(z.strictObject({ within: seconds.nullable(), share: z.number() }))
      .describe('share of plays skipped within so many seconds; null: before the end'),
    devices: z.array(z.strictObject({ device: name, share: z.number() })).describe('share of plays skipped, by device'),
  }),
  hours: z.strictObject({
    source: z.string(),
    lowest: z.number().int().describe('hour of the day, local time, at which the fewest sessions start'),
    peaks: z.array(z.number().int()).describe('hours of the day, local time, at which the most sessions start'),
    weekendMorningPeak: z.boolean(),
  }),
})
export type Published = z.infer<typeof publishedSchema>

// ---- one listener or artist ----------------------------------------------------------------------------------------

const foundSchema = z.strictObject({ name, events: count })

export const lookupSchema = z.strictObject({
  kind: z.enum(['listener', 'artist']),
  name,
  lookedBack: z
    .strictObject({
      files: count,
      bytes: count,
      events: count.describe('of all listeners and artists, in these files'),
      from: time.nullable().describe('when the oldest of these files was committed; null: there is none'),
      complete: z.boolean().describe('false where there are older files that were not looked into'),
      seconds,
    })
    .describe('the newest files of the lake, which is all that the figures below are of'),
  events: count,
  last: z.array(rowSchema).describe('newest first, by the time of the event'),
  artists: z.array(foundSchema).describe('most events first'),
  tracks: z.array(foundSchema.extend({ artist: name })),
  listeners: z.array(foundSchema),
  distributions: distributionsSchema,
  hours: z.array(count).length(24).describe('events by hour of the day, UTC'),
})
export type Lookup = z.infer<typeof lookupSchema>

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
