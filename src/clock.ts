/** The time of day, and waits that go by it, so that tests can run them fast. */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

export interface Clock {
  /** Epoch milliseconds. May jump when the machine's clock is set. */
  now(): number
  /** Milliseconds since some moment; never goes back. */
  elapsed(): number
  /**
   * Resolves after `ms` or when `signal` aborts, whichever is first; never rejects. A wait of 0 still lets timers,
   * sockets and signal handlers have their turn.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms, signal) {
    if (ms <= 0) return turn()
    await delay(Math.ceil(ms), undefined, { signal }).catch(() => {})
  },
}
