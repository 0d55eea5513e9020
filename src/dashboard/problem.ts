/** Errors as RFC 9457 problem documents, from the closed table of errors. */
import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { type ErrorCode, MusicFakerError } from '../errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().describe('what failed, on what'),
  code: z.string().describe('a code of the closed table of errors'),
  next: z.string().optional().describe('what to do about it'),
  instance: z.string(),
})
export type Problem = z.infer<typeof problemSchema>

/** A refused request whose status is more exact than its code's: 405, 421. */
export class RequestRefused extends MusicFakerError {
  readonly status: number

  constructor(status: number, message: string, next: string) {
    super('USAGE', message, { next })
    this.status = status
  }
}

/**
 * @param instance the path that was asked for
 * @returns the document; what the table does not know becomes INTERNAL, whose detail tells nothing of the inside
 */
export function problemOf(error: unknown, instance: string): Problem {
  const known = asMusicFakerError(error)
  const status = known instanceof RequestRefused ? known.status : known.httpStatus
  return {
    type: `urn:music-faker:error:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: known.message,
    code: known.code satisfies ErrorCode,
    ...(known.next === undefined ? {} : { next: known.next }),
    instance,
  }
}

export function asMusicFakerError(error: unknown): MusicFakerError {
  if (error instanceof MusicFakerError) return error
  // Fastify's own refusals of a malformed request (bad URL, bad header) carry a 4xx status.
  const { statusCode, message } = (error ?? {}) as { statusCode?: unknown; message?: unknown }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new RequestRefused(statusCode, String(message), 'Mend the request. /openapi.json describes every route.')
  }
  return new MusicFakerError('INTERNAL', 'the request failed unexpectedly', {
    cause: error,
    next: "See the dashboard's log.",
  })
}

/** A request that cannot be read at all, such as one whose address is longer than 16 kB. */
export function unreadable(error: NodeJS.ErrnoException): RequestRefused {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new RequestRefused(408, 'the request did not come to its end', 'Send it again.')
  }
  const long = error.code === 'HPE_HEADER_OVERFLOW'
  const message = long ? 'the address and the headers are longer than 16 kB' : 'this is not a request of HTTP'
  return new RequestRefused(400, message, 'Mend the request. /openapi.json describes every route.')
}

/**
 * Reads a query. A parameter that is empty is as one left out: a form sends every field that it has.
 * @throws USAGE naming every parameter that is wrong
 */
export function parseQuery<Q extends z.ZodType>(schema: Q, query: unknown): z.output<Q> {
  const filled = Object.entries(query ?? {}).filter(([, value]) => value !== '')
  const result = schema.safeParse(Object.fromEntries(filled))
  if (result.success) return result.data
  const wrong = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
  throw new MusicFakerError('USAGE', `the query is not valid: ${wrong.join('; ')}`, {
    next: '/openapi.json describes every parameter.',
  })
}
