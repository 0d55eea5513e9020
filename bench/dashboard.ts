/**
 * The dashboard on a lake of 10 commits, on one of 100,000 and on one of a million, a second apart in each partition: the time
 * until it has read it, its memory, and how fast `/api/stats` answers 1,000 requests a second.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { loadConfig } from '../src/config.ts'
import { openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { command, part, type Running } from './child.ts'
import { atMost, type BenchResult, type Figure, measureEach, milliseconds, percentile } from './result.ts'
import { withFolder } from './site.ts'

const LAKES = [10, 100_000, 1_000_000]
/** The start is the median of so many. */
const STARTS = 3
const RATE = 1_000
const LOAD_S = 8
/** Of the load, at first: code that has never run is slow, and what waits for it meanwhile takes as long again to be answered. */
const WARM_S = 3
/** Room for garbage, which takes a third off the time; what is measured runs without. */
const YOUNG = ['--max-semi-space-size=32']
const START_LIMIT_MS = 60_000

export async function run(): Promise<BenchResult> {
  const parts = LAKES.map(
    (records) => [`${records} commits`, () => withFolder((dir) => measure(dir, records))] as const,
  )
  return measureEach(Object.fromEntries(parts))
}

async function measure(dataDir: string, records: number): Promise<Figure[]> {
  const { config } = loadConfig({ dataDir, port: 20_000 + (process.pid % 10_000) }, {})
  const events = await makeLake(config, records)
  const starts: number[] = []
  for (let n = 1; n < STARTS; n++) {
    const { running, startMs } = await start(config, events)
    starts.push(startMs)
    running.child.kill('SIGINT')
    await running.ended
  }
  const { running, startMs } = await start(config, events)
  starts.push(startMs)
  const answers = await load(config.port)
  running.child.kill('SIGINT')
  const { peakMiB } = await running.ended
  const lake = `${records.toLocaleString('en-US')} commits`
  return [
    milliseconds({
      name: `start, from the process to the totals, ${lake}`,
      figure: percentile(
        starts.sort((a, b) => a - b),
        0.5,
      ),
      target: atMost(1_000),
    }),
    milliseconds({
      name: `/api/stats p99 at 1,000 requests/s, ${lake}`,
      figure: percentile(answers, 0.99),
      target: atMost(5),
    }),
    { name: `memory, ${lake}`, figure: peakMiB, unit: 'MiB', target: atMost(200) },
  ]
}

/** Until all events are told of. */
async function start(config: Config, events: number): Promise<{ running: Running; startMs: number }> {
  const begin = performance.now()
  const running = command(config, ['dashboard', '--quiet'])
  while ((await totalEvents(config.port)) < events) {
    const isOver = running.child.exitCode !== null || performance.now() - begin > START_LIMIT_MS
    if (isOver) throw new Error('the lake was not read')
    await sleep(10)
  }
  return { running, startMs: performance.now() - begin }
}

/** 0 until they are known: meanwhile the answer is a problem. */
async function totalEvents(port: number): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/stats`)
    return ((await response.json()) as { total_events?: number }).total_events ?? 0
  } catch {
    return 0
  }
}

/**
 * Milliseconds from the moment each request was due to its answer, ascending: a slow answer does not delay the next. Without
 * those of the first seconds.
 */
async function load(port: number): Promise<Float64Array> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16 })
  const times: number[] = []
  const answers: Promise<void>[] = []
  const begin = performance.now()
  for (let due = begin; due < begin + LOAD_S * 1_000; ) {
    for (; due <= performance.now(); due += 1_000 / RATE) {
      answers.push(request(pool, due, due < begin + WARM_S * 1_000 ? [] : times))
    }
    await sleep(1)
  }
  await Promise.all(answers)
  await pool.close()
  return Float64Array.from(times).sort()
}

async function request(pool: Pool, due: number, times: number[]): Promise<void> {
  const { body } = await pool.request({ path: '/api/stats', method: 'GET' })
  await body.dump()
  times.push(performance.now() - due)
}

/** The partitions beside each other. @returns how many events it holds */
async function makeLake(config: Config, records: number): Promise<number> {
  const log = await openLog(config)
  await log.ensureTopic()
  await log.close()
  const { partitions } = config
  const made = Array.from({ length: partitions }, async (_, partition) => {
    const share = Math.floor((records + partitions - 1 - partition) / partitions)
    return Number((await part(config, 'make-lake.ts', [String(partition), String(share)], YOUNG).ended).stdout)
  })
  return (await Promise.all(made)).reduce((sum, events) => sum + events, 0)
}
