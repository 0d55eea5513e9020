/**
 * Ready-made pieces of messages. Each is cut out of what JSON.stringify makes of its fields, so that a message costs a few
 * concatenations and yet has the bytes of `encode()` (held by test/generate/generator.test.ts).
 *
 *   {"user":"eric04", | "artist":"..","track":"..","timestamp":" | <timestamp> | ","genre":"..","duration":146, |
 *   "platform":"Spotify", | "device":"Desktop","action":"like","country":"FR"}
 */
import { ACTIONS } from '../event.ts'
import type { Catalogue } from './catalogue.ts'
import type { Listeners } from './listeners.ts'
import { DEVICES } from './world.ts'

export class Fragments {
  readonly #users: readonly string[]
  readonly #tracks: readonly string[]
  readonly #genresAndDurations: readonly string[]
  readonly #platforms: readonly string[]
  /** By country, device and action: some 1,600. */
  readonly #ends: readonly string[]
  readonly #listeners: Listeners

  constructor(catalogue: Catalogue, listeners: Listeners) {
    const { artistNames, genres, titles, artistOf, genreOf, durations } = catalogue
    this.#listeners = listeners
    this.#users = listeners.users.map((user) => `{${members({ user })},`)
    this.#tracks = titles.map((track, number) =>
      members({ artist: artistNames[artistOf(number)], track, timestamp: '' }).slice(0, -1),
    )
    // A few thousand strings, shared by all tracks.
    const shared = new Map<number, string>()
    this.#genresAndDurations = titles.map((_, number) => {
      const duration = durations[number] as number
      const key = duration * genres.length + genreOf(number)
      const known = shared.get(key)
      if (known !== undefined) return known
      const text = `",${members({ genre: genres[genreOf(number)], duration })},`
      shared.set(key, text)
      return text
    })
    this.#platforms = listeners.platformNames.map((platform) => `${members({ platform })},`)
    this.#ends = listeners.countryCodes.flatMap((country) =>
      DEVICES.flatMap((device) => ACTIONS.map((action) => `${members({ device, action, country })}}`)),
    )
  }

  /** Up to the quote that opens the timestamp. */
  head(who: number, track: number): string {
    return (this.#users[who] as string) + this.#tracks[track]
  }

  /** From the quote that closes the timestamp. `device` and `action` are indexes of DEVICES and ACTIONS. */
  tail(who: number, track: number, device: number, action: number): string {
    const { platforms, countries } = this.#listeners
    const end = ((countries[who] as number) * DEVICES.length + device) * ACTIONS.length + action
    return (this.#genresAndDurations[track] as string) + this.#platforms[platforms[who] as number] + this.#ends[end]
  }
}

/** An object's JSON without its braces. */
function members(fields: Record<string, unknown>): string {
  return JSON.stringify(fields).slice(1, -1)
}
