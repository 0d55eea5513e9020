/** The embedded flow in one process: a million events generated, logged, archived and counted at the same time; and at rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import { archive } from '../src/archive/archiver.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { command } from './child.ts'
import { EVENTS, fill, LARGE_BATCHES } from './flow.ts'
import { atLeast, atMost, type BenchResult, cpuPerMillion, events, type Figure, peakMiB, perSecond } from './result.ts'
import { type BenchSite, withEmbeddedSite, withFolder } from './site.ts'

const AGE_MS = 1_000
const REST_S = 20
/** After its start, when the first events have come and the code is compiled. */
const SETTLE_S = 10
const PARSED = 300_000

export async function run(): Promise<BenchResult> {
  return { figures: [await withEmbeddedSite(measureFlow), await measureRest()] }
}

async function measureFlow({ config, log, lake }: BenchSite): Promise<Figure> {
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
    limits: { ...LARGE_BATCHES, ageMs: AGE_MS },
    once: false,
    acceptGap: false,
    signal: stop.signal,
  })
  await fill(log)
  while (follower.totals.snapshot().events < EVENTS) {
    await sleep(20)
    await follower.refresh()
  }
  const figure = perSecond(EVENTS, performance.now() - begin)
  const usage = { cpuSeconds: cpuPerMillion(cpu, EVENTS), peakMiB: peakMiB() }
  stop.abort()
  await archiving
  const ceiling = { name: 'JSON.parse of such events, on one core', figure: parseRate() }
  return events({ name: 'produce, archive and count, embedded', figure, ceiling, target: atLeast(150_000), ...usage })
}

/** What `npm start` takes of a core at its default rate, with nobody looking at the page. */
async function measureRest(): Promise<Figure> {
  return withFolder(async (dataDir) => {
    const { config } = loadConfig({ dataDir, port: 20_000 + (process.pid % 10_000) }, {})
    const cpuOf = async (seconds: number) => {
      const { child, ended } = command(config, ['start', '--quiet'])
      await sleep(seconds * 1_000)
      child.kill('SIGINT')
      return ended
    }
    const [short, long] = [await cpuOf(SETTLE_S), await cpuOf(SETTLE_S + REST_S)]
    return {
      name: 'npm start at rest, 20 events/s',
      figure: ((long.cpuSeconds - short.cpuSeconds) / REST_S) * 100,
      unit: '% of a core',
      target: atMost(2),
      peakMiB: long.peakMiB,
    }
  })
}

function parseRate(): number {
  const bytes = Buffer.from(
    '{"user":"eric04","artist":"Carol Moore","track":"MediumAquaMarine Nights - Live","timestamp":"2025-07-03T20:07:50.691643","genre":"Jazz","duration":146,"platform":"Spotify","device":"Desktop","action":"like","country":"FR"}',
  )
  const begin = performance.now()
  for (let i = 0; i < PARSED; i++) JSON.parse(bytes.toString())
  return perSecond(PARSED, performance.now() - begin)
}
