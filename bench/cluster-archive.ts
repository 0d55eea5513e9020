/** Archiving a million events from Kafka to HDFS, beside the broker's own consumer, which reads and forgets them. */
import { runKafkaTool } from '../src/cluster/cluster.ts'
import { archiveAll, EVENTS, fill } from './flow.ts'
import { type BenchResult, cpuPerMillion, peakMiB, perSecond } from './result.ts'
import { withClusterSite } from './site.ts'

export function run(): Promise<BenchResult> {
  return withClusterSite(async (site) => {
    await fill(site.log)
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const { events } = await archiveAll(site)
    const took = performance.now() - begin
    if (events !== EVENTS) throw new Error(`${events} of ${EVENTS} events were archived`)
    const cpuSeconds = cpuPerMillion(cpu, EVENTS)
    return {
      name: 'archive, Kafka to HDFS',
      figure: perSecond(EVENTS, took),
      unit: 'events/s',
      ceiling: { name: 'ConsumerPerformance: reads and forgets', figure: await consumerPerformance(site.config) },
      cpuSeconds,
      peakMiB: peakMiB(),
    }
  })
}

/** Messages per second, from the start of the tool to its end, as the archiver is measured too. */
async function consumerPerformance(config: Parameters<typeof runKafkaTool>[0]): Promise<number> {
  const begin = performance.now()
  const { code, stdout, stderr } = await runKafkaTool(config, 'org.apache.kafka.tools.ConsumerPerformance', [
    ...['--bootstrap-server', config.kafkaBrokers[0]!, '--topic', config.topic, '--num-records', String(EVENTS)],
  ])
  if (code !== 0) throw new Error(`ConsumerPerformance failed: ${stdout}${stderr}`)
  return perSecond(EVENTS, performance.now() - begin)
}
