/** Archiving a million events from the embedded log into a local lake: validated, summarised, checksummed, committed. */

import { archiveAll, EVENTS, fill, readAll } from './flow.ts'
import { type BenchResult, cpuPerMillion, peakMiB, perSecond } from './result.ts'
import { withEmbeddedSite } from './site.ts'

export function run(): Promise<BenchResult> {
  return withEmbeddedSite(async (site) => {
    await fill(site.log)
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const { events } = await archiveAll(site)
    const took = performance.now() - begin
    if (events !== EVENTS) throw new Error(`${events} of ${EVENTS} events were archived`)
    const cpuSeconds = cpuPerMillion(cpu, EVENTS)
    const read = performance.now()
    await readAll(site.log)
    return {
      name: 'archive, embedded',
      figure: perSecond(EVENTS, took),
      unit: 'events/s',
      ceiling: { name: 'reading the log and forgetting it', figure: perSecond(EVENTS, performance.now() - read) },
      cpuSeconds,
      peakMiB: peakMiB(),
    }
  })
}
