/** The processes of a whole pipeline, each the real command, to be killed and started again at any moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { Generator } from '../src/generate/generator.ts'
import { fingerprint, readLedger } from '../src/generate/ledger.ts'
import { produce } from '../src/generate/produce.ts'
import type { Random } from '../src/generate/random.ts'
import type { RunningCommand, Workplace } from '../test/cli/music-faker.ts'

export const ROLES = ['producer', 'first archiver', 'second archiver', 'dashboard'] as const
export type Role = (typeof ROLES)[number]

const START = '2025-07-03T20:00:00'
/** Of the natural flow of 15 events a second: more than archivers can commit one by one, so that they never rest. */
const SPEED = '20x'
const BATCH = '1'
/** An archiver whose group has a dead member may be given nothing for ten seconds. */
const PATIENCE_MS = 1_500

/** What each says once it has begun its work. */
const AT_WORK: Record<Role, RegExp> = {
  producer: /writing to topic/,
  'first archiver': /events? committed/,
  'second archiver': /events? committed/,
  dashboard: /the dashboard is at/,
}

/** One life of a producer. Its events are a function of its seed. */
interface Producer {
  seed: number
  ledger: string
}

export class Crew {
  readonly #place: Workplace
  readonly #env: Record<string, string>
  readonly #random: Random
  readonly #running = new Map<Role, RunningCommand>()
  readonly #killed = new WeakSet<RunningCommand>()
  readonly #producers: Producer[] = []
  #groups = 1

  constructor(place: Workplace, env: Record<string, string>, random: Random) {
    this.#place = place
    this.#env = env
    this.#random = random
  }

  /** The consumer group of the archivers that were started last. */
  get group(): string {
    return `group${this.#groups}`
  }

  /** Starts whatever does not run. */
  async muster(): Promise<void> {
    for (const role of ROLES) {
      const command = this.#running.get(role)
      if (command && command.child.exitCode === null && command.child.signalCode === null) continue
      if (command && !this.#killed.has(command)) await this.#excuse(role, command)
      this.#running.set(role, this.#place.start(this.#argumentsOf(role), { env: this.#env }))
    }
  }

  /** Waits until one of `roles` is at work, as long as that may take where nothing is wrong. */
  async atWork(roles: readonly Role[]): Promise<void> {
    const stop = new AbortController()
    const { signal } = stop
    const working = roles.map((role) =>
      this.#command(role)
        .until(({ stdout, stderr }) => AT_WORK[role].test(stdout + stderr))
        .catch(() => undefined),
    )
    await Promise.race([...working, sleep(PATIENCE_MS, undefined, { signal })]).finally(() => stop.abort())
  }

  async kill(role: Role): Promise<void> {
    const command = this.#command(role)
    this.#killed.add(command)
    command.stop('SIGKILL')
    await command.ended
  }

  /** Has one that works finish what it holds and end. Waits for one that still starts: the signal would cut it off. */
  async dismiss(role: Role): Promise<void> {
    const command = this.#command(role)
    await command.until(({ stdout, stderr }) => AT_WORK[role].test(stdout + stderr))
    command.stop('SIGTERM')
    const { code, stderr } = await command.ended
    expect(code, stderr).toBe(0)
  }

  /**
   * Every event that some producer had acknowledged: those of its seed, as many as its ledger counts. A producer that was
   * killed may have had one more lot acknowledged than it could write down.
   */
  async acknowledged(): Promise<string[]> {
    const lines: string[] = []
    for (const { seed, ledger } of this.#producers) {
      const told = await readLedger(this.#place.path(ledger))
      const values = await eventsOf(seed, told.count)
      expect(fingerprint(values), ledger).toEqual(told)
      for (const value of values) lines.push(Buffer.from(value).toString())
    }
    return lines
  }

  #command(role: Role): RunningCommand {
    const command = this.#running.get(role)
    if (!command) throw new Error(`there is no ${role}`)
    return command
  }

  #argumentsOf(role: Role): string[] {
    switch (role) {
      case 'producer':
        return this.#newProducer()
      case 'first archiver':
        // The same group waits for the dead one's lease to end; another takes over at once, also from the living.
        if (this.#random.float() < 0.7) this.#groups++
        return ['consume', '-m', 'batch', '-b', BATCH, '--max-wait', '0.2', '--group', this.group]
      case 'second archiver':
        return ['consume', '-m', 'realtime', '--group', this.group]
      case 'dashboard':
        return ['dashboard', '--group', this.group]
    }
  }

  #newProducer(): string[] {
    const seed = 1 + this.#producers.length
    const ledger = `ledger${seed}`
    this.#producers.push({ seed, ledger })
    return ['produce', '--start', START, '--speed', SPEED, '--seed', String(seed), '--ledger', ledger]
  }

  /** Only an archiver may end by itself: when one of another group has taken its partitions. */
  async #excuse(role: Role, command: RunningCommand): Promise<void> {
    const { stderr } = await command.ended
    expect(stderr, `${role} ended`).toContain('COMMIT_FENCED')
  }
}

async function eventsOf(seed: number, count: number): Promise<Uint8Array[]> {
  const values: Uint8Array[] = []
  const log = {
    append: async (messages: readonly { value: Uint8Array }[]) => void values.push(...messages.map((m) => m.value)),
  }
  await produce({ log, generator: new Generator({ seed }), count, start: Date.parse(`${START}Z`) })
  return values
}
