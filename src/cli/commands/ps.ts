import { command } from '../command.ts'
import { serviceTable } from '../service-table.ts'
import { CLUSTER_SETTINGS } from '../settings.ts'

export const ps = command({
  examples: ['ps', 'ps --json', 'ps --port-offset 100'],
  settings: CLUSTER_SETTINGS,
  implies: { profile: 'cluster' },
  async run({ config, out }) {
    const cluster = await import('../../cluster/cluster.ts')
    const services = await cluster.ps(config)
    await out.result(services, () => serviceTable(services))
  },
})
