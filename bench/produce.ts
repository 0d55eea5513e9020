/** Generating and appending a million events to the embedded log. */

import { appendReady, EVENTS, fill } from './flow.ts'
import { type BenchResult, cpuPerMillion, peakMiB, perSecond } from './result.ts'
import { withEmbeddedSite } from './site.ts'

export function run(): Promise<BenchResult> {
  return withEmbeddedSite(async ({ log }) => {
    const cpu = process.cpuUsage()
    const begin = performance.now()
    await fill(log)
    const took = performance.now() - begin
    const cpuSeconds = cpuPerMillion(cpu, EVENTS)
    const peak = peakMiB()
    const ready = performance.now()
    await appendReady(log, EVENTS)
    return {
      name: 'produce, embedded',
      figure: perSecond(EVENTS, took),
      unit: 'events/s',
      ceiling: { name: 'appending ready-made messages', figure: perSecond(EVENTS, performance.now() - ready) },
      cpuSeconds,
      peakMiB: peak,
    }
  })
}
