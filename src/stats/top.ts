import { byCount, LONGEST_NAME, type NamedCount } from './tally.ts'

interface Cell {
  n: number
  /** What `n` may lack, less all that any name may have missed since the beginning: see `#missed`. */
  lack: number
}

export interface Ranking {
  /** The most frequent names first, equal ones by name. Counts are never too high. */
  listed: NamedCount[]
  /** For each listed name, how many events its count may lack; 0 when it is exact. */
  lacks: number[]
  /** The most events that any name not listed can have. */
  most: number
}

/**
 * The most frequent names of a stream or of a sum of rankings, in bounded memory, with honest bounds: like Space-Saving
 * (Metwally, Agrawal, El Abbadi, 2005) a name that comes after others were dropped may have been one of them, so that
 * its count may lack as much as the largest of those had; unlike it, counts are kept from below and dropped in bulk, the
 * rarer half at once, as Anderson et al. do ("A high-performance algorithm for identifying frequent items", 2017).
 * While no more than `capacity` names have come, every count is exact.
 */
export class TopCounter {
  readonly #capacity: number
  readonly #longest: number
  readonly #cells = new Map<string, Cell>()
  /** The most events that a name not held can have had. */
  #absent = 0
  /** What a name that no ranking has listed may have missed in the rankings so far. */
  #missed = 0
  #most = 0
  #lack = 0
  #tooLong = 0

  /** @param longest longer names are not listed; `most` allows for them */
  constructor(capacity: number, longest = LONGEST_NAME) {
    this.#capacity = capacity
    this.#longest = longest
  }

  /**
   * Says that what is added from here on is another ranking's list, of which an unlisted name may have `most` events
   * and a listed one `lack` more than it says. Without it the names added are a stream, of which nothing is missing.
   */
  begin(most: number, lack: number): void {
    this.#most = most
    this.#lack = lack
    this.#missed += most
    this.#absent += most
  }

  /** Counts `n` events for `name`; true when the name was not held yet. */
  add(name: string, n = 1): boolean {
    const cell = this.#cells.get(name)
    if (cell) {
      cell.n += n
      cell.lack -= this.#most - this.#lack
      return false
    }
    if (name.length > this.#longest) this.#tooLong += n
    else this.#open(name, n)
    return true
  }

  rank(limit: number): Ranking {
    const counts = this.#counts()
    const least = counts.length > limit ? (counts[counts.length - limit] as number) : 0
    const listed: NamedCount[] = []
    for (const [name, cell] of this.#cells) if (cell.n >= least) listed.push([name, cell.n])
    listed.sort(byCount).splice(limit)

    const names = new Set(listed.map(([name]) => name))
    let most = Math.max(this.#absent, this.#tooLong)
    for (const [name, cell] of this.#cells) {
      if (!names.has(name)) most = Math.max(most, cell.n + this.#lackOf(cell))
    }
    const lacks = listed.map(([name]) => this.#lackOf(this.#cells.get(name) as Cell))
    return { listed, lacks, most }
  }

  #open(name: string, n: number): void {
    const before = this.#absent - this.#most
    this.#cells.set(name, { n, lack: before + this.#lack - this.#missed })
    if (this.#cells.size > this.#capacity) this.#dropRarerHalf()
  }

  #dropRarerHalf(): void {
    const counts = this.#counts()
    const half = counts.length >> 1
    const middle = counts[half] as number
    let equal = half - counts.indexOf(middle)
    for (const [name, cell] of this.#cells) {
      if (cell.n > middle || (cell.n === middle && equal-- <= 0)) continue
      this.#absent = Math.max(this.#absent, cell.n + this.#lackOf(cell))
      this.#cells.delete(name)
    }
  }

  #lackOf(cell: Cell): number {
    return cell.lack + this.#missed
  }

  /** Every count, ascending. */
  #counts(): Float64Array {
    const counts = new Float64Array(this.#cells.size)
    let i = 0
    for (const cell of this.#cells.values()) counts[i++] = cell.n
    return counts.sort()
  }
}

/** The longest name of a track whose artist and title are each short enough to be listed. */
export const LONGEST_TRACK_NAME = 2 * LONGEST_NAME + 4

/** One name for a track and its artist, such that no two pairs share one. */
export function trackName(artist: string, track: string): string {
  return `${artist.length}:${artist}${track}`
}

/** Takes `trackName` apart. */
export function splitTrackName(name: string): { artist: string; track: string } {
  const colon = name.indexOf(':')
  const end = colon + 1 + Number(name.slice(0, colon))
  return { artist: name.slice(colon + 1, end), track: name.slice(end) }
}
