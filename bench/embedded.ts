/** The whole embedded flow in one process: a million events are generated, logged and archived at the same time. */
import { archive } from '../src/archive/archiver.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { EVENTS, fill } from './flow.ts'
import { type BenchResult, cpuPerMillion, peakMiB, perSecond } from './result.ts'
import { withEmbeddedSite } from './site.ts'

const AGE_MS = 1_000

export function run(): Promise<BenchResult> {
  return withEmbeddedSite(async ({ config, log, lake }) => {
    const root = lakeRoot(config.topic)
    const stop = new AbortController()
    const follower = new LakeFollower({ lake, root })
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const archiving = archive({
      log,
      lake,
      root,
      group: config.group,
      limits: { messages: 500_000, bytes: config.batchBytes, ageMs: AGE_MS },
      once: false,
      acceptGap: false,
      signal: stop.signal,
    })
    await fill(log)
    while (follower.totals.snapshot().events < EVENTS) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await follower.refresh()
    }
    const took = performance.now() - begin
    const cpuSeconds = cpuPerMillion(cpu, EVENTS)
    stop.abort()
    await archiving
    const parsing = parseRate()
    return {
      name: 'produce, archive and count, embedded',
      figure: perSecond(EVENTS, took),
      unit: 'events/s',
      ceiling: { name: 'JSON.parse of the same events, on one core', figure: parsing },
      cpuSeconds,
      peakMiB: peakMiB(),
    }
  })
}

function parseRate(): number {
  const line =
    '{"user":"eric04","artist":"Carol Moore","track":"MediumAquaMarine Nights - Live","timestamp":"2025-07-03T20:07:50.691643","genre":"Jazz","duration":146,"platform":"Spotify","device":"Desktop","action":"like","country":"FR"}'
  const bytes = Buffer.from(line)
  const count = 300_000
  const begin = performance.now()
  for (let i = 0; i < count; i++) JSON.parse(bytes.toString())
  return perSecond(count, performance.now() - begin)
}
