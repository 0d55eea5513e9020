/** A shell in a folder of its own, into which command lines are typed as users type them, quotes and all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { cleanEnvironment, jsonLines, MAIN, type Outcome, RunningCommand, Workplace } from '../cli/music-faker.ts'

const CLONE = fileURLToPath(new URL('../../', import.meta.url))
/** A drain may take 10 s; after that the command leaves by itself. */
const LEAVE_MS = 15_000

/** Settings by environment variable. */
export type Settings = Readonly<Record<string, string>>

export class Shell {
  readonly place: Workplace
  /** Of every command that is typed here. */
  readonly settings: Settings
  readonly #running = new Set<RunningCommand>()

  private constructor(place: Workplace, settings: Settings) {
    this.place = place
    this.settings = settings
  }

  static async open(settings: Settings = {}): Promise<Shell> {
    return new Shell(await Workplace.create(), settings)
  }

  /**
   * Types a line: the words after `music-faker`, or a script of the clone, such as `./start_services.sh`. The launcher
   * looks for changes of the page first, which would take long when all of them did it at once.
   */
  start(line: string, settings: Settings = {}): RunningCommand {
    // With exec the signals go to the command itself.
    const script = line.startsWith('./') ? `exec "$0"${line.slice(2)}` : `exec "$1" "$2" ${line}`
    const child = spawn('sh', ['-c', script, CLONE, process.execPath, MAIN], {
      cwd: this.place.folder,
      env: { ...cleanEnvironment(), ...this.settings, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const command = new RunningCommand(child)
    this.#running.add(command)
    child.once('exit', () => this.#running.delete(command))
    return command
  }

  /** Types a line and waits for its end. */
  run(line: string, settings: Settings = {}): Promise<Outcome> {
    return this.start(line, settings).ended
  }

  /** Types a line that has to succeed; gives what it printed on stdout. */
  async output(line: string, settings: Settings = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, settings)
    expect(code, `${line}\n${stderr}`).toBe(0)
    return stdout
  }

  /** Types a line that has to succeed and prints one JSON document. */
  async document<T>(line: string, settings: Settings = {}): Promise<T> {
    return JSON.parse(await this.output(`${line} --json`, settings)) as T
  }

  /** Types a line that has to succeed and prints lines of JSON. */
  async rows<T>(line: string, settings: Settings = {}): Promise<T[]> {
    return jsonLines(await this.output(`${line} --json`, settings)) as T[]
  }

  /** Stops what still runs as Ctrl-C does, so that it stops what it has started itself. */
  async quit(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async ({ child }) => {
        const exit = once(child, 'exit')
        const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS)
        child.kill('SIGINT')
        await exit
        clearTimeout(timer)
      }),
    )
  }

  /** Quits, and removes the folder. */
  async close(): Promise<void> {
    await this.quit()
    await this.place.remove()
  }
}

/** Presses Ctrl-C once: the command has to end with exit code 0. Gives what it printed on stdout. */
export async function interrupt(command: RunningCommand): Promise<string> {
  command.stop('SIGINT')
  const { code, stdout, stderr } = await command.ended
  expect(code, stderr).toBe(0)
  expect(stderr).toContain('stopping')
  return stdout
}

/** The lines of a text that ends with a line feed, in byte order, so that two can be compared as multisets. */
export function sortedLines(text: string): string[] {
  return linesOf(text).sort()
}

/** The lines of a text, the last of which must be finished. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  return lines
}

/** Waits until the condition holds, asking again and again; a failing expectation counts as not yet. */
export function eventually<T>(condition: () => Promise<T>, withinMs = 60_000): Promise<T> {
  return vi.waitFor(condition, { timeout: withinMs, interval: 100 })
}
