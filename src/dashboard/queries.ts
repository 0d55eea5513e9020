/** The queries of the REST API. Numbers are bounded, unknown and repeated parameters are refused. */
import { z } from 'zod'

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
export const streamQuery = z.strictObject({
  last: z.string().max(100).optional().describe('id of the last message seen; like the header Last-Event-ID'),
})
