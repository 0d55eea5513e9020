/** What is said while something waits for a service: once when it begins, rarely while it lasts, once when it is over. */
import type { ErrorCode, MusicFakerError } from '../errors.ts'
import { formatDuration } from './format.ts'

const REMIND_MS = 60_000

export class WaitTalk {
  readonly #say: (line: string) => void
  readonly #waiting = new Set<string>()
  /** The kinds of trouble that have been told since the first began to wait. */
  readonly #told = new Set<ErrorCode>()
  #since = 0
  #remindAt = 0

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** A call of `who` failed and is tried again. */
  waits(who: string, error: MusicFakerError): void {
    const now = performance.now()
    if (this.#waiting.size === 0) this.#since = now
    this.#waiting.add(who)
    const reminder = this.#told.size > 0 && now >= this.#remindAt
    if (!reminder && this.#told.has(error.code)) return
    this.#told.add(error.code)
    this.#remindAt = now + REMIND_MS
    this.#say(`${who}: waiting${reminder ? ` for ${this.#span()} now` : ''}: ${error.message}`)
  }

  /** The work of `who` went on. */
  goesOn(who: string): void {
    if (this.#lastOf(who)) this.#say(`${who}: going on after ${this.#span()}`)
  }

  /** `who` waits no longer, because its work has ended or is another's now. */
  ends(who: string): void {
    this.#lastOf(who)
  }

  /** Takes `who` from those that wait; true when nobody is left. */
  #lastOf(who: string): boolean {
    if (!this.#waiting.delete(who) || this.#waiting.size > 0) return false
    this.#told.clear()
    return true
  }

  #span(): string {
    return formatDuration((performance.now() - this.#since) / 1_000)
  }
}
