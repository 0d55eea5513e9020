import { command } from '../command.ts'
import { withProgramName } from '../program-name.ts'
import { serviceTable } from '../service-table.ts'
import { CLUSTER_SETTINGS } from '../settings.ts'

export const up = command({
  examples: ['up', 'up --port-offset 100', 'up --data-dir /var/lib/music-faker'],
  description:
    'Real Kafka and HDFS on this machine, in Docker where it answers, else with Java 17 and files from Maven Central. What runs already is left alone, and the data of an earlier time is taken up again.',
  settings: CLUSTER_SETTINGS,
  implies: { profile: 'cluster' },
  drains: true,
  async run({ config, out, signal }) {
    const cluster = await import('../../cluster/cluster.ts')
    const services = await cluster.up(config, { report: (line) => out.say(withProgramName(line)), signal })
    await out.result(services, () => serviceTable(services))
  },
})
