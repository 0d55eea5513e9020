/** 1, 2 and 4 archivers of one group on one topic: they share the work, and an event costs each the same. */
import { lakeRoot } from '../src/archive/layout.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { command } from './child.ts'
import { EVENTS, fillTo } from './flow.ts'
import { type BenchResult, events, type Figure, measureEach, perSecond } from './result.ts'
import { withClusterSite } from './site.ts'

const PARTITIONS = 48
const ARCHIVERS = [1, 2, 4]

export async function run(): Promise<BenchResult> {
  return withClusterSite({ topic: 'bench-48', partitions: PARTITIONS }, async ({ config, log, lake }) => {
    await fillTo(log)
    const measure = async (archivers: number): Promise<Figure[]> => {
      await lake.remove(lakeRoot(config.topic))
      const group = `scale-${Date.now()}`
      const args = ['consume', '-m', 'batch', '-b', '500000', '--once', '--json', '--quiet']
      const begin = performance.now()
      const runs = await Promise.all(Array.from({ length: archivers }, () => command({ ...config, group }, args).ended))
      const took = performance.now() - begin
      // The lake's word: who loses a partition in the midst of a commit does not know whether that counts.
      const follower = new LakeFollower({ lake, root: lakeRoot(config.topic) })
      await follower.refresh()
      const total = follower.totals.snapshot().events
      if (total !== EVENTS) throw new Error(`${total} of ${EVENTS} events were archived`)
      return [
        events({
          name: nameOf(archivers),
          figure: perSecond(EVENTS, took),
          cpuSeconds: (runs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / EVENTS) * 1e6,
          peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)),
        }),
      ]
    }
    return measureEach(Object.fromEntries(ARCHIVERS.map((n) => [nameOf(n), () => measure(n)])))
  })
}

function nameOf(archivers: number): string {
  return `${archivers} archiver${archivers > 1 ? 's' : ''} of one group`
}
