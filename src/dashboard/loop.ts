/** The pace of the loops that watch the log and the lake. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Between two looks at the log, and two signs of life from the lake. */
export const WATCH_MS = 1_000
/** A look that takes longer is a failure: with the pause before it, a frozen service shows within 5 s. */
export const OVERDUE_MS = 2_500

/**
 * Runs `step` again and again, `pauseMs` after it ended, until `signal` aborts; then resolves. Steps never overlap.
 * `step` must handle its own errors: one that escapes rejects the loop.
 */
export async function repeat(pauseMs: number, signal: AbortSignal, step: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await step()
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}
