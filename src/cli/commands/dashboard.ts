import { command } from '../command.ts'

import { DASHBOARD_SETTINGS, LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

export const dashboard = command({
  examples: ['dashboard', 'dashboard --port 5002', 'dashboard --profile cluster'],
  description:
    'Serves the page and the REST API until stopped. It reads the lake and the log and changes nothing. Only this machine can reach it unless --host says otherwise.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, ...DASHBOARD_SETTINGS],
  drains: true,
  async run(context) {
    const { out, signal, openLog, openLake } = context
    const { servePage } = await import('../page.ts')
    const { ProcessMetrics } = await import('../../process-metrics.ts')
    const metrics = new ProcessMetrics()
    const [log, lake] = [await openLog(), metrics.measured(await openLake())]
    const server = await servePage(context, log, lake, { metrics })
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
