import { SERVICE_NAMES, type ServiceName } from '../../cluster/services.ts'
import { command } from '../command.ts'
import { withProgramName } from '../program-name.ts'
import { serviceTable } from '../service-table.ts'
import { CLUSTER_SETTINGS } from '../settings.ts'

export const restart = command({
  examples: ['restart kafka', 'restart namenode', 'restart dashboard --port-offset 100'],
  operands: [{ name: 'SERVICE', help: 'what to stop and start', choices: SERVICE_NAMES }],
  settings: CLUSTER_SETTINGS,
  implies: { profile: 'cluster' },
  drains: true,
  async run({ config, out, signal }, { operands }) {
    const cluster = await import('../../cluster/cluster.ts')
    const service = operands[0] as ServiceName
    const services = await cluster.restart(config, service, {
      report: (line) => out.say(withProgramName(line)),
      signal,
    })
    await out.result(services, () => serviceTable(services))
  },
})
