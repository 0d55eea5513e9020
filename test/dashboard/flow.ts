/** A whole embedded pipeline in a temporary folder: the SQLite log, the local lake, the archiver and the dashboard. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { archive } from '../../src/archive/archiver.ts'
import { lakeRoot } from '../../src/archive/layout.ts'
import { systemClock } from '../../src/clock.ts'
import { type Dashboard, type DashboardOptions, startDashboard } from '../../src/dashboard/server.ts'
import { encode, type MusicEvent, parseTimestamp } from '../../src/event.ts'
import { Generator } from '../../src/generate/generator.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import type { EventLog } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'

const TOPIC = 'music_events'
const GROUP = 'archivers'
const PARTITIONS = 3

export class Flow {
  readonly folder: string
  readonly log: EventLog
  readonly lake: LakeStorage
  readonly root = lakeRoot(TOPIC)
  readonly #generator = new Generator({ seed: 7, artists: 300, listeners: 400 })
  readonly #opened: { close(): Promise<void> }[] = []

  private constructor(folder: string, log: EventLog, lake: LakeStorage) {
    this.folder = folder
    this.log = log
    this.lake = lake
  }

  /** An empty topic and no lake yet. */
  static async open(): Promise<Flow> {
    const folder = await mkdtemp(join(tmpdir(), 'music-faker-dashboard-'))
    const log = await openSqliteLog({ file: join(folder, 'log.db'), topic: TOPIC, partitions: PARTITIONS })
    await log.ensureTopic()
    return new Flow(folder, log, openLocalLake({ folder: join(folder, 'lake') }))
  }

  /** Appends `count` generated events, their times evenly over the `spanMs` before the moment `ageMs` ago. */
  async generate(count: number, spanMs = 0, ageMs = 0): Promise<MusicEvent[]> {
    const now = Date.now() - ageMs
    const events = Array.from({ length: count }, (_, i) =>
      this.#generator.next(Math.floor(now - spanMs + (spanMs * (i + 1)) / count)),
    )
    await this.append(events)
    return events
  }

  async append(events: readonly MusicEvent[]): Promise<void> {
    const messages = events.map((event) => ({
      key: event.user,
      value: encode(event),
      timestamp: parseTimestamp(event.timestamp) ?? 0,
    }))
    await this.log.append(messages)
  }

  /** Appends messages as they are, valid or not. */
  async appendRaw(...values: (string | Uint8Array)[]): Promise<void> {
    await this.log.append(values.map((value, i) => ({ key: `raw ${i}`, value: Buffer.from(value) })))
  }

  /** Archives all that is in the log now. @param clock what the commits are dated by */
  async archive(clock: () => number = Date.now): Promise<void> {
    await archive({
      log: this.log,
      lake: this.lake,
      root: this.root,
      group: GROUP,
      limits: { messages: 10_000, bytes: 1_000_000, ageMs: 50 },
      once: true,
      acceptGap: false,
      signal: new AbortController().signal,
      clock: { ...systemClock, now: clock },
      report: () => undefined,
    })
  }

  /** Starts a dashboard on a free port; it is closed with the flow. */
  async dashboard(options: Partial<DashboardOptions> = {}): Promise<Dashboard> {
    const started = await startDashboard({
      log: this.log,
      lake: this.lake,
      root: this.root,
      group: GROUP,
      host: '127.0.0.1',
      port: 0,
      profile: 'embedded',
      logger: pino({ level: 'silent' }),
      ...options,
    })
    this.#opened.push(started)
    return started
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.reverse()) await opened.close()
    await this.log.close()
    await this.lake.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Resolves once `condition` holds, asking every 20 ms. @throws when it does not within `withinMs`, naming `what` */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
