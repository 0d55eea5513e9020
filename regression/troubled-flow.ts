/**
 * A whole pipeline of real commands on a lake that has trouble: a producer that never rests, an archiver and a dashboard.
 * Each trouble has to show, to move no offset, and to be over by itself once its cause is gone.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { isArchived } from '../src/archive/head.ts'
import { lakeRoot, stagingFolder } from '../src/archive/layout.ts'
import { loadConfig } from '../src/config.ts'
import { healthSchema } from '../src/dashboard/api.ts'
import { readLedger } from '../src/generate/ledger.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { filesBelow } from '../test/archive/lake-contents.ts'
import { freePort, type RunningCommand, type Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { expectExactlyOnce } from './oracle.ts'

/** In one batch of a partition so many bytes that a file streams into the lake while it is filled. */
const RATE = '2500/s'
const MAX_WAIT_S = '2'
const PARTITIONS = '2'
/** Produced during each trouble. */
const LOT = 2_000
/** For services that start again on a machine that has other things to do. */
export const PATIENCE_MS = 180_000

export class TroubledFlow {
  readonly #place: Workplace
  readonly config: Config
  readonly #env: Record<string, string>
  /** Where the archiver tells of its health. */
  readonly #archiverPort: number
  readonly #log: EventLog
  readonly #lake: LakeStorage
  readonly #root: string
  readonly #producer: RunningCommand
  readonly #dashboard: RunningCommand
  archiver: RunningCommand
  #failure: Error | undefined

  private constructor(
    place: Workplace,
    env: Record<string, string>,
    archiverPort: number,
    config: Config,
    log: EventLog,
    lake: LakeStorage,
  ) {
    this.#place = place
    this.config = config
    this.#env = env
    this.#archiverPort = archiverPort
    this.#log = log
    this.#lake = lake
    this.#root = lakeRoot(log.topic)
    this.#producer = this.#start('produce', '--rate', RATE, '--ledger', 'ledger')
    this.archiver = this.#startArchiver()
    this.#dashboard = this.#start('dashboard')
  }

  /**
   * @param place    whose owner removes it in the end
   * @param settings where the log and the lake are
   */
  static async start(place: Workplace, settings: Record<string, string>): Promise<TroubledFlow> {
    const env = {
      MF_TOPIC: `trouble_${randomUUID()}`,
      MF_DATA_DIR: place.path('data'),
      MF_PARTITIONS: PARTITIONS,
      MF_PORT: String(await freePort()),
      MF_REQUEST_TIMEOUT: '3000',
      ...settings,
    }
    const { config } = loadConfig({}, env)
    const log = await openLog(config)
    await log.ensureTopic()
    const flow = new TroubledFlow(place, env, await freePort(), config, log, await openLake(config))
    await flow.#dashboard.until(({ stdout }) => stdout.includes('the dashboard is at'))
    await flow.archivedUpToNow()
    return flow
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place.kill()
    await this.#log.close()
    await this.#lake.close()
  }

  /** Where the archiver's talk has come to. */
  mark(): number {
    return this.archiver.stderr.length
  }

  /** Waits until the archiver has said so, after `mark`. */
  says(what: RegExp, mark: number): Promise<void> {
    return this.#until(() => expect(this.archiver.stderr.slice(mark)).toMatch(what))
  }

  /** Waits until the dashboard tells this of the lake: its state and, of a failed one, the reason. */
  healthOfLake(what: RegExp): Promise<void> {
    return this.#until(async () => expect(await lakeAt(Number(this.#env.MF_PORT))).toMatch(what))
  }

  /** The same of the archiver, which writes, and so knows more than who only reads. */
  healthOfArchiver(what: RegExp): Promise<void> {
    return this.#until(async () => expect(await lakeAt(this.#archiverPort)).toMatch(what))
  }

  /** Fails unless the group's offsets stay where they are while events keep coming. */
  async nothingMoves(): Promise<void> {
    const { group } = this.config
    // A commit that had just succeeded may still be on its way to the log.
    await sleep(500)
    const before = await this.#log.committed(group)
    const { count } = await readLedger(this.#place.path('ledger'))
    await this.#until(async () => {
      expect((await readLedger(this.#place.path('ledger'))).count).toBeGreaterThan(count + LOT)
    })
    expect(await this.#log.committed(group)).toEqual(before)
  }

  /** Tells the archiver to stop, which it must do in time and without a failure. */
  stopArchiver(): Promise<void> {
    return this.#stop(this.archiver)
  }

  /** Ends the archiver as a power cut does. */
  async killArchiver(): Promise<void> {
    this.archiver.stop('SIGKILL')
    await this.archiver.ended
  }

  /** Starts another. It needs a lake that answers, or it ends at once. */
  restartArchiver(): void {
    this.archiver = this.#startArchiver()
  }

  /** Waits until a batch streams into the lake, and gives its files. */
  async midWrite(): Promise<string[]> {
    let staged: string[] = []
    await this.#until(async () => {
      staged = (await this.staged()).filter((path) => path.endsWith('.jsonl'))
      expect(staged).not.toEqual([])
    })
    return staged
  }

  /** What is in the staging folder. */
  async staged(): Promise<string[]> {
    const paths: string[] = []
    for await (const { path } of filesBelow(this.#lake, stagingFolder(this.#root))) paths.push(path)
    return paths
  }

  /** Waits until the lake holds what the log holds at the time of the call. */
  async archivedUpToNow(): Promise<void> {
    const { topicId, partitions } = await this.#log.describe()
    await this.#until(async () => {
      for (const [partition, { start, end }] of partitions) {
        const there = end === start || (await isArchived(this.#lake, this.#root, topicId, partition, end))
        expect(there, `partition ${partition} up to ${end}`).toBe(true)
      }
    })
  }

  /** Ends the producer, then the archiver, as their user does, and holds the lake against the ledger. */
  async finish(): Promise<void> {
    await this.#stop(this.#producer)
    await this.archivedUpToNow()
    await this.#stop(this.archiver)
    const dashboard = `http://127.0.0.1:${this.#env.MF_PORT}`
    await expectExactlyOnce(this.config, [this.#place.path('ledger')], { dashboard, quarantined: 0 })
  }

  async #stop(command: RunningCommand): Promise<void> {
    command.stop('SIGTERM')
    const { code, stderr } = await command.ended
    expect(code, stderr).toBe(0)
  }

  /** As `eventually`, and the archiver is heard. After a first failure nothing is waited for any more. */
  async #until(check: () => void | Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure
    await eventually(check, PATIENCE_MS).catch((cause: Error) => {
      const said = this.archiver.stderr.slice(-3_000)
      this.#failure = new Error(`${cause.message}\nthe archiver said:\n${said}`, { cause })
      throw this.#failure
    })
  }

  #startArchiver(): RunningCommand {
    const health = ['--metrics-port', String(this.#archiverPort)]
    return this.#start('consume', '-m', 'batch', '--max-wait', MAX_WAIT_S, ...health)
  }

  #start(...args: string[]): RunningCommand {
    return this.#place.start(args, { env: this.#env })
  }
}

/** What `/health` of a port of this machine tells of the lake: its state and, of a failed one, the reason. */
export async function lakeAt(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`)
  const { state, reason = '' } = healthSchema.parse(await answer.json()).dependencies.lake
  return `${state} ${reason}`
}
