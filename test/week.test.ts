/**
 * What `start` runs, left alone for a week: generator, SQLite log, archiver with its care of the lake, and the dashboard. By a
 * clock that goes on by half an hour as soon as what has come is archived. To the flow that is a machine which is mostly
 * suspended: it makes up for five seconds of events each time.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { expect, it, onTestFinished, vi } from 'vitest'
import { linesBelow } from '../regression/contents.ts'
import type { ArchiveEvent } from '../src/archive/archiver.ts'
import { dayFolder, dayFolders, lakeRoot, partitionCommits } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { ArchiverHealth } from '../src/dashboard/archiver-health.ts'
import { type Dashboard, startDashboard } from '../src/dashboard/server.ts'
import { addFingerprints, EMPTY_FINGERPRINT, type Fingerprint, fingerprint } from '../src/generate/ledger.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import { type PipelineSummary, runPipeline } from '../src/pipeline.ts'
import { ProcessMetrics } from '../src/process-metrics.ts'
import { openLake, openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { filesBelow } from './archive/lake-contents.ts'
import { SteppedClock } from './stepped-clock.ts'

const MINUTE_MS = 60_000
const STEP_MS = 30 * MINUTE_MS
const DAY_MS = 48 * STEP_MS
/** Events of a step: five seconds of the rate. */
const EVENTS = 40
const BEGIN = Date.UTC(2025, 6, 1, 0, 7, 30)
/** By then the day before is sealed, and the oldest is removed. */
const MORNING_MS = 2 * 60 * MINUTE_MS
const LOG_BYTES = 1_048_576
const KEPT_DAYS = 2
const DAYS = Array.from({ length: 8 }, (_, day) => `2025-07-0${day + 1}`)
/** From one time to another heap and buffers differ by up to 2.7 MB; if all records of commits were kept, by 6.9. */
const MEMORY_MARGIN = 4_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

interface Held {
  /** Of events, and the bytes of these. */
  files: number
  bytes: number
  /** Records, checkpoints and manifests of the partition that has most. */
  commitFiles: number
  logBytes: number
  /** Beside the log, of what is not yet in it. */
  walBytes: number
  memory: number
}

class Week {
  readonly clock = new SteppedClock(BEGIN)
  readonly #metrics = new ProcessMetrics()
  readonly #archiver = new ArchiverHealth(Date.now())
  readonly config: Config
  readonly log: EventLog
  readonly lake: LakeStorage
  readonly root: string
  #dashboard: Dashboard | undefined
  #running: Promise<PipelineSummary> | undefined
  #ended = false
  readonly #stop = new AbortController()
  #steps = 0
  #taken = 0
  #archived = 0
  readonly sealed: string[] = []
  readonly troubles: ArchiveEvent[] = []
  /** What the log has taken, by day. */
  readonly produced = new Map<string, Fingerprint>()

  private constructor(config: Config, log: EventLog, lake: LakeStorage) {
    this.config = config
    this.log = log
    this.lake = this.#metrics.measured(lake)
    this.root = lakeRoot(config.topic)
  }

  /** As `start` does. */
  static async begin(dataDir: string): Promise<Week> {
    const { config } = loadConfig(
      {
        ...{ dataDir, rate: `${EVENTS / 5}/s`, keep: `${KEPT_DAYS}d`, logBytes: LOG_BYTES },
        // So that each step has several commits.
        batchBytes: 3_000,
        partitions: 2,
      },
      {},
    )
    const week = new Week(config, await openLog(config), await openLake(config))
    await week.#start()
    return week
  }

  async #start(): Promise<void> {
    const { clock, config, log, lake, root } = this
    await log.ensureTopic()
    this.#dashboard = await startDashboard({
      ...{ log, lake, root, metrics: this.#metrics, archiver: this.#archiver, logger: pino({ level: 'silent' }) },
      ...{ group: config.group, profile: config.profile, host: '127.0.0.1', port: 0 },
    })
    this.#running = runPipeline({
      ...{ config, log, lake, clock, signal: this.#stop.signal },
      onArchive: (event) => this.#note(event),
      onAcknowledged: (messages) => this.#take(messages),
    })
    const ended = () => {
      this.#ended = true
    }
    this.#running.then(ended, ended)
    await this.#untilAsleep()
  }

  #note(event: ArchiveEvent): void {
    this.#metrics.archived(event)
    this.#archiver.archived(event)
    if (event.kind === 'committed') this.#archived += event.record.events
    else if (event.kind === 'sealed') this.sealed.push(event.seal.day)
    else if (!['claimed', 'joined', 'removed'].includes(event.kind)) this.troubles.push(event)
  }

  #take(messages: readonly LogMessage[]): void {
    this.#taken += messages.length
    const day = new Date(this.clock.now()).toISOString().slice(0, 10)
    const lines = fingerprint(messages.map(({ value }) => value as Uint8Array))
    this.produced.set(day, addFingerprints(this.produced.get(day) ?? EMPTY_FINGERPRINT, lines))
  }

  /** Goes on to the morning after so many days, when all is done that is due. */
  async untilDay(day: number): Promise<Held> {
    while (this.clock.elapsed() < day * DAY_MS + MORNING_MS) await this.#step(STEP_MS)
    await this.#untilAsleep()
    // Who looks every hour or every minute has the last look with nothing else under way: hours pass while retention waits
    // for compaction.
    for (const ms of [60 * MINUTE_MS, MINUTE_MS]) {
      await this.#step(ms)
      await this.#untilAsleep()
    }
    return this.#held()
  }

  async #step(ms: number): Promise<void> {
    this.#steps++
    this.clock.goOn(ms)
    // But for less than a batch of each partition, which waits for more: fewer events than come in a step.
    await this.#until(() => this.#taken > EVENTS * this.#steps && this.#archived > EVENTS * (this.#steps - 1))
  }

  /** All that goes by the clock waits for it: generator and sealer, and compaction and retention of each partition. */
  #untilAsleep(): Promise<void> {
    return this.#until(() => this.clock.sleeping === 2 + 2 * this.config.partitions)
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#ended) await this.#running
      await sleep(2)
    }
  }

  async #held(): Promise<Held> {
    const { lake, root } = this
    const file = join(this.config.dataDir, 'log.sqlite')
    const [{ size: logBytes }, { size: walBytes }] = [await stat(file), await stat(`${file}-wal`)]
    const held = { files: 0, bytes: 0, commitFiles: 0, logBytes, walBytes, memory: await memory() }
    for await (const folder of lake.list(root)) {
      if (folder.path.startsWith(`${root}/_`)) continue
      for await (const { bytes } of filesBelow(lake, folder.path)) {
        held.files++
        held.bytes += bytes
      }
    }
    const { topicId, partitions } = await this.log.describe()
    for (const partition of partitions.keys()) {
      let files = 0
      for await (const _ of filesBelow(lake, partitionCommits(root, topicId, partition))) files++
      held.commitFiles = Math.max(held.commitFiles, files)
    }
    return held
  }

  /** What the dashboard tells. */
  async stats(): Promise<unknown> {
    return (await fetch(`${this.#dashboard?.url}/api/stats`)).json()
  }

  /** The events of each day's folder. */
  async kept(): Promise<Map<string, Fingerprint>> {
    const { lake, root } = this
    const days = new Map<string, Fingerprint>()
    for await (const { day } of dayFolders(lake, root)) {
      let of = EMPTY_FINGERPRINT
      for await (const line of linesBelow(lake, dayFolder(root, day))) of = addFingerprints(of, fingerprint([line]))
      if (of.count > 0) days.set(day, of)
    }
    return days
  }

  stop(): Promise<PipelineSummary> | undefined {
    this.#stop.abort()
    return this.#running
  }

  async close(): Promise<void> {
    await this.stop()?.catch(() => undefined)
    await this.#dashboard?.close()
    await this.log.close()
    await this.lake.close()
  }
}

/** The least of two seconds: the commit log may be being folded, which takes some tens of megabytes. */
async function memory(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    collectGarbage()
    // Buffers are given back beside.
    await sleep(200)
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

it('holds as much after seven days as after three, of files, bytes and memory', { timeout: 300_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'music-faker-week-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const week = await Week.begin(dataDir)
  onTestFinished(() => week.close())
  const three = await week.untilDay(3)
  const seven = await week.untilDay(7)
  const { partitions } = week.config

  for (const { files, commitFiles, logBytes, walBytes } of [three, seven]) {
    // Of the hours that are past there are a few a day; of the one that is under way each commit is one.
    expect(files).toBeLessThan(partitions * (8 * (KEPT_DAYS + 1) + 8))
    expect(commitFiles).toBeLessThan(330)
    expect(logBytes).toBeLessThan(1.1 * LOG_BYTES)
    expect(walBytes).toBeLessThan(20_000_000)
  }
  expect(seven.bytes).toBeLessThan(1.02 * three.bytes)
  expect(seven.memory).toBeLessThan(three.memory + MEMORY_MARGIN)
  expect(week.sealed).toEqual(DAYS.slice(0, 7))
  expect(week.troubles).toEqual([])

  const { produced, archived } = (await week.stop())!
  expect(archived).toMatchObject({ events: produced, quarantined: 0, drained: true })
  const { lake, root } = week
  expect(await verify({ lake, root, deep: true })).toMatchObject({ ok: true, events: produced, pending: [] })
  const kept = DAYS.slice(7 - KEPT_DAYS)
  expect(await week.kept()).toEqual(new Map(kept.map((day) => [day, week.produced.get(day)])))
  await vi.waitFor(async () => expect(await week.stats()).toMatchObject({ total_events: produced }), 10_000)
})
