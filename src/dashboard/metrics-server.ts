/** The metrics of a process that serves no page, for Prometheus to fetch. */
import fastify from 'fastify'
import type { ProcessMetrics } from '../process-metrics.ts'
import { secure } from './security.ts'
import { cannotListen } from './server.ts'

/**
 * Serves `/metrics` alone, under the rules of the dashboard: read-only, and to this machine only where `host` is of it.
 * @throws PORT_TAKEN, CONFIG_INVALID when the address cannot be listened on
 */
export async function serveMetrics(options: {
  metrics: ProcessMetrics
  host: string
  /** 0 picks a free one. */
  port: number
}): Promise<{ port: number; close(): Promise<void> }> {
  const app = fastify({ forceCloseConnections: true })
  secure(app, options.host)
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics.text()),
  )
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    throw cannotListen(error, options)
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return { port, close: () => app.close() }
}
