/** The routes that answer JSON: one table, from which the server, the validation and `/openapi.json` are made. */
import type { z } from 'zod'
import {
  commitsSchema,
  distributionsSchema,
  healthSchema,
  lagSchema,
  liveSchema,
  quarantineSchema,
  realtimeSchema,
  recentSchema,
  seriesSchema,
  snapshotSchema,
  statsSchema,
  topSchema,
} from './api.ts'
import { lookupSchema } from './api-lookup.ts'
import { healthOf } from './health.ts'
import type { Live } from './live.ts'
import { type Described, JSON_TYPE } from './openapi.ts'
import { parseQuery } from './problem.ts'
import {
  commitsQuery,
  distributionsQuery,
  filterOf,
  nameParams,
  noQuery,
  quarantineQuery,
  recentQuery,
  seriesQuery,
  topQuery,
  viewQuery,
} from './queries.ts'
import { distributions, quarantineTotals, top } from './sections.ts'
import type { Views } from './views.ts'

/** An answer: its body, and its status where that is not 200. */
interface Answer {
  status?: number
  body: unknown
}

/** What the routes answer from. */
export interface Known {
  live: Live
  views: Views
}

export interface Route extends Described {
  /** @throws MusicFakerError, which becomes a problem document */
  answer(request: { query: unknown; params: unknown }, known: Known): Promise<Answer>
}

interface RouteOptions<Q extends z.ZodObject, P extends z.ZodObject, R extends z.ZodType> {
  /** With `:name` where a parameter of `params` stands. */
  path: string
  summary: string
  query: Q
  params?: P
  body: R
  answer(query: z.output<Q>, known: Known, params: z.output<P>): z.output<R> | Promise<z.output<R>>
  /** For routes whose answer is not always 200: by status, what it means. */
  otherwise?: { status: number; description: string; when(body: z.output<R>): boolean }
}

function route<Q extends z.ZodObject, P extends z.ZodObject, R extends z.ZodType>(
  options: RouteOptions<Q, P, R>,
): Route {
  const { path, summary, query, params, body, answer, otherwise } = options
  const described = { type: JSON_TYPE, schema: body }
  return {
    path,
    summary,
    query,
    ...(params && { params }),
    answers: {
      200: { description: summary, ...described },
      ...(otherwise ? { [otherwise.status]: { description: otherwise.description, ...described } } : {}),
    },
    async answer(request, known) {
      const named = (params ? parseQuery(params, request.params) : {}) as z.output<P>
      const result = await answer(parseQuery(query, request.query), known, named)
      return otherwise?.when(result) ? { status: otherwise.status, body: result } : { body: result }
    },
  }
}

const healthNow = (live: Live) => healthOf(live.profile, live.health(Date.now()))

const failing = {
  status: 503,
  description: 'The log or the lake fails: `dependencies` says which, since when and why',
  when: (body: { status: string }) => body.status === 'failed',
}

export const ROUTES: readonly Route[] = [
  route({
    path: '/api/stats',
    summary: 'Totals of the lake, as the Python version answered',
    query: noQuery,
    body: statsSchema,
    answer(_query, { live }) {
      const { totals, readAt } = live.known()
      return {
        total_events: totals.events,
        unique_artists: totals.distinct.artists.count,
        unique_tracks: totals.distinct.tracks.count,
        unique_users: totals.distinct.users.count,
        last_update: new Date(readAt).toISOString().slice(11, 19),
        exact: {
          artists: totals.distinct.artists.exact,
          tracks: totals.distinct.tracks.exact,
          users: totals.distinct.users.exact,
        },
        quarantined: quarantineTotals(totals).total,
      }
    },
  }),
  route({
    path: '/api/realtime_metrics',
    summary: 'Whether data flows, as the Python version answered',
    query: noQuery,
    body: realtimeSchema,
    answer(_query, { live }) {
      const { totals } = live.known()
      const { clocks, rate, lag } = live.sections()
      return {
        status: healthNow(live).status === 'ok' ? ('ok' as const) : ('degraded' as const),
        total_events: totals.events,
        data_freshness: clocks.freshness,
        timestamp: new Date().toISOString().slice(0, 19),
        events_per_second: rate.perSecond,
        waiting_events: lag.waiting,
      }
    },
  }),
  route({
    path: '/api/snapshot',
    summary: 'Everything that the page shows, for a window and a filter',
    query: viewQuery,
    body: snapshotSchema,
    answer: (query, { views }) => views.get({ window: query.window, filter: filterOf(query) }).snapshot(),
  }),
  route({
    path: '/api/distributions',
    summary: 'Events by genre, platform, device, action and country',
    query: distributionsQuery,
    body: distributionsSchema,
    answer: ({ limit }, { live }) => distributions(live.known().totals, limit),
  }),
  route({
    path: '/api/top',
    summary: 'The artists or tracks with the most events',
    query: topQuery,
    body: topSchema,
    answer: ({ kind, limit }, { live }) => top(live.known().totals, kind, limit),
  }),
  route({
    path: '/api/series',
    summary: 'Events by minute, hour or day of their own time',
    query: seriesQuery,
    body: seriesSchema,
    answer: (query, { live }) => live.series(query),
  }),
  route({
    path: '/api/recent',
    summary: 'A sample of the newest events of the log, archived or not',
    query: recentQuery,
    body: recentSchema,
    answer: ({ limit }, { live }) => live.recent(limit),
  }),
  route({
    path: '/api/listener/:name',
    summary: 'What a listener did lately, from the newest files of the lake',
    query: noQuery,
    params: nameParams,
    body: lookupSchema,
    answer: (_query, { live }, { name }) => live.lookup('user', name),
  }),
  route({
    path: '/api/artist/:name',
    summary: 'Who listened to an artist lately, from the newest files of the lake',
    query: noQuery,
    params: nameParams,
    body: lookupSchema,
    answer: (_query, { live }, { name }) => live.lookup('artist', name),
  }),
  route({
    path: '/api/lag',
    summary: 'Per partition, how far the log goes and how far it is archived',
    query: noQuery,
    body: lagSchema,
    answer: (_query, { live }) => live.lag(Date.now()),
  }),
  route({
    path: '/api/commits',
    summary: 'The newest records of the commit log',
    query: commitsQuery,
    body: commitsSchema,
    answer: ({ limit }, { live }) => ({ commits: live.commits(limit) }),
  }),
  route({
    path: '/api/quarantine',
    summary: 'Messages that are not valid events: how many by reason, and the newest files that hold them',
    query: quarantineQuery,
    body: quarantineSchema,
    answer: ({ limit }, { live }) => ({ ...quarantineTotals(live.known().totals), files: live.quarantineFiles(limit) }),
  }),
  ...['/health', '/health/ready'].map((path) =>
    route({
      path,
      summary: 'Whether the log and the lake answer',
      query: noQuery,
      body: healthSchema,
      answer: (_query, { live }) => healthNow(live),
      otherwise: failing,
    }),
  ),
  route({
    path: '/health/live',
    summary: 'Whether this process answers',
    query: noQuery,
    body: liveSchema,
    answer: () => ({ status: 'ok' as const }),
  }),
]
