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

const FIRST_PLACES = 256

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
  /** By the numbers of the index, as the columns below: a count is an addition to a plain array. */
  #names: T[] = []
  #events = new Float64Array(FIRST_PLACES)
  /** What a count may lack, less the `#missed` of now. */
  #lacks = new Float64Array(FIRST_PLACES)
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
    const at = this.#index.find(first, second)
    if (at < 0) return false
    this.#events[at] = (this.#events[at] as number) + n
    if (lack !== this.#most) this.#lacks[at] = (this.#lacks[at] as number) + lack - this.#most
    return true
  }

  /** Begins to count a name that is not held. */
  open(first: number, second: number, names: T, n = 1, lack = this.#lack): void {
    const before = this.#absent - this.#most
    this.#put(first, second, names, n, before + lack - this.#missed)
    if (this.#names.length > this.#capacity) this.#dropRarerHalf()
  }

  /** Counts an event whose name shall never be listed. */
  countUnnamed(): void {
    this.#unnamed++
  }

  /** All that is held, in the order of its coming: given back after `begin(most, 0)`, it counts on as if never put away. */
  all(): Ranking<T> {
    const listed = this.#names.map((_, at) => this.#ranked(at))
    return { listed, most: Math.max(this.#absent, this.#unnamed) }
  }

  rank(limit: number): Ranking<T> {
    const counts = this.#counts()
    const least = counts.length > limit ? (counts[counts.length - limit] as number) : 0
    const candidates: Ranked<T>[] = []
    let most = Math.max(this.#absent, this.#unnamed)
    for (let at = 0; at < this.#names.length; at++) {
      if ((this.#events[at] as number) >= least) candidates.push(this.#ranked(at))
      else most = Math.max(most, this.#upper(at))
    }
    const listed = candidates.sort(byCount)
    for (const { events, lack } of listed.splice(limit)) most = Math.max(most, events + lack)
    return { listed, most }
  }

  #dropRarerHalf(): void {
    const counts = this.#counts()
    const half = counts.length >> 1
    const middle = counts[half] as number
    let equalToDrop = half - counts.indexOf(middle)
    const [names, events, lacks] = [this.#names, this.#events, this.#lacks]
    const firsts = new Int32Array(names.length)
    const seconds = new Int32Array(names.length)
    this.#index.forEach((first, second, at) => {
      firsts[at] = first
      seconds[at] = second
    })
    this.#index = new HashIndex()
    this.#names = []
    this.#events = new Float64Array(events.length)
    this.#lacks = new Float64Array(events.length)
    for (let at = 0; at < names.length; at++) {
      const n = events[at] as number
      const lack = lacks[at] as number
      if (n > middle || (n === middle && equalToDrop-- <= 0)) {
        this.#put(firsts[at] as number, seconds[at] as number, names[at] as T, n, lack)
      } else {
        this.#absent = Math.max(this.#absent, n + lack + this.#missed)
      }
    }
  }

  #put(first: number, second: number, names: T, n: number, lack: number): void {
    const at = this.#index.add(first, second)
    if (at === this.#events.length) {
      this.#events = doubled(this.#events)
      this.#lacks = doubled(this.#lacks)
    }
    this.#names[at] = names
    this.#events[at] = n
    this.#lacks[at] = lack
  }

  #ranked(at: number): Ranked<T> {
    return { names: this.#names[at] as T, events: this.#events[at] as number, lack: this.#lackOf(at) }
  }

  #upper(at: number): number {
    return (this.#events[at] as number) + this.#lackOf(at)
  }

  #lackOf(at: number): number {
    return (this.#lacks[at] as number) + this.#missed
  }

  /** Every count, ascending. */
  #counts(): Float64Array {
    return this.#events.slice(0, this.#names.length).sort()
  }
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2)
  larger.set(values)
  return larger
}

function byCount(a: Ranked<Names>, b: Ranked<Names>): number {
  return b.events - a.events || compareNames(a.names, b.names)
}

function compareNames(a: Names, b: Names): number {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as string
    const y = b[i] as string
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
