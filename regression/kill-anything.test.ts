/**
 * Guarantee: any process may be killed with SIGKILL at any moment. Afterwards `verify --deep` passes, every event that
 * was acknowledged is in the lake once, and the dashboard's totals are those of the lake.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { lastBatch } from '../src/archive/head.ts'
import { lakeRoot, stagingFolder } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { Random } from '../src/generate/random.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { filesBelow } from '../test/archive/lake-contents.ts'
import { freePort, Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { difference } from './contents.ts'
import { Crew, type Role } from './crew.ts'
import { LONG } from './form.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const KILLS = LONG ? 32 : 12
/** As many more, where none has come amid the protocol. */
const MOST_KILLS = 4 * KILLS
const SEED = 20_250_703
const LONGEST_MOMENT_MS = 400
const TIMEOUT_MS = 240_000

/** Who dies together, some more often than others. */
const VICTIMS: readonly (readonly Role[])[] = [
  ['first archiver'],
  ['first archiver'],
  ['first archiver'],
  ['second archiver'],
  ['first archiver', 'second archiver'],
  ['producer'],
  ['producer', 'first archiver'],
  ['dashboard'],
]

const services = inject('services')
const onServices = 'skipped' in services ? undefined : services

describe.each([
  { profile: 'embedded' as const, settings: {} },
  {
    profile: 'cluster' as const,
    settings: {
      MF_KAFKA_BROKERS: onServices?.kafka.brokers.join(',') ?? '',
      MF_HDFS_NAMENODES: onServices?.hdfs.namenodes.join(',') ?? '',
    },
  },
])('$profile', ({ profile, settings }) => {
  it.skipIf(profile === 'cluster' && !onServices)(
    `holds every event once after ${KILLS} kills and more`,
    async ({ annotate }) => {
      await using scene = await Scene.open(profile, settings)
      await scene.killAll()
      await scene.finish()
      await scene.expectAllThere()
      await annotate(scene.summary)
    },
    TIMEOUT_MS,
  )
})

class Scene {
  readonly #place: Workplace
  readonly #env: Record<string, string>
  readonly #random = new Random(SEED)
  readonly #crew: Crew
  readonly #log: EventLog
  readonly #lake: LakeStorage
  readonly #root: string
  #kills = 0
  /** Kills after which there was something in staging, and committed files among it. */
  #staged = 0
  #unpublished = 0
  #events = 0

  private constructor(place: Workplace, env: Record<string, string>, log: EventLog, lake: LakeStorage) {
    this.#place = place
    this.#env = env
    this.#log = log
    this.#lake = lake
    this.#root = lakeRoot(log.topic)
    this.#crew = new Crew(place, env, this.#random)
  }

  static async open(profile: 'embedded' | 'cluster', settings: Record<string, string>): Promise<Scene> {
    const place = await Workplace.create()
    const env = {
      ...settings,
      MF_PROFILE: profile,
      MF_TOPIC: `killed_${randomUUID()}`,
      MF_DATA_DIR: place.path('data'),
      MF_PORT: String(await freePort()),
    }
    const { config } = loadConfig({}, env)
    const log = await openLog(config)
    await log.ensureTopic()
    return new Scene(place, env, log, await openLake(config))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.close()
    await this.#lake.close()
    await this.#place.remove()
  }

  get summary(): string {
    return `${this.#kills} kills, ${this.#staged} with files in staging, ${this.#unpublished} with committed ones among them; ${this.#events} events`
  }

  async killAll(): Promise<void> {
    while (this.#kills < KILLS || (this.#staged === 0 && this.#kills < MOST_KILLS)) {
      const victims = this.#random.pick(VICTIMS)
      await this.#crew.muster()
      await this.#appendInvalid()
      // Some are to die while they start.
      if (this.#random.float() < 0.8) await this.#crew.atWork(victims)
      await sleep(this.#random.below(LONGEST_MOMENT_MS))
      await Promise.all(victims.map((role) => this.#crew.kill(role)))
      this.#kills += victims.length
      if (victims.includes('first archiver')) await this.#look()
    }
    expect(this.#staged, 'kills amid the protocol').toBeGreaterThan(0)
  }

  /** The end that every user has: the producer drains, and what is left in the log is archived. */
  async finish(): Promise<void> {
    await this.#crew.muster()
    await this.#crew.dismiss('producer')
    await this.#crew.kill('first archiver')
    await this.#crew.kill('second archiver')
    // In the group of the dead, so it has to wait for the end of their leases.
    const consumed = await this.#run('consume', '-m', 'batch', '--once', '--group', this.#crew.group)
    expect(consumed.code, consumed.stderr).toBe(0)
  }

  async expectAllThere(): Promise<void> {
    const verified = await this.#run('verify', '--deep')
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
    const { lines } = await expectLakeHoldsLog(this.#log, this.#lake, this.#root, this.summary)
    this.#events = lines.length
    expect(difference(lines, await this.#crew.acknowledged()).missing, 'acknowledged').toEqual([])
    await eventually(async () => {
      const stats = await fetch(`http://127.0.0.1:${this.#env.MF_PORT}/api/stats`)
      expect(await stats.json()).toMatchObject({ total_events: lines.length })
    }, 10_000)
  }

  #run(...args: string[]) {
    return this.#place.run(args, { env: this.#env })
  }

  async #appendInvalid(): Promise<void> {
    await this.#log.append([{ key: String(this.#kills), value: Buffer.from('{broken') }])
  }

  /** What an archiver has left behind, or the other one has under way. */
  async #look(): Promise<void> {
    const { topicId, partitions } = await this.#log.describe()
    const staged = await filesBelow(this.#lake, stagingFolder(this.#root)).next()
    if (!staged.done) this.#staged++
    const last = await Promise.all(
      [...partitions.keys()].map((partition) => lastBatch(this.#lake, this.#root, topicId, partition)),
    )
    const files = last.flatMap((batch) => batch?.files ?? [])
    const found = await Promise.all(files.map(({ path }) => this.#lake.stat(path)))
    if (found.includes(undefined)) this.#unpublished++
  }
}
