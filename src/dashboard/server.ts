/** Starts the dashboard: knowledge, stream, metrics and HTTP server, and ends them in the reverse order. */
import { fileURLToPath } from 'node:url'
import type { FastifyBaseLogger } from 'fastify'
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import type { ProcessMetrics } from '../process-metrics.ts'
import { buildApp } from './app.ts'
import type { ArchiverHealth } from './archiver-health.ts'
import { Live } from './live.ts'
import { Metrics } from './metrics.ts'
import { LiveStreams } from './streams.ts'
import { Views } from './views.ts'

/** How long the start waits for the first figures; later ones come by themselves. */
const FIRST_FIGURES_MS = 1_000

export interface DashboardOptions {
  log: EventLog
  lake: LakeStorage
  /** Root of the lake, such as `/music_events`. */
  root: string
  /** Consumer group of the archivers: whose committed offsets are shown. */
  group: string
  /** Address to listen on. On a loopback address only requests that name this machine are answered. */
  host: string
  /** 0 picks a free one. */
  port: number
  profile: 'embedded' | 'cluster'
  /** Folder of the built page; by default the one that the build makes. */
  webFolder?: string
  logger: FastifyBaseLogger
  /** Metrics of this process, to be told with those of the dashboard. */
  metrics?: ProcessMetrics
  /** How an archiver of this process gets on, to be told with the health of the log and the lake. */
  archiver?: ArchiverHealth
  /** Aborting it closes the dashboard. */
  signal?: AbortSignal
}

export interface Dashboard {
  /** Where a browser on this machine finds it. */
  url: string
  port: number
  /** Ends streams at once, then connections, then the loops. May be called again. */
  close(): Promise<void>
}

/**
 * Resolves when the server listens, with the first figures where log and lake answer within a second. Neither needs to:
 * the dashboard says what fails and mends itself.
 * @throws PORT_TAKEN, CONFIG_INVALID when the address cannot be listened on
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const live = new Live(options)
  const views = new Views(live)
  // While the server is built and begins to listen, the log and the lake have time to answer.
  const figures = live.start(FIRST_FIGURES_MS)
  const streams = new LiveStreams(views, undefined, () => live.freshen())
  const app = buildApp({
    live,
    views,
    streams,
    metrics: new Metrics(live, streams, options.metrics),
    host: options.host,
    // src/dashboard in a clone, dist/dashboard in the package: the page is at dist/web for both.
    webFolder: options.webFolder ?? builtPage(),
    logger: options.logger,
  })

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      streams.close()
      await app.close()
      await live.close()
    })()
    return closing
  }

  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await close()
    throw cannotListen(error, options)
  }
  options.signal?.addEventListener('abort', () => void close(), { once: true })
  if (options.signal?.aborted) await close()
  else await figures

  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return { url: `http://${urlHost(options.host)}:${port}`, port, close }
}

function builtPage(): string {
  const inClone = import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(inClone ? '../../dist/web' : '../web', import.meta.url))
}

/** A name that a browser of this machine can open. */
function urlHost(host: string): string {
  if (['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Why an address cannot be listened on, and what to do. */
export function cannotListen(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new MusicFakerError('PORT_TAKEN', `port ${port} of ${host} is in use by another program`, {
      cause: error,
      next: `Stop that program, or choose another port: --port ${port < 65_535 ? port + 1 : port - 1}`,
    })
  }
  if (code === 'EACCES') {
    return new MusicFakerError('CONFIG_INVALID', `not allowed to listen on port ${port} of ${host}`, {
      cause: error,
      next: 'Choose a port above 1023: --port 5001',
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new MusicFakerError('CONFIG_INVALID', `${host} is not an address of this machine`, {
      cause: error,
      next: 'Choose another: --host 127.0.0.1',
    })
  }
  return error
}
