/** Repeating what may pass by itself, and waiting no longer than it is worth. */
import { setTimeout as sleep } from 'node:timers/promises'
import { logError } from './kafka-errors.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/**
 * How long to wait after the n-th failure in a row (from 0): doubling from 50 ms to 1 s, less up to a quarter by chance,
 * so that clients that lost the same broker do not come back in step.
 */
export function pauseAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS) * (1 - Math.random() / 4)
}

/**
 * Repeats `attempt` while it fails with a retryable error, until `deadline` (by performance.now: the wall clock may jump) or until `signal` aborts.
 * @param what the beginning of the error message, as in `logError`
 * @throws what the last attempt failed with, as one of the project's errors; the signal's reason
 */
export async function retry<T>(
  what: string,
  deadline: number,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (cause) {
      signal?.throwIfAborted()
      const error = logError(cause, what)
      const pause = pauseAfter(failures)
      if (!error.retryable || performance.now() + pause >= deadline) throw error
      await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

/** The value of `promise`, or undefined when it takes longer than `ms` or `stop` aborts. Rejects as it does. */
export async function within<T>(ms: number, promise: Promise<T>, stop?: AbortSignal): Promise<T | undefined> {
  const enough = new AbortController()
  const signal = stop === undefined ? enough.signal : AbortSignal.any([stop, enough.signal])
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal }).catch(() => undefined)])
  } finally {
    enough.abort()
  }
}
