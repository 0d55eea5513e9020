/**
 * Another process on the log file, for the tests:
 *
 *   node sqlite-process.ts append FILE TOPIC WHO LOTS    appends LOTS lots, printing after each how many messages are acknowledged
 *   node sqlite-process.ts join FILE TOPIC LEASE_MS      joins the group "g", printing +P when assigned partition P and -P when revoked
 *
 * Both end on SIGTERM.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LogMessage } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'

export const LOT = 50
const LARGE_EVERY = 97
const LARGE_BYTES = 200_000

/** Message `n` of `who`: the same bytes in every process, of many lengths, a few of them large. */
export function numbered(who: string, n: number): LogMessage {
  const filler = n % LARGE_EVERY === 0 ? LARGE_BYTES : (n * 37) % 900
  return { key: `u${n % 17}`, value: Buffer.from(`${who} ${n} ${'x'.repeat(filler)}.`) }
}

export class LogProcess {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #ended: Promise<unknown>

  constructor(...args: (string | number)[]) {
    const program = fileURLToPath(import.meta.url)
    this.#child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#exited = once(this.#child, 'exit')
    const lines = createInterface({ input: this.#child.stdout! })
    lines.on('line', (line) => this.lines.push(line))
    this.#ended = once(lines, 'close')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The exit code, or null when a signal ended it; by then `lines` is complete. */
  async exit(): Promise<number | null> {
    await Promise.all([this.#exited, this.#ended])
    return this.#child.exitCode
  }
}

// Written at once, whole: what is printed has been acknowledged even when the next instant kills the process.
function print(line: string): void {
  writeSync(1, `${line}\n`)
}

async function append(file: string, topic: string, who: string, lots: number): Promise<void> {
  const log = await openSqliteLog({ file, topic, partitions: 3 })
  await log.ensureTopic()
  for (let lot = 0; lot < lots; lot += 1) {
    await log.append(Array.from({ length: LOT }, (_, i) => numbered(who, lot * LOT + i)))
    print(String((lot + 1) * LOT))
  }
  await log.close()
}

async function join(file: string, topic: string, leaseMs: number): Promise<void> {
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const log = await openSqliteLog({ file, topic, partitions: 4, leaseMs })
  for await (const { partition, revoked } of log.join({ group: 'g', signal: stop.signal })) {
    print(`+${partition}`)
    revoked.addEventListener('abort', () => print(`-${partition}`))
  }
  await log.close()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [mode, file, topic, ...rest] = process.argv.slice(2) as [string, string, string, ...string[]]
  if (mode === 'append') await append(file, topic, rest[0]!, Number(rest[1]))
  else await join(file, topic, Number(rest[0]))
}
