/**
 * Ready-made pieces of messages, as bytes. Each is cut out of what JSON.stringify makes of its fields, so that a message
 * costs a few copies of short pieces and yet has the bytes of `encode()` (held by test/generate/generator.test.ts): joining
 * strings and encoding the whole takes four times as long.
 *
 *   {"user":"eric04", | "artist":"..","track":"..","timestamp":" | <timestamp> | ","genre":"..","duration":146, |
 *   "platform":"Spotify", | "device":"Desktop","action":"like","country":"FR"}
 */
import { ACTIONS } from '../event.ts'
import type { Catalogue } from './catalogue.ts'
import type { Listeners } from './listeners.ts'
import { DEVICES } from './world.ts'

export class Fragments {
  /** No message takes more bytes. */
  readonly longest: number
  readonly #users: Pieces
  readonly #tracks: Pieces
  readonly #genresAndDurations: Pieces
  /** By track: which of the pieces before. */
  readonly #genreAndDurationOf: Uint32Array
  readonly #platforms: Pieces
  /** By country, device and action: some 1,600. */
  readonly #ends: Pieces
  readonly #listeners: Listeners

  constructor(catalogue: Catalogue, listeners: Listeners) {
    const { artistNames, genres, titles, artistOf, genreOf, durations } = catalogue
    this.#listeners = listeners
    this.#users = new Pieces(listeners.users.map((user) => `{${members({ user })},`))
    this.#tracks = new Pieces(
      titles.map((track, number) =>
        members({ artist: artistNames[artistOf(number)], track, timestamp: '' }).slice(0, -1),
      ),
    )
    // A few thousand texts, shared by all tracks.
    const shared = new Map<string, number>()
    this.#genreAndDurationOf = Uint32Array.from(titles, (_, number) => {
      const text = `",${members({ genre: genres[genreOf(number)], duration: durations[number] })},`
      const known = shared.get(text) ?? shared.size
      shared.set(text, known)
      return known
    })
    this.#genresAndDurations = new Pieces([...shared.keys()])
    this.#platforms = new Pieces(listeners.platformNames.map((platform) => `${members({ platform })},`))
    this.#ends = new Pieces(
      listeners.countryCodes.flatMap((country) =>
        DEVICES.flatMap((device) => ACTIONS.map((action) => `${members({ device, action, country })}}`)),
      ),
    )
    const all = [this.#users, this.#tracks, this.#genresAndDurations, this.#platforms, this.#ends]
    this.longest = all.reduce((sum, { longest }) => sum + longest, TIMESTAMP_BYTES)
  }

  /**
   * Writes a message into `bytes` from `at` on, where `longest` bytes are free.
   * @param event by the numbers of the listener and the track, and the indexes of DEVICES and ACTIONS
   * @param timestamp the 26 bytes of the event format
   * @returns where it ends
   */
  write(
    bytes: Uint8Array,
    at: number,
    event: { who: number; track: number; device: number; action: number },
    timestamp: Uint8Array,
  ): number {
    const { who, track, device, action } = event
    const { platforms, countries } = this.#listeners
    const last = ((countries[who] as number) * DEVICES.length + device) * ACTIONS.length + action
    let end = this.#users.copy(who, bytes, at)
    end = this.#tracks.copy(track, bytes, end)
    for (let i = 0; i < TIMESTAMP_BYTES; i++) bytes[end++] = timestamp[i] as number
    end = this.#genresAndDurations.copy(this.#genreAndDurationOf[track] as number, bytes, end)
    end = this.#platforms.copy(platforms[who] as number, bytes, end)
    return this.#ends.copy(last, bytes, end)
  }
}

/** As in `2025-07-03T20:07:50.691643`. */
export const TIMESTAMP_BYTES = 26

/** Texts in UTF-8, one after the other. */
class Pieces {
  /** Bytes of the longest. */
  readonly longest: number
  readonly #bytes: Buffer
  /** Where each begins, and where the last ends. */
  readonly #starts: Uint32Array

  constructor(texts: readonly string[]) {
    this.#starts = new Uint32Array(texts.length + 1)
    let longest = 0
    for (let i = 0; i < texts.length; i++) {
      const length = Buffer.byteLength(texts[i] as string)
      this.#starts[i + 1] = (this.#starts[i] as number) + length
      longest = Math.max(longest, length)
    }
    this.longest = longest
    this.#bytes = Buffer.allocUnsafeSlow(this.#starts[texts.length] as number)
    for (let i = 0; i < texts.length; i++) this.#bytes.write(texts[i] as string, this.#starts[i] as number)
  }

  /** Byte by byte: the pieces are short, and a call into Node costs more. @returns where the copy ends */
  copy(number: number, target: Uint8Array, at: number): number {
    const bytes = this.#bytes
    const end = this.#starts[number + 1] as number
    let to = at
    for (let from = this.#starts[number] as number; from < end; from++) target[to++] = bytes[from] as number
    return to
  }
}

/** An object's JSON without its braces. */
function members(fields: Record<string, unknown>): string {
  return JSON.stringify(fields).slice(1, -1)
}
