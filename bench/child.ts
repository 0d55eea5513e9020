/** Runs commands of the program, or parts of a benchmark, as processes of their own, and measures them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { environmentOf, programArguments } from '../src/self.ts'
import type { Config } from '../src/settings.ts'

export interface Measured {
  /** From the start of the process to its end. */
  elapsedMs: number
  cpuSeconds: number
  peakMiB: number
  stdout: string
}

export interface Running {
  child: ChildProcess
  /** @throws when it fails */
  ended: Promise<Measured>
}

/** Starts a command of the program, such as `['consume', '--once']`, as a user would. */
export function command(config: Config, args: readonly string[]): Running {
  return start(config, [...programArguments(), ...args])
}

/** Starts a file of this folder with the same flags, and `flags` for Node besides. */
export function part(config: Config, file: string, args: readonly string[] = [], flags: string[] = []): Running {
  return start(config, [...programArguments().slice(0, -1), ...flags, join(import.meta.dirname, file), ...args])
}

/** A benchmark that main.ts ends, as its time is over, must leave nothing behind that would take from the next one. */
const running = new Set<ChildProcess>()
process.once('SIGTERM', () => {
  for (const child of running) child.kill('SIGKILL')
  process.exit(143)
})

function start(config: Config, args: readonly string[]): Running {
  const begin = performance.now()
  const child = spawn(process.execPath, ['--import', join(import.meta.dirname, 'usage.mjs'), ...args], {
    // As the launcher sets it.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...process.env, ...environmentOf(config) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = async (): Promise<Measured> => {
    const [stdout, stderr, usage] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      text(child.stdio[3] as NodeJS.ReadableStream),
      once(child, 'close'),
    ])
    const elapsedMs = performance.now() - begin
    if (child.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${child.exitCode}: ${stderr}`)
    return { elapsedMs, stdout, ...(JSON.parse(usage) as { cpuSeconds: number; peakMiB: number }) }
  }
  return { child, ended: ended() }
}
