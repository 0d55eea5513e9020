/** Keeps the newest `limit` items, whatever the order in which they come. */
export class Newest<T> {
  readonly #limit: number
  /** Newest first; of equal times, the one that came later. */
  readonly #items: { time: number; item: T }[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(time: number, item: T): void {
    const at = this.#items.findIndex((other) => other.time <= time)
    this.#items.splice(at === -1 ? this.#items.length : at, 0, { time, item })
    if (this.#items.length > this.#limit) this.#items.pop()
  }

  /** Takes out those that are wanted, newest first. */
  take(wanted: (item: T) => boolean): { time: number; item: T }[] {
    const taken = this.#items.filter(({ item }) => wanted(item))
    if (taken.length > 0) this.#items.splice(0, this.#items.length, ...this.#items.filter(({ item }) => !wanted(item)))
    return taken
  }

  /** At most `limit` of them, newest first. */
  read(limit: number): T[] {
    return this.#items.slice(0, limit).map(({ item }) => item)
  }
}
