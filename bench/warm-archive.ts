/** Part of archive.ts: archives a smaller topic, so that all code is compiled, then measures the large one. */
import { lakeRoot } from '../src/archive/layout.ts'
import { archiveAll, EVENTS, fillTo } from './flow.ts'
import { cpuPerMillion } from './result.ts'
import { withClusterSite } from './site.ts'

const FIRST = 200_000

await withClusterSite({ topic: 'bench-first' }, async (site) => {
  await fillTo(site.log, FIRST)
  await site.lake.remove(lakeRoot(site.config.topic))
  await archiveAll(site)
})
await withClusterSite({ topic: 'bench' }, async (site) => {
  await site.lake.remove(lakeRoot(site.config.topic))
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const { events } = await archiveAll(site)
  const elapsedMs = performance.now() - begin
  if (events !== EVENTS) throw new Error(`${events} of ${EVENTS} events were archived`)
  process.stdout.write(JSON.stringify({ elapsedMs, cpuSeconds: cpuPerMillion(cpu, EVENTS) }))
})
