/** Runs the real command line in a process and a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  /** Options of Node itself. */
  nodeOptions?: readonly string[]
}

/** A folder to work in: the data of the embedded profile is in it, and configuration files are looked for there. */
export class Workplace {
  readonly folder: string
  readonly #running = new Set<ChildProcess>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), 'mf-cli-')))
  }

  /** Kills what still runs, and removes the folder. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Kills what still runs. */
  async kill(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async (child) => {
        const exit = once(child, 'exit')
        child.kill('SIGKILL')
        await exit
      }),
    )
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Runs a command to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.start(args, options).ended
  }

  /** Starts a command that goes on. */
  start(args: readonly string[], options: RunOptions = {}): RunningCommand {
    const child = spawn(process.execPath, [...(options.nodeOptions ?? []), MAIN, ...args], {
      cwd: this.folder,
      env: { ...cleanEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return new RunningCommand(child)
  }
}

/** How long a command may take to say what is waited for, or to end when it was told to. */
const PATIENCE_MS = 45_000

export class RunningCommand {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  stdout = ''
  stderr = ''
  #over = false

  constructor(child: ChildProcess) {
    this.child = child
    child.once('close', () => {
      this.#over = true
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = once(child, 'close').then(([code]) => ({ code, stdout: this.stdout, stderr: this.stderr }))
  }

  /**
   * Resolves once the condition holds, which is asked whenever there is output; rejects, and tells what there was, if the
   * command has ended without it or is silent about it for too long.
   */
  async until(condition: (command: RunningCommand) => boolean): Promise<void> {
    const late = AbortSignal.timeout(PATIENCE_MS)
    while (!condition(this)) {
      if (this.#over) throw this.#wrong('ended before it was as expected')
      const heard = new AbortController()
      const signal = AbortSignal.any([heard.signal, late])
      await Promise.race([
        once(this.child.stdout as NodeJS.EventEmitter, 'data', { signal }),
        once(this.child.stderr as NodeJS.EventEmitter, 'data', { signal }),
        once(this.child, 'close', { signal }),
      ]).catch(() => {
        throw this.#wrong('is not as expected yet')
      })
      heard.abort()
    }
  }

  /** Waits for the end of a command that was told to end; rejects, and tells what there was, if it does not. */
  async end(): Promise<Outcome> {
    const late = new AbortController()
    const outcome = await Promise.race([this.ended, sleep(PATIENCE_MS, undefined, { signal: late.signal })])
    late.abort()
    if (!outcome) throw this.#wrong('does not end')
    return outcome
  }

  #wrong(what: string): Error {
    return new Error(`${this.child.spawnargs.slice(2).join(' ')}: ${what}; it said:\n${this.stdout}\n${this.stderr}`)
  }

  stop(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** The environment without settings of the person who runs the tests. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('MF_') && !/^(NO|FORCE)_COLOR$/.test(name)),
  )
}

/** Lines of JSON, or one document. */
export function jsonLines(text: string): unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}
