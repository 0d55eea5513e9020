import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'

/** A clock whose sleeps take no time but pass all the same, late by what `lateness` says, as timers are. */
export class FakeClock implements Clock {
  readonly #begin: number
  readonly #lateness: () => number
  #elapsed = 0
  #alarm: { at: number; ring: () => void } | undefined
  sleeps = 0
  longestSleep = 0

  constructor(begin = Date.UTC(2025, 6, 3, 20), lateness: () => number = () => 0) {
    this.#begin = begin
    this.#lateness = lateness
  }

  now(): number {
    return this.#begin + this.#elapsed
  }

  elapsed(): number {
    return this.#elapsed
  }

  /** Calls `ring` when `at` ms have passed, also in the middle of a sleep. */
  setAlarm(at: number, ring: () => void): void {
    this.#alarm = { at, ring }
  }

  /** Lets time pass as if someone else had taken it. */
  pass(ms: number): void {
    this.#elapsed += ms
    this.#ringWhenDue()
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeps++
    this.longestSleep = Math.max(this.longestSleep, ms)
    await turn()
    if (signal.aborted) return
    const until = this.#elapsed + (ms > 0 ? ms + this.#lateness() : 0)
    if (this.#alarm && this.#alarm.at <= until) {
      this.#elapsed = Math.max(this.#elapsed, this.#alarm.at)
      this.#ringWhenDue()
      if (signal.aborted) return
    }
    this.#elapsed = until
  }

  #ringWhenDue(): void {
    if (!this.#alarm || this.#alarm.at > this.#elapsed) return
    const { ring } = this.#alarm
    this.#alarm = undefined
    ring()
  }
}
