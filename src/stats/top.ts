import { HashIndex } from './hash-index.ts'

/** What is counted: an artist alone, or an artist and the title of a track. */
export type Names = readonly string[]

export interface Ranked<T extends Names> {
  names: T
  /** Never too high. */
  events: number
  /** How many events the count may lack; 0 when it is exact. */
  lack: number
}

export interface Ranking<T extends Names> {
  /** The most frequent first, equal ones by name in UTF-16 order. */
  listed: Ranked<T>[]
  /** The most events that anything not listed can have. */
  most: number
}

export interface TopEntry<T extends Names> {
  names: T
  events: number
  /** The true count is from `events` to `atMost`; the two are equal unless summaries left something out. */
  atMost: number
}

export interface TopList<T extends Names> {
  /** Most frequent first, then by name. */
  entries: TopEntry<T>[]
  /** True when the entries and their counts are certain. */
  exact: boolean
}

interface Entry<T extends Names> {
  first: number
  second: number
  names: T
  n: number
  /** What `n` may lack, less the `#missed` of now. */
  lack: number
}

/**
 * The most frequent names of a stream, or of a sum of rankings, in bounded memory and with honest bounds. As in
 * Space-Saving (Metwally, Agrawal, El Abbadi, 2005), a name that comes after others were dropped may have been one of
 * them, so that its count may lack as much as the largest of those had; unlike there, counts err only downwards, and
 * the rarer half is dropped at once, as by Anderson et al. ("A high-performance algorithm for identifying frequent
 * items in data streams", 2017). While no more than `capacity` names have come, every count is exact.
 *
 * Names are told apart by their `hash64` alone, so that counting touches no string.
 */
export class TopCounter<T extends Names> {
  readonly #capacity: number
  #index = new HashIndex()
  #entries: Entry<T>[] = []
  /** The most events that a name not held can have had. */
  #absent = 0
  /** What a name that no ranking has listed may have missed in the rankings so far. */
  #missed = 0
  #most = 0
  #lack = 0
  #unnamed = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Says that what is counted from here on is another ranking's list, in which a name that is not listed may have
   * `most` events, and one that is listed `lack` more than it says. Without it, it is a stream that lacks nothing.
   */
  begin(most: number, lack: number): void {
    this.#most = most
    this.#lack = lack
    this.#missed += most
    this.#absent += most
  }

  /**
   * Counts `n` events for the name of this hash, where it is held.
   * @param lack what this very count may lack, where that is known better than for the whole list
   * @returns false where it is not: then `open` it
   */
  count(first: number, second: number, n = 1, lack = this.#lack): boolean {
    const entry = this.#entries[this.#index.find(first, second)]
    if (!entry) return false
    entry.n += n
    entry.lack -= this.#most - lack
    return true
  }

  /** Begins to count a name that is not held. */
  open(first: number, second: number, names: T, n = 1, lack = this.#lack): void {
    const before = this.#absent - this.#most
    const entry = { first, second, names, n, lack: before + lack - this.#missed }
    this.#entries[this.#index.add(first, second)] = entry
    if (this.#entries.length > this.#capacity) this.#dropRarerHalf()
  }

  /** Counts an event whose name shall never be listed. */
  countUnnamed(): void {
    this.#unnamed++
  }

  /** All that is held, in the order of its coming: given back after `begin(most, 0)`, it counts on as if never put away. */
  all(): Ranking<T> {
    const listed = this.#entries.map(({ names, n, lack }) => ({ names, events: n, lack: lack + this.#missed }))
    return { listed, most: Math.max(this.#absent, this.#unnamed) }
  }

  rank(limit: number): Ranking<T> {
    const counts = this.#counts()
    const least = counts.length > limit ? (counts[counts.length - limit] as number) : 0
    const candidates = this.#entries.filter((entry) => entry.n >= least).sort(byCount)
    let most = Math.max(this.#absent, this.#unnamed)
    for (const entry of candidates.splice(limit)) most = Math.max(most, this.#upper(entry))
    for (const entry of this.#entries) if (entry.n < least) most = Math.max(most, this.#upper(entry))
    const listed = candidates.map((entry) => ({
      names: entry.names,
      events: entry.n,
      lack: entry.lack + this.#missed,
    }))
    return { listed, most }
  }

  #dropRarerHalf(): void {
    const counts = this.#counts()
    const half = counts.length >> 1
    const middle = counts[half] as number
    let equalToDrop = half - counts.indexOf(middle)
    const entries = this.#entries
    this.#entries = []
    this.#index = new HashIndex()
    for (const entry of entries) {
      if (entry.n > middle || (entry.n === middle && equalToDrop-- <= 0)) {
        this.#entries[this.#index.add(entry.first, entry.second)] = entry
      } else {
        this.#absent = Math.max(this.#absent, this.#upper(entry))
      }
    }
  }

  #upper(entry: Entry<T>): number {
    return entry.n + entry.lack + this.#missed
  }

  /** Every count, ascending. */
  #counts(): Float64Array {
    return Float64Array.from(this.#entries, (entry) => entry.n).sort()
  }
}

function byCount(a: Entry<Names>, b: Entry<Names>): number {
  return b.n - a.n || compareNames(a.names, b.names)
}

function compareNames(a: Names, b: Names): number {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as string
    const y = b[i] as string
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
