import { lakeRoot } from '../../archive/layout.ts'
import { command } from '../command.ts'

import { DASHBOARD_SETTINGS, LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

export const dashboard = command({
  examples: ['dashboard', 'dashboard --port 5002', 'dashboard --profile cluster'],
  description:
    'Serves the page and the REST API until stopped. It reads the lake and the log and changes nothing. Only this machine can reach it unless --host says otherwise.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, ...DASHBOARD_SETTINGS],
  drains: true,
  async run({ config, out, signal, defer, openLog, openLake }) {
    const { startDashboard } = await import('../../dashboard/server.ts')
    const { processLogger } = await import('../logger.ts')
    const [log, lake] = [await openLog(), await openLake()]
    const server = await startDashboard({
      log,
      lake,
      root: lakeRoot(config.topic),
      group: config.group,
      profile: config.profile,
      host: config.host,
      port: config.port,
      logger: processLogger(config.logLevel),
    })
    defer(() => server.close())
    await out.item({ url: server.url }, `the dashboard is at ${server.url}`)
    out.say('Ctrl-C to stop')
    await untilAborted(signal)
  },
})

/** Resolves when the signal aborts. The server keeps the process alive meanwhile. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
