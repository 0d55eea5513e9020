/**
 * Who does something next: a timing wheel. Its slots of half a second are lists of the listeners whose plans fall
 * due then, so planning, dropping and taking cost the same however many plans there are; time that passes costs a look at
 * each slot, as long as there are plans. Each listener has at most one plan.
 * Source: G. Varghese and A. Lauck, "Hashed and hierarchical timing wheels", 1987 (scheme 6).
 */

const SLOT_MS = 500
/** A power of two, and more than the longest track has: 4,096 s. */
const SLOTS = 8_192

export class Agenda {
  /**
   * Circular lists, linked both ways, so that nothing depends on where in its list a plan stands: of the listener with that
   * number, and behind the listeners, of the slots, which are the heads of their lists.
   */
  readonly #next: Uint32Array
  readonly #previous: Uint32Array
  readonly #slots: number
  #plans = 0
  /** The slot, counted from the epoch, before which nothing is planned. */
  #slot = 0

  /** @param listeners how many there are */
  constructor(listeners: number) {
    this.#slots = listeners
    this.#next = Uint32Array.from({ length: listeners + SLOTS }, (_, i) => i)
    this.#previous = this.#next.slice()
  }

  /** Plans something for `who`, who must have no plan, at most 4,000 s after the time that was taken last. */
  plan(who: number, atMs: number): void {
    const slot = this.#slots + (Math.max(this.#slot, Math.floor(atMs / SLOT_MS)) & (SLOTS - 1))
    const last = this.#previous[slot] as number
    this.#next[last] = who
    this.#previous[who] = last
    this.#next[who] = slot
    this.#previous[slot] = who
    this.#plans++
  }

  /** Drops the plan of `who`, who must have one. */
  drop(who: number): void {
    const next = this.#next[who] as number
    const previous = this.#previous[who] as number
    this.#next[previous] = next
    this.#previous[next] = previous
    this.#plans--
  }

  /** Takes the earliest plan that is due before the slot of `atMs`. @returns whose it was; -1 where none is */
  take(atMs: number): number {
    const now = Math.floor(atMs / SLOT_MS)
    while (this.#slot < now && this.#plans > 0) {
      const slot = this.#slots + (this.#slot & (SLOTS - 1))
      const who = this.#next[slot] as number
      if (who !== slot) {
        this.drop(who)
        return who
      }
      this.#slot++
    }
    this.#slot = Math.max(this.#slot, now)
    return -1
  }
}
