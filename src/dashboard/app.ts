/** The HTTP server, not yet listening: routes, the page's files, the stream, metrics, and how errors are answered. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { MusicFakerError } from '../errors.ts'
import { snapshotSchema } from './api.ts'
import { DOCS_POLICY, DOCS_STYLE, docsPage } from './docs.ts'
import { csv, records, tableOf } from './export.ts'
import type { Live } from './live.ts'
import type { Metrics } from './metrics.ts'
import { type Described, JSON_TYPE, openApi } from './openapi.ts'
import { asMusicFakerError, PROBLEM_TYPE, parseQuery, problemOf, unreadable } from './problem.ts'
import { exportQuery, filterOf, noQuery, streamQuery } from './queries.ts'
import { ROUTES } from './routes.ts'
import { HEADERS, secure } from './security.ts'
import type { LiveStreams } from './streams.ts'
import type { Views } from './views.ts'

export interface AppOptions {
  live: Live
  views: Views
  streams: LiveStreams
  metrics: Metrics
  /** The address the server will be bound to: decides which Host headers are taken. */
  host: string
  /** Folder of the built page. */
  webFolder: string
  logger: FastifyBaseLogger
}

const STREAM: Described = {
  path: '/api/live',
  summary:
    'The same as it changes: server-sent events `snapshot` (all) and `delta` (`at` and the sections that changed)',
  query: streamQuery,
  answers: { 200: { description: 'An endless stream', type: 'text/event-stream', schema: snapshotSchema } },
}
const METRICS: Described = {
  path: '/metrics',
  summary: 'Prometheus metrics',
  query: noQuery,
  answers: { 200: { description: 'Text format 0.0.4', type: 'text/plain' } },
}
const OPENAPI: Described = {
  path: '/openapi.json',
  summary: 'This description',
  query: noQuery,
  answers: { 200: { description: 'OpenAPI 3.1', type: JSON_TYPE } },
}

const EXPORT: Described = {
  path: '/api/export',
  summary: 'A part of what a view shows, as a table',
  query: exportQuery,
  answers: {
    200: {
      description:
        'CSV (RFC 4180) whose texts no spreadsheet takes for formulas, or an array of objects. Over time, each genre is a column; one with the name of another column is called `events (genre)`, say',
      type: 'text/csv',
    },
  },
}
const DOCS: Described = {
  path: '/docs',
  summary: 'This description as a page, to try each route',
  query: noQuery,
  answers: { 200: { description: 'The page', type: 'text/html' } },
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { live, views, metrics, logger } = options
  const app = fastify({
    loggerInstance: logger,
    // The metrics count requests; a line for each would drown what matters.
    logController: new LogController({ disableRequestLogging: true }),
    // Longer than any address that Node reads: what is too long is told by the route that the name is for.
    routerOptions: { maxParamLength: 65_536 },
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.write(answerUnread(error))
      socket.destroy(error)
    },
    // Queries are checked by zod: what would compile schemas for Fastify is not even loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // close() must not wait for browsers that keep their connections open.
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply, logger),
  })
  secure(app, options.host)
  app.addHook('onResponse', async (request, reply) => {
    metrics.answered(request.routeOptions.url ?? 'unknown', reply.statusCode)
  })
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, logger))
  app.setNotFoundHandler((request) => {
    throw notFound(request.url)
  })

  for (const route of ROUTES) {
    app.get(route.path, async (request, reply) => {
      const { status = 200, body } = await route.answer(request, { live, views })
      return reply.code(status).header('cache-control', 'no-store').send(body)
    })
  }
  app.get(STREAM.path, (request, reply) => openStream(request, reply, options.streams))
  app.get(METRICS.path, async (request, reply) => {
    parseQuery(METRICS.query, request.query)
    return reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text())
  })
  app.get(EXPORT.path, async (request, reply) => {
    const { part, format, ...query } = parseQuery(exportQuery, request.query)
    const table = tableOf(views.get({ window: query.window, filter: filterOf(query) }).snapshot(), part)
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="music-faker-${part}-${query.window}.${format}"`)
      .type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : JSON_TYPE)
      .send(format === 'csv' ? csv(table) : JSON.stringify(records(table)))
  })
  const described = [...ROUTES, STREAM, EXPORT, METRICS, OPENAPI, DOCS]
  // Made for who asks: no start needs it.
  let description: ReturnType<typeof openApi> | undefined
  app.get(DOCS.path, async (_request, reply) => {
    return reply
      .header('content-security-policy', DOCS_POLICY)
      .type('text/html; charset=utf-8')
      .send(docsPage(described))
  })
  app.get('/docs.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(DOCS_STYLE))
  app.get(OPENAPI.path, async (request) => {
    parseQuery(OPENAPI.query, request.query)
    description ??= openApi(described)
    return description
  })
  servePage(app, options.webFolder)
  return app
}

function noSchemas(): never {
  throw new Error('no route has a schema of Fastify')
}

function openStream(request: FastifyRequest, reply: FastifyReply, streams: LiveStreams): void {
  const { last, ...query } = parseQuery(streamQuery, request.query)
  const view = { window: query.window, filter: filterOf(query) }
  streams.admit(view)
  const header = request.headers['last-event-id']
  reply.hijack()
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // A proxy that gathers the answer would hold back every event.
    'x-accel-buffering': 'no',
  })
  if (request.method === 'HEAD') reply.raw.end()
  else streams.attach(reply.raw, typeof header === 'string' ? header : last, view)
}

function servePage(app: FastifyInstance, folder: string): void {
  if (!existsSync(join(folder, 'index.html'))) {
    app.get('/', async () => {
      throw new MusicFakerError('NOT_FOUND', 'the page is not built; the API works without it', {
        next: 'Run: npm run build:web',
      })
    })
    return
  }
  // The page finds out by itself which of its views an address names.
  for (const path of ['/listener/:name', '/artist/:name']) {
    app.get(path, (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'))
  }
  app.register(fastifyStatic, {
    root: folder,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders(reply, path) {
      // Names in assets/ change with their contents; index.html must be asked for anew to name the current ones.
      const lasting = path.includes('/assets/') || path.includes('\\assets\\')
      reply.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
}

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: FastifyBaseLogger): void {
  const problem = problemOf(error, request.url.split('?', 1)[0] ?? request.url)
  if (asMusicFakerError(error).code === 'INTERNAL') logger.error({ err: error, url: request.url }, 'a request failed')
  // An address that cannot be read comes here without having passed the hooks. As bytes, since to a text a charset is
  // added, which this media type does not have.
  void reply
    .headers(HEADERS)
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(problem)))
}

/** The whole answer to what no request object was made of. */
function answerUnread(error: Error): string {
  const problem = problemOf(unreadable(error), '')
  const body = JSON.stringify(problem)
  const headers = { ...HEADERS, 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${problem.status} ${problem.title}`, ...lines, '', body].join('\r\n')
}

function notFound(url: string): MusicFakerError {
  return new MusicFakerError('NOT_FOUND', `nothing is at ${url.split('?', 1)[0]}`, {
    next: '/openapi.json describes every route; the page is at /',
  })
}
