/**
 * Archiving a million events from Kafka to HDFS: cold, by the command, from the start of its process to its end; and warm,
 * by a process that has archived another topic before. Beside the broker's own consumer, which reads and forgets, and a
 * stream of as many bytes over WebHDFS. The same from the embedded log into a folder.
 */

import { consumerPerformance, streamToLake } from './ceilings.ts'
import { part } from './child.ts'
import { archiveCold, EVENTS, fillTo, middle, readAll } from './flow.ts'
import { atLeast, atMost, type BenchResult, events, type Figure, measureEach, perSecond } from './result.ts'
import { type BenchSite, withClusterSite, withEmbeddedSite } from './site.ts'

const COLD_RUNS = 3

export async function run(): Promise<BenchResult> {
  return measureEach({
    cluster: () => withClusterSite({ topic: 'bench' }, measureCluster),
    embedded: async () => [await withEmbeddedSite(measureEmbedded)],
  })
}

async function measureCluster(site: BenchSite): Promise<Figure[]> {
  const { config, log, lake } = site
  await fillTo(log)
  const reading = await consumerPerformance(config, EVENTS)
  const writing = await streamToLake(lake, EVENTS)
  const runs = []
  for (let i = 0; i < COLD_RUNS; i++) runs.push(await archiveCold(site))
  const cold = middle(runs, ({ elapsedMs }) => elapsedMs)
  const warm = JSON.parse((await part(config, 'warm-archive.ts').ended).stdout) as {
    elapsedMs: number
    cpuSeconds: number
  }
  const ceiling =
    reading < writing
      ? { name: 'ConsumerPerformance, from its start', figure: reading }
      : { name: 'the same bytes streamed over WebHDFS', figure: writing }
  const usage = { cpuSeconds: perMillion(cold.cpuSeconds), peakMiB: cold.peakMiB }
  return [
    events({
      name: 'archive Kafka to HDFS, cold',
      figure: perSecond(EVENTS, cold.elapsedMs),
      ceiling,
      target: atLeast(450_000),
      memoryTarget: 250,
      ...usage,
    }),
    {
      name: 'archive Kafka to HDFS, cold: CPU',
      figure: usage.cpuSeconds,
      unit: 'CPU s per million',
      target: atMost(3),
    },
    events({
      name: 'archive Kafka to HDFS, warm',
      figure: perSecond(EVENTS, warm.elapsedMs),
      ceiling,
      cpuSeconds: warm.cpuSeconds,
    }),
    events({ name: 'ConsumerPerformance, from its start', figure: reading }),
    events({ name: 'the same bytes streamed over WebHDFS', figure: writing }),
  ]
}

async function measureEmbedded(site: BenchSite): Promise<Figure> {
  await fillTo(site.log)
  const { elapsedMs, cpuSeconds, peakMiB } = await archiveCold(site)
  const read = performance.now()
  await readAll(site.log)
  const ceiling = { name: 'reading the log and forgetting it', figure: perSecond(EVENTS, performance.now() - read) }
  return events({
    name: 'archive embedded, cold',
    figure: perSecond(EVENTS, elapsedMs),
    ceiling,
    cpuSeconds: perMillion(cpuSeconds),
    peakMiB,
  })
}

function perMillion(cpuSeconds: number): number {
  return (cpuSeconds / EVENTS) * 1e6
}
