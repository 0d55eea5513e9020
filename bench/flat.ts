/**
 * Time per event and memory stay the same, whatever the backlog, the number of partitions and the size of batches. Each
 * row is a cold archive command into an empty lake. `--full` takes ten times the events.
 */
import { archiveCold, EVENTS, fillTo } from './flow.ts'
import { type BenchResult, events, type Figure, perSecond } from './result.ts'
import { withClusterSite } from './site.ts'

const FULL = process.env.BENCH_FULL === '1'
/** A batch of 5 costs two small files and a record: so few are measured that it takes seconds. */
const TINY = { events: FULL ? 30_000 : 3_000, batch: 5 }

interface Case {
  topic: string
  partitions: number
  events: number
  batch: number
}

const CASES: Case[] = [
  { topic: 'bench', partitions: 3, events: EVENTS, batch: 500_000 },
  { topic: 'bench-large', partitions: 3, events: FULL ? 10 * EVENTS : 3 * EVENTS, batch: 500_000 },
  { topic: 'bench-48', partitions: 48, events: EVENTS, batch: 500_000 },
  { topic: 'bench', partitions: 3, events: EVENTS, batch: 20_000 },
  { topic: 'bench-tiny', partitions: 3, events: TINY.events, batch: TINY.batch },
]

export async function run(): Promise<BenchResult> {
  const figures: Figure[] = []
  const costs: Record<string, number> = {}
  for (const { topic, partitions, events: count, batch } of CASES) {
    await withClusterSite({ topic, partitions }, async (site) => {
      await fillTo(site.log, count)
      const run = await archiveCold(site, batch)
      if (run.events !== count) throw new Error(`${run.events} of ${count} events were archived`)
      figures.push(
        events({
          name: `${count.toLocaleString('en-US')} events, ${partitions} partitions, batches of ${batch.toLocaleString('en-US')}`,
          figure: perSecond(count, run.elapsedMs),
          cpuSeconds: (run.cpuSeconds / count) * 1e6,
          peakMiB: run.peakMiB,
        }),
      )
      if (topic === 'bench-tiny') {
        costs.tinySeconds = run.elapsedMs / 1000
        costs.tinyCpu = run.cpuSeconds
        costs.tinyBatches = run.commits
      }
      if (topic === 'bench-large') {
        costs.largeCpu = run.cpuSeconds
        costs.largeEvents = count
        costs.largeBatches = run.commits
      }
      if (topic === 'bench' && batch === 500_000) {
        costs.smallCpu = run.cpuSeconds
        costs.smallEvents = count
        costs.smallBatches = run.commits
      }
    })
  }
  return { figures, costs }
}
