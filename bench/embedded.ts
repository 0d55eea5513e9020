/** The embedded flow in one process: a million events generated, logged, archived and counted at the same time; and at rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import { archive } from '../src/archive/archiver.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { command } from './child.ts'
import { EVENTS, fill, LARGE_BATCHES } from './flow.ts'
import { pageStream } from './page-stream.ts'
import {
  atLeast,
  atMost,
  type BenchResult,
  cpuPerMillion,
  events,
  type Figure,
  measureEach,
  milliseconds,
  peakMiB,
  perSecond,
} from './result.ts'
import { type BenchSite, withEmbeddedSite, withFolder } from './site.ts'

const AGE_MS = 1_000
const REST_S = 20
/** After its start, when the first events have come and the code is compiled. */
const SETTLE_S = 10
const PARSED = 300_000

export async function run(): Promise<BenchResult> {
  return measureEach({
    flow: async () => [await withEmbeddedSite(measureFlow)],
    start: () => withFolder(measureStart),
  })
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

/**
 * `npm start` in an empty folder: how soon the first event is on the page, and what it takes of a core at its default rate
 * while nobody looks at the page. The latter is the difference of two runs, the first of which is looked at.
 */
async function measureStart(dataDir: string): Promise<Figure[]> {
  const { config } = loadConfig({ dataDir, port: 20_000 + (process.pid % 10_000) }, {})
  const run = async <T>(seconds: number, look: () => Promise<T>) => {
    const { child, ended } = command(config, ['start', '--quiet'])
    const [seen] = await Promise.all([look(), sleep(seconds * 1_000)])
    child.kill('SIGINT')
    return { seen, ...(await ended) }
  }
  const short = await run(SETTLE_S, () => firstEventOnPage(config.port))
  const long = await run(SETTLE_S + REST_S, async () => undefined)
  return [
    milliseconds({
      name: 'npm start to the first event on the page',
      figure: short.seen,
      target: atMost(3_000),
    }),
    {
      name: 'npm start at rest, 20 events/s',
      figure: ((long.cpuSeconds - short.cpuSeconds) / REST_S) * 100,
      unit: '% of a core',
      target: atMost(2),
      peakMiB: long.peakMiB,
    },
  ]
}

/** Milliseconds from now until the page, asked for again and again, is told of an event. @throws when it never is */
async function firstEventOnPage(port: number): Promise<number> {
  const begin = performance.now()
  const signal = AbortSignal.timeout(SETTLE_S * 1_000)
  while (!signal.aborted) {
    try {
      for await (const { rows } of pageStream(port, signal)) if (rows.length > 0) return performance.now() - begin
    } catch {
      // Not listening yet.
      await sleep(10)
    }
  }
  throw new Error('no event came to the page')
}

function parseRate(): number {
  const bytes = Buffer.from(
    '{"user":"eric04","artist":"Carol Moore","track":"MediumAquaMarine Nights - Live","timestamp":"2025-07-03T20:07:50.691643","genre":"Jazz","duration":146,"platform":"Spotify","device":"Desktop","action":"like","country":"FR"}',
  )
  const begin = performance.now()
  for (let i = 0; i < PARSED; i++) JSON.parse(bytes.toString())
  return perSecond(PARSED, performance.now() - begin)
}
