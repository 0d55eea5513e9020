import { unlessAborted } from '../retry.ts'

/** So many things may be under way at once; who comes when all slots are taken waits in line. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Resolves once a slot is the caller's, who gives it back with `release`.
   * @param signal ends the wait: a slot that comes after that goes on to the next in line
   * @throws the signal's reason
   */
  async take(signal?: AbortSignal): Promise<void> {
    const taken = this.#next()
    if (!signal) return taken
    try {
      await unlessAborted(taken, signal)
    } catch (error) {
      void taken.then(() => this.release())
      throw error
    }
  }

  async #next(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

/** A slot that is taken at most once, and given back at most once. */
export class Turn {
  readonly #slots: Slots
  #taken: Promise<void> | undefined

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** Resolves once there is a slot. It may be waited for again, or no longer. */
  take(): Promise<void> {
    this.#taken ??= this.#slots.take()
    return this.#taken
  }

  /** A slot that is still waited for goes back as soon as it comes. */
  release(): void {
    void this.#taken?.then(() => this.#slots.release())
    this.#taken = undefined
  }
}
