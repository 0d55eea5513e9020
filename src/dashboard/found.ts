/** The events of one listener or artist, picked out of the lines of data files and summed up in bounded memory. */
import { decodeArchived } from '../event.ts'
import { DIMENSIONS, perDimension } from '../stats/dimensions.ts'
import { Newest } from '../stats/newest.ts'
import { Tally } from '../stats/tally.ts'
import type { Row } from './api.ts'
import type { Lookup } from './api-lookup.ts'
import { distribution } from './sections.ts'
import { beginning, clip, row } from './text.ts'

const LAST = 20
const TOP = 10
const NAMES = 256
const LF = 0x0a

export type Subject = 'user' | 'artist'

export class Found {
  readonly #subject: Subject
  readonly #name: string
  readonly #needles: Buffer[]
  readonly #last = new Newest<Row>(LAST)
  readonly #artists = new Tally(NAMES)
  readonly #tracks = new Tally(NAMES)
  readonly #listeners = new Tally(NAMES)
  readonly #fields = perDimension(() => new Tally(NAMES))
  readonly #hours = new Array<number>(24).fill(0)
  #events = 0

  /** @param name as `clip` shows it: of a longer one, all that begin as it does are found */
  constructor(subject: Subject, name: string) {
    this.#subject = subject
    this.#name = name
    const begin = beginning(name)
    this.#needles = begin === undefined ? spellings(name) : spellings(begin).map((text) => text.subarray(0, -1))
  }

  /**
   * @param lines whole lines of a data file, each with its line feed
   * @param path of that file
   * @returns how many they are
   * @throws COMMIT_CORRUPT where the name stands in a line that is no event
   */
  scan(lines: Buffer, path: string): number {
    for (const [i, needle] of this.#needles.entries()) {
      for (let at = lines.indexOf(needle); at >= 0; ) {
        const end = lines.indexOf(LF, at)
        const line = lines.subarray(lines.lastIndexOf(LF, at) + 1, end)
        // A line may hold two spellings, and was taken then.
        if (!this.#needles.slice(0, i).some((other) => line.includes(other))) this.#take(line, path)
        at = lines.indexOf(needle, end)
      }
    }
    return count(lines)
  }

  #take(line: Buffer, path: string): void {
    const { event } = decodeArchived(line, path)
    if (clip(event[this.#subject]) !== this.#name) return
    this.#events++
    this.#artists.add(event.artist)
    this.#tracks.add(JSON.stringify([event.artist, event.track]))
    this.#listeners.add(event.user)
    for (const field of DIMENSIONS) this.#fields[field].add(event[field])
    const hour = Number(event.timestamp.slice(11, 13))
    this.#hours[hour] = (this.#hours[hour] as number) + 1
    this.#last.add(Date.parse(`${event.timestamp.slice(0, 23)}Z`), row(`${event.timestamp} ${this.#events}`, event))
  }

  read(): Omit<Lookup, 'lookedBack'> {
    const top = (tally: Tally) => tally.read().named.slice(0, TOP)
    const named = (tally: Tally) => top(tally).map(([name, events]) => ({ name: clip(name), events }))
    return {
      kind: this.#subject === 'user' ? 'listener' : 'artist',
      name: clip(this.#name),
      events: this.#events,
      last: this.#last.read(LAST),
      artists: named(this.#artists),
      listeners: named(this.#listeners),
      tracks: top(this.#tracks).map(([name, events]) => {
        const [artist, track] = JSON.parse(name) as [string, string]
        return { name: clip(track), artist: clip(artist), events }
      }),
      distributions: perDimension((field) => distribution(this.#fields[field].read(), TOP, true)),
      hours: this.#hours,
    }
  }
}

function count(lines: Buffer): number {
  let count = 0
  for (let at = lines.indexOf(LF); at >= 0; at = lines.indexOf(LF, at + 1)) count++
  return count
}

/** What writers of JSON escape though they need not, each for reasons of its own. */
const ESCAPED = [
  /[\u0080-\uffff]/g, // PHP, Jackson
  /[\u007f-\uffff]/g, // Python
  /[&<>\u2028\u2029]/g, // Go
  /[&<>='\u2028\u2029]/g, // Gson
  /\\"|[&<>'+`\u007f-\uffff]/g, // .NET
]

/** How producers may have written a name as JSON: as it is, with escapes in both cases, with `\/` as PHP does. */
export function spellings(name: string): Buffer[] {
  const plain = JSON.stringify(name).slice(1, -1)
  const hex = (unit: string) =>
    unit
      .charCodeAt(unit.length - 1)
      .toString(16)
      .padStart(4, '0')
  const escaped = ESCAPED.flatMap((units) => [
    plain.replaceAll(units, (unit) => `\\u${hex(unit)}`),
    plain.replaceAll(units, (unit) => `\\u${hex(unit).toUpperCase()}`),
  ])
  const texts = [plain, ...escaped].flatMap((text) => [text, text.replaceAll('/', '\\/')])
  return [...new Set(texts)].map((text) => Buffer.from(`"${text}"`))
}
