/** The shape of what is found about one listener or artist. */
import { z } from 'zod'
import { distributionsSchema, rowSchema } from './api.ts'
import { count, name, seconds, time } from './api-values.ts'

const foundSchema = z.strictObject({ name, events: count })

export const lookupSchema = z.strictObject({
  kind: z.enum(['listener', 'artist']),
  name,
  lookedBack: z
    .strictObject({
      files: count,
      bytes: count.describe('that were read of them'),
      events: count.describe('of all listeners and artists, in these bytes'),
      from: time.nullable().describe('when the oldest of these files was committed; null: there is none'),
      complete: z.boolean().describe('false where something was not looked into: older files, or the rest of these'),
      seconds,
    })
    .describe('what was read of the newest files of the lake, which is all that the figures below are of'),
  events: count,
  last: z.array(rowSchema).describe('newest first, by the time of the event'),
  artists: z.array(foundSchema).describe('most events first'),
  tracks: z.array(foundSchema.extend({ artist: name })),
  listeners: z.array(foundSchema),
  distributions: distributionsSchema,
  hours: z.array(count).length(24).describe('events by hour of the day, UTC'),
})
export type Lookup = z.infer<typeof lookupSchema>
