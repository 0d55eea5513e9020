/**
 * Processes that outlive the command that starts them, remembered in a file:
 *
 *   {"pid":4711,"identity":"<boot id>/<start time>","since":"2026-01-31T10:00:00.000Z"}
 *
 * A pid alone is not enough: the system gives it to another program later. `identity` names one life of one process,
 * so that no other program is ever taken for ours, let alone stopped.
 */
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'

export interface Remembered {
  pid: number
  identity: string
  /** ISO 8601, UTC. */
  since: string
}

/**
 * Starts a program in a session of its own, so that closing the terminal does not end it.
 * Its output goes to `output`, emptied first. Resolves once it runs, which says nothing about it being ready.
 * @throws CLUSTER_FAILED when it cannot be started
 */
export async function startDetached(program: {
  command: string
  args: string[]
  environment: NodeJS.ProcessEnv
  folder: string
  output: string
  pidFile: string
}): Promise<Remembered> {
  const output = openSync(program.output, 'w')
  try {
    const child = spawn(program.command, program.args, {
      cwd: program.folder,
      env: program.environment,
      detached: true,
      stdio: ['ignore', output, output],
    })
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    const remembered = {
      pid: child.pid ?? 0,
      identity: identify(child.pid ?? 0) ?? '',
      since: new Date().toISOString(),
    }
    mkdirSync(dirname(program.pidFile), { recursive: true })
    writeFileSync(program.pidFile, `${JSON.stringify(remembered)}\n`)
    return remembered
  } catch (cause) {
    throw new MusicFakerError('CLUSTER_FAILED', `cannot start ${program.command}: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    closeSync(output)
  }
}

/** The process that a file remembers, whether it still runs or not. A missing or broken file remembers none. */
export function recall(pidFile: string): Remembered | undefined {
  try {
    const { pid, identity, since } = JSON.parse(readFileSync(pidFile, 'utf8')) as Partial<Remembered>
    return pid !== undefined && identity && since !== undefined ? { pid, identity, since } : undefined
  } catch {
    return undefined
  }
}

/** True while the very process that was remembered runs. */
export function isAlive(process: Remembered): boolean {
  return identify(process.pid) === process.identity
}

/**
 * Asks a process to end, waits up to `timeoutMs`, then kills it. Does nothing to a process that is not the remembered one.
 * @returns how it went
 * @throws CLUSTER_FAILED when it belongs to another user
 */
export async function stopProcess(target: Remembered, timeoutMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!isAlive(target)) return 'gone'
  send(target, 'SIGTERM')
  if (await endsWithin(target, timeoutMs)) return 'ended'
  send(target, 'SIGKILL')
  await endsWithin(target, 5_000)
  return 'killed'
}

export function forget(pidFile: string): void {
  rmSync(pidFile, { force: true })
}

/** Names this life of a process; undefined when there is no such process, or it has ended and only waits to be reaped. */
export function identify(pid: number): string | undefined {
  if (process.platform !== 'linux') {
    // It prints local time, in the words of the locale: the next command may have others.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    const started = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env }).stdout?.trim()
    return started ? started : undefined
  }
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in the second field may hold spaces and parentheses. After it come the state, then 16 fields, the number
    // of threads, one field, and the start time. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    const [state, threads, start] = [fields[0], Number(fields[17]), fields[19]]
    // The first thread of a dying JVM is a zombie while others still hold its ports.
    const ended = (state === 'Z' || state === 'X') && threads <= 1
    return ended ? undefined : `${boot}/${start}`
  } catch {
    return undefined
  }
}

function send({ pid }: Remembered, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    // It may have ended since it was looked at.
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new MusicFakerError('CLUSTER_FAILED', `cannot stop process ${pid}: ${(cause as Error).message}`, {
      cause,
      next: 'It was started by another user: stop it as that user.',
    })
  }
}

async function endsWithin(target: Remembered, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(target)) {
    if (Date.now() >= deadline) return false
    await delay(50)
  }
  return true
}
