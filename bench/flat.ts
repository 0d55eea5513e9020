/**
 * Time per event and memory stay the same, whatever the backlog, the number of partitions and the size of batches. Each
 * row is a cold archive command into an empty lake. `--full` takes more of the smallest batches.
 */
import { archiveCold, EVENTS, fillTo } from './flow.ts'
import { type BenchResult, events, type Figure, measureEach, perSecond } from './result.ts'
import { withClusterSite } from './site.ts'

/** A batch of 5 costs two small files and a record: so few are measured that it takes seconds. */
const TINY = process.env.BENCH_FULL === '1' ? 30_000 : 2_000
/** What an archiver may take at most, whatever comes. */
const MEMORY_MIB = 250

interface Case {
  topic: string
  partitions: number
  events: number
  batch: number
  /** As which costs the model takes it. */
  cost?: 'small' | 'large' | 'tiny'
}

const CASES: Case[] = [
  { topic: 'bench', partitions: 3, events: EVENTS, batch: 500_000, cost: 'small' },
  { topic: 'bench-large', partitions: 3, events: 10 * EVENTS, batch: 500_000, cost: 'large' },
  { topic: 'bench-48', partitions: 48, events: EVENTS, batch: 500_000 },
  { topic: 'bench', partitions: 3, events: EVENTS, batch: 20_000 },
  { topic: 'bench-tiny', partitions: 3, events: TINY, batch: 5, cost: 'tiny' },
]

export async function run(): Promise<BenchResult> {
  const costs: Record<string, number> = {}
  const parts = CASES.map((each) => [nameOf(each), async () => [await measure(each, costs)]] as const)
  return measureEach(Object.fromEntries(parts), costs)
}

function nameOf({ events: count, partitions, batch }: Case): string {
  return `${count.toLocaleString('en-US')} events, ${partitions} partitions, batches of ${batch.toLocaleString('en-US')}`
}

/** @param costs is told what the model needs of this case */
async function measure(each: Case, costs: Record<string, number>): Promise<Figure> {
  const { topic, partitions, events: count, batch, cost } = each
  return withClusterSite({ topic, partitions }, async (site) => {
    await fillTo(site.log, count)
    const run = await archiveCold(site, batch)
    if (run.events !== count) throw new Error(`${run.events} of ${count} events were archived`)
    if (cost !== undefined) {
      costs[`${cost}Seconds`] = run.elapsedMs / 1000
      costs[`${cost}Cpu`] = run.cpuSeconds
      costs[`${cost}Events`] = count
      costs[`${cost}Batches`] = run.commits
    }
    return events({
      name: nameOf(each),
      figure: perSecond(count, run.elapsedMs),
      cpuSeconds: (run.cpuSeconds / count) * 1e6,
      peakMiB: run.peakMiB,
      memoryTarget: MEMORY_MIB,
    })
  })
}
