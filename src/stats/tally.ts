/** Longer names are counted, but never kept by name: producers choose them, and they end up in every total. */
export const LONGEST_NAME = 256

/** A name and its events. */
export type NamedCount = [name: string, events: number]

interface Cell {
  n: number
}

/**
 * Events by name, in bounded memory whatever names come: at most twice `limit` are held, and when they are more, the
 * rarest are folded into `other`. Names that matter come back in numbers and survive; a flood of rare ones does not
 * push them out. Names and `other` together always count every event.
 */
export class Tally {
  readonly #limit: number
  /** A Map, because `__proto__` and `constructor` are names like any other here. */
  readonly #cells = new Map<string, Cell>()
  #other = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(name: string, n = 1): void {
    const cell = this.#cells.get(name)
    if (cell) cell.n += n
    else this.#open(name, n)
  }

  addOther(n: number): void {
    this.#other += n
  }

  /** All that is held, also what `read` would count as other: to be given to `merge`. */
  encode(): { named: NamedCount[]; other: number } {
    return { named: Array.from(this.#cells, ([name, cell]): NamedCount => [name, cell.n]), other: this.#other }
  }

  merge({ named, other }: { named: readonly NamedCount[]; other: number }): void {
    for (const [name, n] of named) this.add(name, n)
    this.#other += other
  }

  /** The most frequent names first, equal ones by name (UTF-16 order); at most `limit`. */
  read(): { named: NamedCount[]; other: number } {
    const all = this.#ranked()
    let other = this.#other
    for (const [, n] of all.slice(this.#limit)) other += n
    return { named: all.slice(0, this.#limit), other }
  }

  #open(name: string, n: number): void {
    if (name.length > LONGEST_NAME) {
      this.#other += n
      return
    }
    this.#cells.set(name, { n })
    if (this.#cells.size <= this.#limit * 2) return
    for (const [rare, count] of this.#ranked().slice(this.#limit)) {
      this.#cells.delete(rare)
      this.#other += count
    }
  }

  #ranked(): NamedCount[] {
    return Array.from(this.#cells, ([name, cell]): NamedCount => [name, cell.n]).sort(byCount)
  }
}

/** Largest first, then by name: the order of every list of counts. Not by locale: the order is on disk. */
export function byCount(a: NamedCount, b: NamedCount): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1)
}
