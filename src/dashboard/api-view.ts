/** The shapes of a view: what the window and the filter of a query leave of the events. */
import { z } from 'zod'
import { count, exact, name, seconds, time } from './api-values.ts'

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

export const viewSchema = z.strictObject({
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

/** The events of the view, and of the span before it, as long as what has passed of the view's. */
export const viewTotalsSchema = z.strictObject({
  ...countsSchema.shape,
  before: countsSchema
    .extend({ from: time, to: time })
    .nullable()
    .describe(
      'the same of the span before, as long as what has passed of this one; null for all time and where it is not known',
    ),
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
  eventsExact: exact.describe('whether `events` are exact, also where the genres are estimates'),
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
