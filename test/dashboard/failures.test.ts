import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { partitionCommits, recordName } from '../../src/archive/layout.ts'
import { healthSchema, realtimeSchema, snapshotSchema, statsSchema } from '../../src/dashboard/api.ts'
import { problemSchema } from '../../src/dashboard/problem.ts'
import { type Fault, faultyLake, faultyLog } from './faulty.ts'
import { Flow, until } from './flow.ts'

let flow: Flow
let url: string
let log: Fault
let lake: Fault

/** Starts a dashboard over the flow, the log and the lake as `prepare` leaves them. */
async function start(prepare: () => void = () => undefined): Promise<void> {
  const [behindLog, behindLake] = [faultyLog(flow.log), faultyLake(flow.lake)]
  log = behindLog.fault
  lake = behindLake.fault
  prepare()
  const started = await flow.dashboard({ log: behindLog.log, lake: behindLake.lake })
  url = started.url
}

const answer = async (path: string) => {
  const response = await fetch(url + path)
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() }
}
const events = async () => statsSchema.parse((await answer('/api/stats')).body).total_events
const health = async () => {
  const { status, body } = await answer('/health/ready')
  return { status, ...healthSchema.parse(body).dependencies }
}

beforeEach(async () => {
  flow = await Flow.open()
  await flow.generate(20)
  await flow.archive()
})
afterEach(async () => {
  log.mend()
  lake.mend()
  await flow.close()
})

describe('a dashboard whose log and lake fail from the start', () => {
  it('starts, says so, gives no figure rather than a wrong one, and mends itself', async () => {
    await start(() => {
      log.refuse()
      lake.refuse()
    })
    const down = await health()
    expect(down.status).toBe(503)
    expect(down.log).toMatchObject({ state: 'failed', reason: 'Kafka does not answer at k:9092', next: 'Start it.' })
    expect(down.lake).toMatchObject({ state: 'failed', reason: 'HDFS does not answer at h:9871', next: 'Start it.' })
    expect((await answer('/health/live')).status).toBe(200)

    const stats = await answer('/api/stats')
    expect([stats.status, stats.type]).toEqual([503, 'application/problem+json'])
    expect(problemSchema.parse(stats.body)).toMatchObject({ code: 'LAKE_UNREACHABLE', status: 503 })
    expect(snapshotSchema.parse((await answer('/api/snapshot')).body).totals).toBeNull()

    log.mend()
    lake.mend()
    await until('it is ready', async () => (await health()).status === 200)
    expect(await events()).toBe(20)
  })
})

describe('a failure while running', () => {
  it.each(['refuse', 'hang'] as const)('of the lake (%s) shows within 5 s and ends by itself', async (how) => {
    await start()
    expect((await health()).status).toBe(200)
    lake[how]()
    await until('the lake is failed', async () => (await health()).lake.state === 'failed', 5_000)
    const down = await health()
    expect([down.status, down.log.state]).toEqual([503, 'ok'])
    expect(down.lake.reason).toMatch(how === 'refuse' ? /HDFS does not answer/ : /no answer since/)
    // What was known stays known, but what waits is unknown now.
    const metrics = realtimeSchema.parse((await answer('/api/realtime_metrics')).body)
    expect(metrics).toMatchObject({ status: 'degraded', total_events: 20, waiting_events: null })

    lake.mend()
    await until('the lake is well', async () => (await health()).lake.state === 'ok', 5_000)
    await flow.generate(7)
    await flow.archive()
    await until('it goes on counting', async () => (await events()) === 27)
  })

  it.each(['refuse', 'hang'] as const)('of the log (%s) shows within 5 s and ends by itself', async (how) => {
    await start()
    await until('the rate is known', async () => {
      const { events_per_second } = realtimeSchema.parse((await answer('/api/realtime_metrics')).body)
      return events_per_second !== null
    })
    log[how]()
    await until('the log is failed', async () => (await health()).log.state === 'failed', 5_000)
    const { rate, lag, recent, totals } = snapshotSchema.parse((await answer('/api/snapshot')).body)
    expect([rate.perSecond, lag.waiting, recent.standsFor, totals?.events]).toEqual([null, null, 0, 20])

    log.mend()
    await until('the log is well', async () => (await health()).status === 200, 5_000)
  })
})

describe('a stream', () => {
  it('tells of a log that hangs: it is not held up itself', async () => {
    await start()
    const stop = new AbortController()
    const { body } = await fetch(`${url}/api/live`, { signal: stop.signal })
    let told = ''
    const reading = (async () => {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) told += chunk
    })().catch(() => undefined)
    log.hang()
    await until('the stream says so', () => /event: delta\ndata: [^\n]*"log":\{"state":"failed"/.test(told), 8_000)
    stop.abort()
    await reading
  })
})

describe('a damaged commit record', () => {
  it('is told of, with what to do, and the other figures stay', async () => {
    await start()
    const { topicId } = await flow.log.describe()
    await flow.lake.write(`${partitionCommits(flow.root, topicId, 0)}/${recordName(999)}`, Buffer.from('{'))
    await until('the problem shows', async () => {
      const { problems, totals } = snapshotSchema.parse((await answer('/api/snapshot')).body)
      return problems.length === 1 && problems[0]!.message.includes('p0') && totals?.events === 20
    })
  })
})

describe('closing', () => {
  it('is quick while calls hang', async () => {
    const hanging = faultyLog(flow.log)
    log = hanging.fault
    lake = faultyLake(flow.lake).fault
    log.hang()
    const dashboard = await flow.dashboard({ log: hanging.log })
    const before = performance.now()
    await dashboard.close()
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})
