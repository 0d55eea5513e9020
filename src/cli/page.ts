/** Serving the page from a command. */
import { lakeRoot } from '../archive/layout.ts'
import type { ArchiverHealth } from '../dashboard/archiver-health.ts'
import { type Dashboard, startDashboard } from '../dashboard/server.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import type { ProcessMetrics } from '../process-metrics.ts'
import type { Context } from './context.ts'
import { processLogger } from './logger.ts'

/**
 * Starts the dashboard at the configured address; it is closed with the command. Its log holds warnings and errors, and
 * more only when `logLevel` asks for more than the default: what the command says itself is enough for people.
 * `/metrics` tells of `metrics`, too, and `/health` of `archiver`, where they are given.
 * @throws PORT_TAKEN, CONFIG_INVALID
 */
export async function servePage(
  { config, defer }: Context,
  log: EventLog,
  lake: LakeStorage,
  inProcess: { metrics?: ProcessMetrics; archiver?: ArchiverHealth } = {},
): Promise<Dashboard> {
  const server = await startDashboard({
    log,
    lake,
    ...inProcess,
    root: lakeRoot(config.topic),
    group: config.group,
    profile: config.profile,
    host: config.host,
    port: config.port,
    logger: processLogger(config.logLevel === 'info' ? 'warn' : config.logLevel),
  })
  defer(() => server.close())
  return server
}
