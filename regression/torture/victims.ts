/** What can be killed, frozen and restarted: processes of this program, and the services that it stands on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { down, type ServiceName, up } from '../../src/cluster/cluster.ts'
import { identify, isAlive, recall } from '../../src/cluster/process.ts'
import { pidFile, siteOf } from '../../src/cluster/site.ts'
import { hasCode } from '../../src/errors.ts'
import { programArguments } from '../../src/self.ts'
import type { Config } from '../../src/settings.ts'

export interface Victim {
  readonly name: string
  /** Of its process; undefined while there is none. */
  readonly pid: number | undefined
  /** Starts it where it does not run. */
  start(): Promise<void>
  /** SIGKILL. Whoever does this starts it again. */
  kill(): Promise<void>
  /** SIGTERM or SIGINT, and waits for its end, which must be a good one. Whoever does this starts it again. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** SIGSTOP: it neither works nor refuses to. */
  freeze(): void
  thaw(): void
}

/** Told of whatever should not have happened. */
export type Complain = (what: string) => void

/** A process may take this long from SIGTERM to its end: it gives itself 10 s, and the machine is busy. */
const STOP_MS = 20_000
const TAIL = 20_000
/** A supervisor that starts at once would spin where the start fails. */
const RESTART_MS = 500

export interface PartOptions {
  name: string
  args: () => string[]
  environment: NodeJS.ProcessEnv
  /** For the file that remembers its process. */
  folder: string
  /** For what it prints. */
  out: string
  /** What it says once it has begun its work. */
  atWork: RegExp
  /** It has told of a commit, or of several. */
  onCommit: () => void
  complain: Complain
}

/** A process of this program, started again whenever it ends by itself. */
export class Part implements Victim {
  readonly #options: PartOptions
  #child: ChildProcess | undefined
  #wanted = false
  #tail = ''
  #restart: NodeJS.Timeout | undefined
  #lives = 0

  constructor(options: PartOptions) {
    this.#options = options
    for (const folder of [options.folder, options.out]) mkdirSync(folder, { recursive: true })
  }

  get name(): string {
    return this.#options.name
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    clearTimeout(this.#restart)
    this.#wanted = true
    if (this.#child) return
    const { args, environment, folder } = this.#options
    this.#lives++
    this.#tail = ''
    // A group of its own: Ctrl-C at the terminal is for the torture, not for its parts.
    const child = spawn(process.execPath, [...programArguments(), ...args()], {
      env: environment,
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => this.#said(text))
    child.once('close', (code, signal) => this.#ended(child, code, signal))
    this.#said(`---- life ${this.#lives}, pid ${child.pid}, ${new Date().toISOString()}\n`)
    const remembered = { pid: child.pid, identity: identify(child.pid ?? 0), since: new Date().toISOString() }
    writeFileSync(join(folder, `${this.#file}.json`), JSON.stringify(remembered))
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const works = await this.#comesToWork()
    this.#rest()
    if (!works) return
    const begin = performance.now()
    const code = await this.#end(signal)
    const seconds = (performance.now() - begin) / 1000
    if (seconds > STOP_MS / 1000) this.#complain(`took ${seconds.toFixed(1)} s to end after ${signal}`)
    if (code !== 0 && !this.#excused(code)) this.#complain(`ended with ${code} after ${signal}:\n${this.#lastWords()}`)
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Runs it once to its end; resolves with its exit code and the end of what it printed. */
  async runOnce(): Promise<{ code: number | null; text: string }> {
    await this.start()
    this.#wanted = false
    const [code] = await once(this.#child!, 'close')
    return { code, text: this.#lastWords() }
  }

  /** Resolves false where it ended before it came to that. */
  async #comesToWork(): Promise<boolean> {
    while (this.#child && !this.#options.atWork.test(this.#tail)) await sleep(50)
    return this.#child !== undefined
  }

  /** It is not started again by itself. */
  #rest(): void {
    clearTimeout(this.#restart)
    this.#wanted = false
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.#rest()
    const child = this.#child
    if (!child) return 0
    const closed = once(child, 'close')
    child.kill(signal)
    const [code] = await closed
    return code
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child === child) this.#child = undefined
    this.#said(`---- ended: ${code ?? signal}\n`)
    if (!this.#wanted) return
    if (!this.#excused(code)) this.#complain(`ended by itself with ${code ?? signal}:\n${this.#lastWords()}`)
    this.#restart = setTimeout(() => void this.start(), RESTART_MS)
  }

  /**
   * Three ends are right ones: of an archiver whose partitions one of another group has taken; of a command that found
   * no service, or whose lot the log did not take; and of a producer that was told to stop while the log was away.
   */
  #excused(code: number | null): boolean {
    if (code === 143) return this.name.startsWith('producer') && this.#tail.includes('still not done after 10 s')
    return (code === 1 && this.#tail.includes('COMMIT_FENCED')) || code === 69
  }

  #said(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL)
    if (/events? committed/.test(text)) this.#options.onCommit()
    appendFileSync(join(this.#options.out, `${this.#file}.log`), text)
  }

  #lastWords(): string {
    return this.#tail.slice(-1_500)
  }

  #complain(what: string): void {
    this.#options.complain(`${this.name} ${what}`)
  }

  get #file(): string {
    return this.name.replaceAll(' ', '-')
  }
}

/** Kafka, the NameNode or the DataNode. */
export class Service implements Victim {
  readonly name: ServiceName
  readonly #config: Config

  constructor(config: Config, name: ServiceName) {
    this.#config = config
    this.name = name
  }

  get pid(): number | undefined {
    const process = recall(pidFile(siteOf(this.#config), this.name))
    return process && isAlive(process) ? process.pid : undefined
  }

  /** Resolves once it answers. A busy machine may need more than the time that one call gives it. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await up(this.#config, { ...quiet(), services: [this.name], engine: 'jvm' })
        return
      } catch (error) {
        if (!hasCode(error, 'CLUSTER_FAILED') || attempt === 3) throw error
      }
    }
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    while (this.pid !== undefined) await sleep(20)
  }

  async stop(): Promise<void> {
    await down(this.#config, { ...quiet(), services: [this.name] })
  }

  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this
    if (pid !== undefined) process.kill(pid, signal)
  }
}

export function quiet() {
  return { report: () => undefined, signal: new AbortController().signal }
}
