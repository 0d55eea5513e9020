import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../src/clock.ts'

/** A clock that stands still until it is told to go on; then all whose time has come wake up. */
export class SteppedClock implements Clock {
  readonly #begin: number
  #elapsed = 0
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()

  /** @param begin epoch milliseconds */
  constructor(begin: number) {
    this.#begin = begin
  }

  now(): number {
    return this.#begin + this.#elapsed
  }

  elapsed(): number {
    return this.#elapsed
  }

  /** How many wait for their time. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0) return turn()
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    const sleeper = { until: this.#elapsed + ms, wake }
    this.#sleepers.add(sleeper)
    signal.addEventListener('abort', wake)
    await promise
    signal.removeEventListener('abort', wake)
    this.#sleepers.delete(sleeper)
  }

  goOn(ms: number): void {
    this.#elapsed += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#elapsed) continue
      // At once: who counts those that wait must not count it.
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}
