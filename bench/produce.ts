/** Generating a million events and appending them: to Kafka (acks=all, idempotent), and to the embedded log. */
import { producerPerformance } from './ceilings.ts'
import { appendReady, EVENTS, fill } from './flow.ts'
import {
  atLeast,
  type BenchResult,
  cpuPerMillion,
  events,
  type Figure,
  measureEach,
  peakMiB,
  perSecond,
} from './result.ts'
import { type BenchSite, withClusterSite, withEmbeddedSite } from './site.ts'

const MESSAGE_BYTES = 226

export async function run(): Promise<BenchResult> {
  // In one process: Kafka first, or its peak of memory would be that of the embedded log.
  return measureEach({
    kafka: async () => [await withClusterSite({ topic: 'bench' }, measureKafka)],
    embedded: async () => [await withEmbeddedSite(measureEmbedded)],
  })
}

async function measureKafka({ config, log }: BenchSite): Promise<Figure> {
  const figure = await filling(log)
  // Into a topic of its own: the archive benchmarks read the other.
  const ceiling = await withClusterSite({ topic: 'bench-ceiling' }, ({ config: { topic } }) =>
    producerPerformance({ ...config, topic }, EVENTS, MESSAGE_BYTES),
  )
  return events({
    name: 'produce to Kafka',
    ...figure,
    ceiling: { name: 'ProducerPerformance, acks=all, idempotent', figure: ceiling },
    target: atLeast(Math.max(250_000, Math.round(ceiling))),
  })
}

async function measureEmbedded({ log }: BenchSite): Promise<Figure> {
  const figure = await filling(log)
  const begin = performance.now()
  await appendReady(log, EVENTS)
  const ceiling = { name: 'appending ready messages', figure: perSecond(EVENTS, performance.now() - begin) }
  return events({ name: 'produce to the embedded log', ...figure, ceiling })
}

async function filling(log: BenchSite['log']) {
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await fill(log)
  const figure = perSecond(EVENTS, performance.now() - begin)
  return { figure, cpuSeconds: cpuPerMillion(cpu, EVENTS), peakMiB: peakMiB() }
}
