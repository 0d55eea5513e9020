import { isRetryable, type MusicFakerError } from './errors.ts'

const FIRST_DELAY_MS = 50
const LONGEST_DELAY_MS = 5_000

/** The wait before try `attempt` (from 1): doubled each time, up to 5 s, spread by a third so that owners do not march in step. */
export function backoff(attempt: number, random = Math.random()): number {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 10))
  return Math.round(full * (1 - random / 3))
}

/**
 * Repeats `call` until it succeeds, for as long as its errors are retryable. A call that is under way when the signal
 * aborts is not waited for: it may still take effect.
 *
 * @param onRetry told before each wait, so that a stalled service shows
 * @throws the first error that is not retryable; the signal's reason once it aborts
 */
export async function retrying<T>(
  call: () => Promise<T>,
  options: { signal: AbortSignal; onRetry?: (error: MusicFakerError) => void },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted()
    try {
      return await unlessAborted(call(), options.signal)
    } catch (error) {
      if (!isRetryable(error)) throw error
      options.onRetry?.(error as MusicFakerError)
      await pause(backoff(attempt), options.signal)
    }
  }
}

/** The outcome of `promise`, or the signal's reason as soon as it aborts: a service that hangs must not hold up a stop. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Waits, or throws the signal's reason as soon as it aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
