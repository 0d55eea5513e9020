/** One pipeline of its own, on real services: a topic, a group and a folder, and the real commands that work on them. */
import { randomUUID } from 'node:crypto'
import { expect, inject } from 'vitest'
import { type ArchiveEvent, type ArchiveOptions, archive } from '../src/archive/archiver.ts'
import { REALTIME } from '../src/archive/batch.ts'
import { isArchived } from '../src/archive/head.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { Generator } from '../src/generate/generator.ts'
import { addFingerprints, EMPTY_FINGERPRINT, fingerprint } from '../src/generate/ledger.ts'
import { produce } from '../src/generate/produce.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { freePort, type Outcome, type RunningCommand, Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { expectExactlyOnce, type OracleOptions, type Verdict } from './oracle.ts'

/** How long what has to happen may take on a slow and loaded machine. */
export const PATIENCE_MS = 60_000
/** Of the past, so that events of several days can be made at once. */
const START = '2025-07-03T20:00:00'
/** Of the events that this process makes; those of producers count from 1. */
const FIRST_SEED_HERE = 1_000_000

const services = inject('services')
/** Where real Kafka and HDFS are shared by all tests, or undefined and the reason in the title. */
export const onServices = 'skipped' in services ? undefined : services
export const skipped = 'skipped' in services ? ` (skipped: ${services.skipped})` : ''

/** The settings of the profile `cluster` on the shared services. */
export function sharedServices(): Record<string, string> {
  return {
    MF_PROFILE: 'cluster',
    MF_KAFKA_BROKERS: onServices?.kafka.brokers.join(',') ?? '',
    MF_HDFS_NAMENODES: onServices?.hdfs.namenodes.join(',') ?? '',
  }
}

export class Scene {
  readonly env: Record<string, string>
  readonly config: Config
  readonly log: EventLog
  readonly lake: LakeStorage
  readonly #place: Workplace
  readonly #ledgers: string[] = []
  /** By this process. */
  #produced = EMPTY_FINGERPRINT

  private constructor(place: Workplace, env: Record<string, string>, config: Config, log: EventLog, lake: LakeStorage) {
    this.#place = place
    this.env = env
    this.config = config
    this.log = log
    this.lake = lake
  }

  /** @param settings the profile and its services, as environment variables */
  static async open(settings: Record<string, string>): Promise<Scene> {
    const place = await Workplace.create()
    const name = `scene_${randomUUID()}`
    const env = {
      ...{ MF_TOPIC: name, MF_GROUP: name, MF_DATA_DIR: place.path('data'), MF_PORT: String(await freePort()) },
      ...settings,
    }
    const { config } = loadConfig({}, env)
    const log = await openLog(config)
    await log.ensureTopic()
    return new Scene(place, env, config, log, await openLake(config))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place.remove()
    await this.log.close()
    await this.lake.close()
  }

  get root(): string {
    return lakeRoot(this.config.topic)
  }

  /** @param line words without spaces in them */
  start(line: string, settings: Record<string, string> = {}): RunningCommand {
    return this.#place.start(line.split(' '), { env: { ...this.env, ...settings } })
  }

  run(line: string): Promise<Outcome> {
    return this.start(line).ended
  }

  /** Runs a command that has to succeed. */
  succeed(line: string): Promise<Outcome> {
    return expectCode(this.start(line), 0)
  }

  /** Starts a producer with events of its own, and a ledger that the oracle will read. */
  producer(line: string, settings: Record<string, string> = {}): RunningCommand {
    const seed = 1 + this.#ledgers.length
    const ledger = this.#place.path(`ledger${seed}`)
    this.#ledgers.push(ledger)
    return this.start(`produce --start ${START} --seed ${seed} --ledger ${ledger} ${line}`, settings)
  }

  /** Produces events as `produce -n` does, in this process. */
  async produce(count: number): Promise<void> {
    await this.log.ensureTopic()
    const generator = new Generator({ seed: FIRST_SEED_HERE + this.#produced.count })
    const onAcknowledged = (messages: readonly LogMessage[]) => {
      this.#produced = addFingerprints(this.#produced, fingerprint(messages.map(({ value }) => value)))
    }
    await produce({ log: this.log, generator, count, start: Date.parse(`${START}Z`), onAcknowledged })
  }

  /** Archives what the log holds, as `consume --once` does, in this process. Gives what it told. */
  async archive(options: Partial<ArchiveOptions> = {}): Promise<ArchiveEvent[]> {
    const events: ArchiveEvent[] = []
    await archive({
      ...{ log: this.log, lake: this.lake, root: this.root, group: this.config.group, limits: REALTIME },
      ...{ once: true, acceptGap: false, signal: new AbortController().signal },
      report: (event) => events.push(event),
      ...options,
    })
    return events
  }

  /** Waits until the lake holds all that the log holds now. */
  async untilArchived(): Promise<void> {
    const { topicId, partitions } = await this.log.describe()
    for (const [partition, { start, end }] of partitions) {
      if (end === start) continue
      await eventually(
        async () => expect(await isArchived(this.lake, this.root, topicId, partition, end), `p${partition}`).toBe(true),
        PATIENCE_MS,
      )
    }
  }

  /** Ends an archiver or a producer as SIGTERM does, well. */
  async dismiss(command: RunningCommand): Promise<void> {
    command.stop('SIGTERM')
    await expectCode(command, 0)
  }

  /** The end of every test: see there. What was appended in other ways than here is `unledgered`. */
  expectExactlyOnce(options: OracleOptions = {}): Promise<Verdict> {
    const unledgered = addFingerprints(this.#produced, options.unledgered ?? EMPTY_FINGERPRINT)
    return expectExactlyOnce(this.config, this.#ledgers, { ...options, unledgered })
  }
}

export async function expectCode(command: RunningCommand, code: number): Promise<Outcome> {
  const outcome = await command.ended
  expect(outcome.code, outcome.stderr).toBe(code)
  return outcome
}

/** How many offsets the log has given. */
export async function endOf({ log }: Scene): Promise<number> {
  const { partitions } = await log.describe()
  return partitions.values().reduce((sum, { end }) => sum + end, 0)
}

/** What the dashboard of a scene says of itself. */
export async function isReady({ env }: Scene): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${env.MF_PORT}/health/ready`)
  await response.arrayBuffer()
  return response.ok
}

/** Waits until a command has said this on stderr. */
export function told(command: RunningCommand, what: RegExp): Promise<void> {
  return command.until(({ stderr }) => what.test(stderr))
}
