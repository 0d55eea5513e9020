/** Time that does not pass by itself: for tests with fake timers. */
import { vi } from 'vitest'

/** Lets timers run, the next as soon as nothing else is left to do, until the promise settles. */
export async function passTime<T>(promise: Promise<T>): Promise<T> {
  let over = false
  const done = () => {
    over = true
  }
  promise.then(done, done)
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    if (!over) await vi.advanceTimersToNextTimerAsync()
  }
  return promise
}
