/** Looks on while the system is tortured: what its dashboard says, and how much memory each part takes. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from './system.ts'
import type { Complain } from './victims.ts'

const DASHBOARD_EVERY_MS = 500
const MEMORY_EVERY_MS = 1_000
/** A dashboard that is frozen, or not there, does not answer. */
const ANSWER_MS = 5_000

export class Watch {
  readonly #system: System
  readonly #complain: Complain
  readonly #signal: AbortSignal
  readonly #peaks = new Map<string, number>()
  /** The last total that the dashboard gave: events in the lake. */
  total = 0
  readonly dashboard = { polls: 0, answers: 0 }

  /** @param signal ends it */
  constructor(system: System, complain: Complain, signal: AbortSignal) {
    this.#system = system
    this.#complain = complain
    this.#signal = signal
  }

  /** Resolves when the signal has aborted. */
  async run(): Promise<void> {
    await Promise.all([
      this.#repeat(DASHBOARD_EVERY_MS, () => this.#poll()),
      this.#repeat(MEMORY_EVERY_MS, async () => this.#measure()),
    ])
  }

  /** The most memory of any process of a kind, MiB; empty where there is no /proc. */
  get peaks(): Record<string, number> {
    return Object.fromEntries([...this.#peaks].sort(([a], [b]) => a.localeCompare(b)))
  }

  async #repeat(everyMs: number, look: () => Promise<void>): Promise<void> {
    while (!this.#signal.aborted) {
      await look()
      await sleep(everyMs, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  /** What is in the lake stays there: no dashboard may ever tell less than one before it has told. */
  async #poll(): Promise<void> {
    this.dashboard.polls++
    const total = await this.#askTotal()
    if (total === undefined) return
    this.dashboard.answers++
    if (total < this.total) this.#complain(`the dashboard's total went back from ${this.total} to ${total}`)
    this.total = total
  }

  async #askTotal(): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.#system.dashboardUrl}/api/stats`, { signal: AbortSignal.timeout(ANSWER_MS) })
      const { total_events } = (await response.json()) as { total_events?: number }
      return total_events
    } catch {
      return undefined
    }
  }

  #measure(): void {
    for (const { what, pid } of [...this.#system.processes(), { what: 'torture', pid: process.pid }]) {
      const peak = peakMiB(pid)
      if (peak !== undefined) this.#peaks.set(what, Math.max(peak, this.#peaks.get(what) ?? 0))
    }
  }
}

function peakMiB(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Math.round(Number(kib) / 1024)
  } catch {
    return undefined
  }
}
