/**
 * Whether a dependency answers, as seen by calls that are made anyway.
 *
 * Each call is reported as begun and then as ended; a call that has not ended after `overdueMs` counts as a failure while
 * it hangs, so that a frozen service is noticed as soon as a refused one.
 */
import { MusicFakerError } from '../errors.ts'
import type { Dependencies, DependencyHealth, Health } from './api.ts'

export class Dependency {
  readonly #overdueMs: number
  readonly #unknown: string
  #state: 'unknown' | 'ok' | 'failed' = 'unknown'
  #since: number
  #reason: { reason: string; next?: string } | undefined
  #pending: number | undefined

  /**
   * @param now     epoch milliseconds; from here to its first success the dependency counts as failed
   * @param unknown the reason that is given for it meanwhile
   */
  constructor(now: number, overdueMs: number, unknown: string) {
    this.#since = now
    this.#overdueMs = overdueMs
    this.#unknown = unknown
  }

  begun(now: number): void {
    this.#pending = now
  }

  succeeded(now: number): void {
    // A call that hung was a failure until now, although none was reported.
    const hung = this.#overdue(now)
    this.#pending = undefined
    if (this.#state !== 'ok' || hung) this.#since = now
    this.#state = 'ok'
    this.#reason = undefined
  }

  failed(now: number, error: unknown): void {
    const hung = this.#overdue(now) ? this.#pending : undefined
    this.#pending = undefined
    if (this.#state !== 'failed') this.#since = hung ?? now
    this.#state = 'failed'
    this.#reason = inWords(error)
  }

  at(now: number): DependencyHealth {
    if (this.#state === 'failed') return { state: 'failed', since: iso(this.#since), ...this.#reason }
    if (this.#overdue(now)) {
      const since = this.#pending ?? now
      return { state: 'failed', since: iso(since), reason: `no answer since ${iso(since)}` }
    }
    if (this.#state === 'unknown') return { state: 'failed', since: iso(this.#since), reason: this.#unknown }
    return { state: 'ok', since: iso(this.#since) }
  }

  #overdue(now: number): boolean {
    return this.#pending !== undefined && now - this.#pending > this.#overdueMs
  }
}

/** The health of something that is well only when both are: the first that fails, else the one that was mended last. */
export function both(a: DependencyHealth, b: DependencyHealth): DependencyHealth {
  if (a.state === 'failed') return a
  if (b.state === 'failed') return b
  return a.since > b.since ? a : b
}

/** What `/health` answers. */
export function healthOf(profile: string, dependencies: Dependencies): Health {
  const ok = dependencies.log.state === 'ok' && dependencies.lake.state === 'ok'
  return { status: ok ? 'ok' : 'failed', profile, dependencies }
}

function inWords(error: unknown): { reason: string; next?: string } {
  if (!(error instanceof MusicFakerError)) return { reason: 'unexpected failure; the log of the dashboard says more' }
  return error.next === undefined ? { reason: error.message } : { reason: error.message, next: error.next }
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
