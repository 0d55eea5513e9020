/** The queries of the REST API. Numbers are bounded, unknown and repeated parameters are refused. */
import { z } from 'zod'
import { LONGEST_NAME } from '../stats/tally.ts'
import { FILTERS, type Filter, MAX_FILTER_VALUES, WEEK_HOUR, WINDOWS, type Window } from './api-view.ts'
import { PARTS } from './export.ts'

const time = z.iso.datetime()
const limit = (most: number, normal: number) => z.coerce.number().int().min(1).max(most).default(normal)

/** Parameters are ignored, as the Python version did: its clients may add one to get round a cache. */
export const noQuery = z.object({})
export const distributionsQuery = z.strictObject({ limit: limit(1_000, 50) })
export const topQuery = z.strictObject({
  kind: z.enum(['artists', 'tracks']).default('artists'),
  limit: limit(100, 10),
})
export const seriesQuery = z.strictObject({
  step: z.enum(['minute', 'hour', 'day']).default('minute'),
  from: time.optional().describe('default: 60 steps before `to`'),
  to: time.optional().describe('default: now, or the newest event where that is long ago'),
})
export const recentQuery = z.strictObject({ limit: limit(100, 20) })
export const commitsQuery = z.strictObject({ limit: limit(200, 20) })
export const quarantineQuery = z.strictObject({ limit: limit(200, 20) })
const filterValue = z.string().min(1).max(LONGEST_NAME)
const weekHour = z.string().regex(WEEK_HOUR)
const someOf = (value: z.ZodString) => z.union([value, z.array(value).max(MAX_FILTER_VALUES)]).optional()
const filterValues = someOf(filterValue).describe(
  `only events with this value; may be repeated, up to ${MAX_FILTER_VALUES} times`,
)

/** Which events are shown. */
export const viewQuery = z.strictObject({
  window: z
    .enum(Object.keys(WINDOWS) as [Window, ...Window[]])
    .default('all')
    .describe('the last minutes or hours by the time of the events'),
  country: filterValues,
  platform: filterValues,
  device: filterValues,
  genre: filterValues,
  action: filterValues,
  when: someOf(weekHour).describe(
    'only events of this hour of the week, UTC: 5-18 is Friday from 18:00 on; may be repeated',
  ),
})

/** The filter of a query, its values without doubles and in one order: two queries for one view give one text. */
export function filterOf(query: z.output<typeof viewQuery>): Filter {
  const chosen = FILTERS.flatMap((field) => {
    const values = query[field]
    return values === undefined ? [] : [[field, [...new Set([values].flat())].sort()] as const]
  })
  return Object.fromEntries(chosen)
}

export const exportQuery = viewQuery.extend({
  part: z.enum(PARTS).describe('which table'),
  format: z.enum(['csv', 'json']).default('csv'),
})
export const streamQuery = viewQuery.extend({
  last: z.string().max(100).optional().describe('id of the last message seen; like the header Last-Event-ID'),
})

/** A name in the path; what is not found was not there lately, or is spelt otherwise. */
export const nameParams = z.strictObject({ name: z.string().min(1).max(LONGEST_NAME) })
