/** The metrics and the health of an archiver that serves no page, for Prometheus and for a supervisor. */
import fastify from 'fastify'
import type { ProcessMetrics } from '../process-metrics.ts'
import type { Health } from './api.ts'
import type { ArchiverHealth } from './archiver-health.ts'
import { healthOf } from './health.ts'
import { secure } from './security.ts'
import { cannotListen } from './server.ts'

/**
 * Serves `/metrics`, `/health` and its parts as the dashboard has them, under its rules: read-only, and to this machine only
 * where `host` is of it.
 * @throws PORT_TAKEN, CONFIG_INVALID when the address cannot be listened on
 */
export async function serveMetrics(options: {
  metrics: ProcessMetrics
  archiver: ArchiverHealth
  profile: Health['profile']
  host: string
  /** 0 picks a free one. */
  port: number
}): Promise<{ port: number; close(): Promise<void> }> {
  const app = fastify({ forceCloseConnections: true })
  secure(app, options.host)
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics.text()),
  )
  for (const path of ['/health', '/health/ready']) {
    app.get(path, async (_request, reply) => {
      const health = healthOf(options.profile, options.archiver.at(Date.now()))
      return reply
        .code(health.status === 'ok' ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(health)
    })
  }
  app.get('/health/live', async () => ({ status: 'ok' }))
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    throw cannotListen(error, options)
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return { port, close: () => app.close() }
}
