import { command } from '../command.ts'
import { CLUSTER_SETTINGS } from '../settings.ts'

export const down = command({
  examples: ['down', 'down --port-offset 100', 'down --json'],
  description: 'The data stays, and "up" takes it up again. Nothing to stop is no error.',
  settings: CLUSTER_SETTINGS,
  implies: { profile: 'cluster' },
  drains: true,
  async run({ config, out, signal }) {
    const cluster = await import('../../cluster/cluster.ts')
    await cluster.down(config, { report: (line) => out.say(line), signal })
    if (out.json) await out.result(await cluster.ps(config), '')
  },
})
