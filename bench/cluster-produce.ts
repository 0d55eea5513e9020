/** Generating and producing a million events to Kafka (acks=all, idempotent), beside the broker's own load generator. */
import { runKafkaTool } from '../src/cluster/cluster.ts'
import { EVENTS, fill } from './flow.ts'
import { type BenchResult, cpuPerMillion, peakMiB, perSecond } from './result.ts'
import { withClusterSite } from './site.ts'

const RECORD_BYTES = 226

export function run(): Promise<BenchResult> {
  return withClusterSite(async ({ config, log }) => {
    const cpu = process.cpuUsage()
    const begin = performance.now()
    await fill(log)
    const took = performance.now() - begin
    const cpuSeconds = cpuPerMillion(cpu, EVENTS)
    const { stdout, stderr } = await runKafkaTool(config, 'org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', config.topic, '--num-records', String(EVENTS), '--record-size', String(RECORD_BYTES)],
      ...['--throughput', '-1', '--producer-props', `bootstrap.servers=${config.kafkaBrokers[0]}`, 'acks=all'],
    ])
    const ceiling = /([\d.]+) records\/sec[^\n]*99\.9th/.exec(stdout)?.[1]
    if (ceiling === undefined) throw new Error(`ProducerPerformance gave no figure: ${stdout}${stderr}`)
    return {
      name: 'produce, Kafka',
      figure: perSecond(EVENTS, took),
      unit: 'events/s',
      ceiling: { name: 'ProducerPerformance, acks=all', figure: Math.round(Number(ceiling)) },
      cpuSeconds,
      peakMiB: peakMiB(),
    }
  })
}
