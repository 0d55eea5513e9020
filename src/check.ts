/**
 * A short end-to-end self-test of the configured profile, with a verdict per stage. It works on a topic and a lake
 * folder of its own, `<topic>.check`, which stay from one run to the next: each run adds what it sends and compares.
 */
import { archive } from './archive/archiver.ts'
import { REALTIME } from './archive/batch.ts'
import { lakeRoot } from './archive/layout.ts'
import { quarantinedCount } from './archive/record.ts'
import { type ErrorCode, MusicFakerError } from './errors.ts'
import { decode } from './event.ts'
import { Generator } from './generate/generator.ts'
import type { LakeStorage } from './lake/storage.ts'
import { verify } from './lake/verify.ts'
import type { EventLog, LogMessage } from './log/log.ts'
import { openLake, openLog } from './profiles.ts'
import type { Config } from './settings.ts'
import { LakeFollower } from './stats/follower.ts'

export interface StageVerdict {
  stage: string
  ok: boolean
  /** What was seen, or what failed. */
  detail: string
  seconds: number
  /** Of a stage that failed for a known reason: which, and what to do about it. */
  code?: ErrorCode
  next?: string
}

const EVENTS = 300
/** One message that is no event: the quarantine is part of what has to work. */
const BROKEN = Buffer.from('{"user":"check","artist":')

interface Sent {
  messages: LogMessage[]
  /** Totals of the lake before. */
  before: { events: number; quarantined: number }
}

/**
 * Runs every stage in turn; after one that failed, the rest are not tried.
 * @param onVerdict told of each stage as it ends
 * @throws the signal's reason when it aborts; what opening the lake throws
 */
export async function selfTest(options: {
  config: Config
  onVerdict: (verdict: StageVerdict) => void
  signal: AbortSignal
}): Promise<StageVerdict[]> {
  const config = { ...options.config, topic: `${options.config.topic}.check`, group: `${options.config.group}.check` }
  const verdicts: StageVerdict[] = []
  const stage = async <T>(name: string, run: () => Promise<[string, T]>): Promise<T> => {
    options.signal.throwIfAborted()
    const begin = performance.now()
    const conclude = (judged: Omit<StageVerdict, 'stage' | 'seconds'>) => {
      const verdict = { stage: name, ...judged, seconds: (performance.now() - begin) / 1000 }
      verdicts.push(verdict)
      options.onVerdict(verdict)
    }
    try {
      const [detail, result] = await run()
      conclude({ ok: true, detail })
      return result
    } catch (error) {
      // It was told to stop: nothing is wrong with the stage.
      if (options.signal.aborted) throw error
      conclude({ ok: false, ...failureOf(error) })
      throw error
    }
  }
  const opened: { close(): Promise<void> }[] = []
  const keep = <T extends { close(): Promise<void> }>(resource: T): T => {
    opened.push(resource)
    return resource
  }
  try {
    const messages = await stage('generate', async () => generate())
    const log = await stage('log', async () => {
      const log = keep(await openLog(config))
      return [await append(log, messages), log]
    })
    const lake = keep(await openLake(config))
    const sent: Sent = { messages, before: await totalsOf(lake, config) }
    await stage('archive', async () => [await archiveAll(log, lake, config, sent, options.signal), undefined])
    await stage('lake', async () => [await verifyLake(lake, config), undefined])
    await stage('stats', async () => [await compareTotals(lake, config, sent), undefined])
    await stage('dashboard', async () => [await askDashboard(log, lake, config), undefined])
  } catch (error) {
    // A verdict says so; without one, opening the lake failed, and that is what the user has to hear.
    if (verdicts.every(({ ok }) => ok)) throw error
  } finally {
    for (const resource of opened.reverse()) await resource.close()
  }
  return verdicts
}

function failureOf(error: unknown): Pick<StageVerdict, 'detail' | 'code' | 'next'> {
  if (!(error instanceof MusicFakerError)) return { detail: error instanceof Error ? error.message : String(error) }
  return { detail: error.message, code: error.code, ...(error.next !== undefined && { next: error.next }) }
}

async function generate(): Promise<[string, LogMessage[]]> {
  const now = Date.now()
  // Another seed each time: the same events again would hide an archiver that drops what it has seen.
  const generator = new Generator({ seed: now % 4_294_967_296, artists: 200, listeners: 200 })
  const messages = Array.from({ length: EVENTS }, () => generator.nextMessage(now, 0))
  const wrong = messages.map(({ value }) => decode(value, now)).find(({ ok }) => !ok)
  expect(wrong === undefined, `an event of the generator is not valid: ${JSON.stringify(wrong)}`)
  return [`${EVENTS} events, all valid`, [...messages, { key: 'check', value: BROKEN }]]
}

async function append(log: EventLog, messages: LogMessage[]): Promise<string> {
  await log.ensureTopic()
  const before = await endOf(log)
  await log.append(messages)
  const after = await endOf(log)
  expect(
    after - before === messages.length,
    `${messages.length} messages were appended, but the log grew by ${after - before}`,
  )
  return `${messages.length} messages acknowledged and counted, one of them broken on purpose`
}

async function endOf(log: EventLog): Promise<number> {
  const { partitions } = await log.describe()
  return [...partitions.values()].reduce((sum, { end }) => sum + end, 0)
}

async function archiveAll(
  log: EventLog,
  lake: LakeStorage,
  config: Config,
  sent: Sent,
  signal: AbortSignal,
): Promise<string> {
  const summary = await archive({
    log,
    lake,
    signal,
    root: lakeRoot(config.topic),
    group: config.group,
    limits: REALTIME,
    once: true,
    acceptGap: false,
  })
  signal.throwIfAborted()
  const expected = sent.messages.length - 1
  expect(summary.events >= expected, `${expected} events were sent, but ${summary.events} archived`)
  return `${summary.events} events in ${summary.files} files, ${summary.commits} commits, ${summary.quarantined} quarantined`
}

async function verifyLake(lake: LakeStorage, config: Config): Promise<string> {
  const report = await verify({ lake, root: lakeRoot(config.topic), deep: true })
  const [problem] = report.problems
  expect(report.ok, problem ? `${problem.path}: ${problem.detail}` : 'the lake does not verify')
  return 'every offset once, every file whole (verify --deep)'
}

async function totalsOf(lake: LakeStorage, config: Config): Promise<Sent['before']> {
  const follower = new LakeFollower({ lake, root: lakeRoot(config.topic) })
  await follower.refresh()
  const totals = follower.totals.snapshot()
  return { events: totals.events, quarantined: quarantinedCount(totals) }
}

async function compareTotals(lake: LakeStorage, config: Config, { messages, before }: Sent): Promise<string> {
  const after = await totalsOf(lake, config)
  const events = after.events - before.events
  const quarantined = after.quarantined - before.quarantined
  expect(
    events >= messages.length - 1 && quarantined >= 1,
    `totals grew by ${events} events and ${quarantined} quarantined`,
  )
  return `totals grew by ${events} events and ${quarantined} quarantined, to ${after.events} events`
}

async function askDashboard(log: EventLog, lake: LakeStorage, config: Config): Promise<string> {
  const { startDashboard } = await import('./dashboard/server.ts')
  const { pino } = await import('pino')
  const root = lakeRoot(config.topic)
  const server = await startDashboard({
    log,
    lake,
    root,
    group: config.group,
    profile: config.profile,
    host: '127.0.0.1',
    port: 0,
    logger: pino({ level: 'silent' }),
  })
  try {
    const { events } = await totalsOf(lake, config)
    const answer = await untilTotal(new URL('/api/stats', server.url), events)
    expect(answer === events, `GET /api/stats says ${answer} events, the lake holds ${events}`)
    const health = await fetch(new URL('/health', server.url))
    expect(health.status === 200, `GET /health answers ${health.status}`)
    return `GET /api/stats agrees with the lake: ${events} events`
  } finally {
    await server.close()
  }
}

/** The total that the API gives, as soon as it is the expected one, or after 5 s whatever it is. */
async function untilTotal(url: URL, expected: number): Promise<number> {
  const until = performance.now() + 5_000
  for (;;) {
    const response = await fetch(url)
    const { total_events: total } = (await response.json()) as { total_events: number }
    if (total === expected || performance.now() > until) return total
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}
