/**
 * The minutes of the torture: bouts of acts at random, several at a time, none of them on a victim of another. A bout
 * begins when something was committed after the one before, so that it is always a working system that is hit, however
 * slow the machine.
 */
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../src/errors.ts'
import type { Random } from '../../src/generate/random.ts'
import { openLog } from '../../src/profiles.ts'
import type { Config } from '../../src/settings.ts'
import { type Act, decide, type Means } from './acts.ts'
import type { System } from './system.ts'
import type { Complain, Victim } from './victims.ts'

const LARGEST_BOUT = 4
/** Between the beginnings of two acts. */
const LONGEST_REST_S = 3
/** With nothing done to it the system has to commit something within this. */
const RECOVERY_MS = 180_000
const LOOK_MS = 100

/** An act as it was done. */
export interface Done {
  name: string
  victims: string[]
  /** Epoch milliseconds. */
  begin: number
  end: number
}

export interface TormentOptions {
  system: System
  random: Random
  /** Ends it: what is under way is undone before it resolves. */
  signal: AbortSignal
  /** A line of JSON for each beginning and each end of an act goes here. */
  file: string
  complain: Complain
  /** Told of each beginning. */
  report: (act: Act) => void
}

/** Resolves with all that was done, once all victims are back. */
export async function torment(options: TormentOptions): Promise<Done[]> {
  const { system, random, signal } = options
  const busy = new Set<Victim>()
  const done: Done[] = []
  const running = new Set<Promise<void>>()
  await using rubbish = await Rubbish.open(system.config)
  const means: Means = {
    system,
    random,
    wait: (seconds) => waitUnless(signal, seconds),
    appendRubbish: (count) => rubbish.append(count),
  }
  const begin = () => {
    const act = decide(means)
    if (act.victims.some((victim) => busy.has(victim))) return
    const acting = perform(act, busy, options, done).finally(() => running.delete(acting))
    running.add(acting)
  }
  while (!signal.aborted) {
    for (let left = 1 + random.below(LARGEST_BOUT); left > 0 && !signal.aborted; left--) {
      begin()
      await means.wait(random.float() * LONGEST_REST_S)
    }
    await untilItWorks(options, running)
  }
  await Promise.all(running)
  return done
}

async function perform(act: Act, busy: Set<Victim>, options: TormentOptions, done: Done[]): Promise<void> {
  const { file, complain, report } = options
  for (const victim of act.victims) busy.add(victim)
  const entry = { name: act.name, victims: act.victims.map(({ name }) => name), begin: Date.now(), end: 0 }
  note(file, { at: entry.begin, act: act.name, victims: entry.victims, seconds: act.seconds })
  report(act)
  try {
    await act.run()
  } catch (error) {
    complain(`${act.name} could not be done: ${(error as Error).message}`)
  }
  entry.end = Date.now()
  note(file, { at: entry.end, over: act.name, victims: entry.victims, took: (entry.end - entry.begin) / 1000 })
  done.push(entry)
  for (const victim of act.victims) busy.delete(victim)
}

/** Until something new is committed. */
async function untilItWorks(
  { system, signal, complain }: TormentOptions,
  running: ReadonlySet<unknown>,
): Promise<void> {
  const before = system.commits.length
  let well = performance.now()
  while (!signal.aborted && system.commits.length === before) {
    await waitUnless(signal, LOOK_MS / 1000)
    if (running.size > 0) well = performance.now()
    if (performance.now() - well < RECOVERY_MS) continue
    complain(`nothing was committed for ${RECOVERY_MS / 1000} s, though all of it runs`)
    return
  }
}

function note(file: string, { at, ...entry }: { at: number } & Record<string, unknown>): void {
  appendFileSync(file, `${JSON.stringify({ at: new Date(at).toISOString(), ...entry })}\n`)
}

async function waitUnless(signal: AbortSignal, seconds: number): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
}

/** Messages that are no events. Where the log does not take them they were never there. */
class Rubbish {
  readonly #log: Awaited<ReturnType<typeof openLog>>
  #made = 0

  private constructor(log: Awaited<ReturnType<typeof openLog>>) {
    this.#log = log
  }

  static async open(config: Config): Promise<Rubbish> {
    return new Rubbish(await openLog(config))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#log.close()
  }

  async append(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const n = this.#made++
      return { key: String(n), value: Buffer.from(RUBBISH[n % RUBBISH.length]!) }
    })
    await this.#log.append(messages).catch((error) => {
      if (!hasCode(error, 'LOG_UNREACHABLE')) throw error
    })
  }
}

const RUBBISH = ['{broken', '[]', '{"user":"eric04"}', '\xff\xfe', ' ']
