/** The whole system under torture: real Kafka and HDFS, and every process of this program that uses them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarFolder } from '../../src/cluster/download.ts'
import { identify, isAlive, recall } from '../../src/cluster/process.ts'
import { requireJava } from '../../src/cluster/requirements.ts'
import { runToEnd } from '../../src/cluster/run.ts'
import { hostVariables, SETTINGS_FOLDER, siteOf } from '../../src/cluster/site.ts'
import { openLog } from '../../src/profiles.ts'
import { environmentOf } from '../../src/self.ts'
import type { Config } from '../../src/settings.ts'
import { cleanEnvironment } from '../../test/cli/music-faker.ts'
import { destroy, freeConfig } from '../../test/services.ts'
import type { Produced } from '../replay.ts'
import { type Complain, Part, Service } from './victims.ts'

const PREFIX = 'music-faker-torture-'
const OWNER = 'owner.json'
const PARTS = 'parts'
const PARTITIONS = 4
/** Short, so that calls do time out whose service is frozen, and some of them have happened. */
const REQUEST_TIMEOUT_MS = 5_000
/** The first producer's; each after it begins a day later, and its events of a minute are ten hours apart. */
const FIRST_START = Date.UTC(2025, 5, 1, 20)
const DAY_MS = 86_400_000
const SPEED = 600

export interface SystemOptions {
  seed: number
  /** Events per second and producer. */
  rate: number
  /** For what the parts print. */
  out: string
  complain: Complain
}

export class System {
  readonly config: Config
  readonly #options: SystemOptions
  /** Of Kafka's and HDFS's data and of the ledgers. */
  readonly folder: string
  /** Every life of a producer. */
  readonly produced: Required<Produced>[] = []
  /** When archivers told of commits, epoch milliseconds. */
  readonly commits: number[] = []
  readonly producers: Part[]
  /** They share the partitions as one group. */
  readonly archivers: Part[]
  /** Joins that group and leaves it. */
  readonly guest: Part
  /** Of another group: takes partitions from those that hold them. */
  readonly rival: Part
  readonly dashboard: Part
  readonly kafka: Service
  readonly namenode: Service
  readonly datanode: Service
  readonly #destroyAtExit: () => void

  private constructor(options: SystemOptions, folder: string, config: Config) {
    this.config = config
    this.#options = options
    this.folder = folder
    this.kafka = new Service(config, 'kafka')
    this.namenode = new Service(config, 'namenode')
    this.datanode = new Service(config, 'datanode')
    this.producers = [1, 2].map((n) => this.#part(`producer ${n}`, /writing to topic/, () => this.#nextProducer()))
    const batches = ['-m', 'batch', '-b', '5000', '--max-wait', '2']
    this.archivers = [
      this.#part('archiver 1', /archiving topic/, () => ['consume', '-m', 'realtime']),
      this.#part('archiver 2', /archiving topic/, () => ['consume', ...batches]),
    ]
    this.guest = this.#part('archiver 3', /archiving topic/, () => ['consume', '-m', 'realtime'])
    this.rival = this.#part('rival archiver', /archiving topic/, () => ['consume', ...batches, '--group', 'rivals'])
    this.dashboard = this.#part('dashboard', /the dashboard is at/, () => ['dashboard'])
    this.#destroyAtExit = () => destroySystem(folder)
    process.once('exit', this.#destroyAtExit)
  }

  /** Starts everything but the guest and the rival, and resolves when it answers. Removes what killed tortures left. */
  static async open(options: SystemOptions): Promise<System> {
    sweep()
    const folder = mkdtempSync(join(tmpdir(), PREFIX))
    const owner = { pid: process.pid, identity: identify(process.pid), since: new Date().toISOString() }
    writeFileSync(join(folder, OWNER), JSON.stringify(owner))
    const config = {
      ...(await freeConfig(folder)),
      partitions: PARTITIONS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    }
    const system = new System(options, folder, config)
    await system.startServices()
    const log = await openLog(config)
    await log.ensureTopic()
    await log.close()
    for (const part of system.#running) await part.start()
    return system
  }

  /** Ends every process and removes all data. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [...this.#running, this.guest, this.rival]) await part.kill()
    destroySystem(this.folder)
    process.off('exit', this.#destroyAtExit)
  }

  async startServices(): Promise<void> {
    for (const service of this.services) await service.start()
  }

  get services(): Service[] {
    return [this.kafka, this.namenode, this.datanode]
  }

  get dashboardUrl(): string {
    return `http://127.0.0.1:${this.config.port}`
  }

  /** The process of each part and service that runs, by what it is. */
  processes(): { what: string; pid: number }[] {
    const what = (name: string) => name.replace(/^rival | \d+$/g, '')
    const victims = [...this.#running, this.guest, this.rival, ...this.services]
    return victims.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ what: what(name), pid }]))
  }

  /** Archives what the log still holds, as a user would at the end. @throws Error when that fails */
  async archiveRest(): Promise<void> {
    const rest = this.#part('last archiver', /archiving topic/, () => ['consume', '-m', 'batch', '--once'])
    const { code, text } = await rest.runOnce()
    if (code !== 0) throw new Error(`"consume --once" ended with ${code}:\n${text}`)
  }

  async enterSafeMode(): Promise<void> {
    await this.#admin('-safemode', 'enter')
  }

  async leaveSafeMode(): Promise<void> {
    await this.#admin('-safemode', 'leave')
  }

  get #running(): Part[] {
    return [...this.producers, ...this.archivers, this.dashboard]
  }

  #part(name: string, atWork: RegExp, args: () => string[]): Part {
    const environment = { ...cleanEnvironment(), ...environmentOf(this.config) }
    const folder = join(this.folder, PARTS)
    const { out, complain } = this.#options
    const onCommit = () => void this.commits.push(Date.now())
    return new Part({ name, atWork, args, environment, folder, out, onCommit, complain })
  }

  #nextProducer(): string[] {
    const life = this.produced.length
    const seed = (this.#options.seed + life) >>> 0
    const start = FIRST_START + life * DAY_MS
    const ledger = join(this.folder, `ledger${life}`)
    const perSecond = this.#options.rate
    this.produced.push({ seed, start, ledger, perSecond, speed: SPEED })
    return [
      ...['produce', '--start', new Date(start).toISOString().slice(0, 19), '--rate', `${perSecond}/s`],
      ...['--speed', `${SPEED}x`, '--seed', String(seed), '--ledger', ledger],
    ]
  }

  /** Runs `hdfs dfsadmin`. */
  async #admin(...args: string[]): Promise<void> {
    const path = `${join(SETTINGS_FOLDER, 'hdfs')}:${join(jarFolder('hdfs'), '*')}`
    const java = ['-XX:TieredStopAtLevel=1', '-cp', path, 'org.apache.hadoop.hdfs.tools.DFSAdmin', ...args]
    const environment = { ...process.env, ...hostVariables(siteOf(this.config)) }
    const { code, stdout, stderr } = await runToEnd(requireJava(process.env), java, { environment })
    if (code !== 0) throw new Error(`dfsadmin ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  }
}

/** Kills what runs from the folder of a torture, and removes it. */
function destroySystem(folder: string): void {
  const parts = join(folder, PARTS)
  mkdirSync(parts, { recursive: true })
  for (const name of readdirSync(parts).filter((file) => file.endsWith('.json'))) {
    const remembered = recall(join(parts, name))
    if (remembered && isAlive(remembered)) process.kill(remembered.pid, 'SIGKILL')
  }
  destroy(folder)
  rmSync(folder, { recursive: true, force: true })
}

/** Destroys what tortures left that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = recall(join(tmpdir(), name, OWNER))
    if (owner !== undefined && !isAlive(owner)) destroySystem(join(tmpdir(), name))
  }
}
