/**
 * The people who listen: each has a country, a favourite platform, one or two devices, two favourite genres, and
 * listens more or less than others. Kept as columns, so that a draw touches a few bytes.
 */
import { distinctName, userName } from './names.ts'
import { type Random, WeightedChoice } from './random.ts'
import { type Assumptions, COUNTRIES, DEVICES, genreWeights, PLATFORMS, platformWeights } from './world.ts'

/** Standard deviation of the logarithm of how much a person listens. Assumption. */
const ACTIVITY_SIGMA = 0.8
/** Share of listeners with a second device. Assumption. */
const TWO_DEVICES_SHARE = 0.55
/** How often the next track is of the first and the second favourite genre; else it is any. Assumption. */
const FIRST_GENRE_SHARE = 0.5
const SECOND_GENRE_SHARE = 0.25
/** How often a listener with two devices plays the next track on the other one. Assumption. */
const SWITCH_SHARE = 0.1

export class Listeners {
  readonly countryCodes = Object.keys(COUNTRIES)
  readonly platformNames = Object.keys(PLATFORMS)
  /** Like `eric04`; no two alike. By number of the listener, as are the columns below. */
  readonly users: readonly string[]
  readonly countries: Uint8Array
  readonly platforms: Uint8Array
  /** The second equals the first where there is only one. */
  readonly #devices: [Uint8Array, Uint8Array]
  readonly #genres: [Uint8Array, Uint8Array]
  readonly #activity: WeightedChoice
  readonly #genreByCountry: readonly WeightedChoice[]

  constructor(random: Random, count: number, assumptions: Assumptions) {
    const taken = new Set<string>()
    this.users = Array.from({ length: count }, () => distinctName(taken, random, userName))

    const country = new WeightedChoice(Object.values(COUNTRIES))
    this.countries = column(count, () => country.pick(random))
    const platform = this.countryCodes.map((code) => new WeightedChoice(platformWeights(code)))
    this.platforms = column(count, (who) => inCountry(platform, this.countries, who).pick(random))

    const device = new WeightedChoice(DEVICES.map((name) => assumptions.deviceShares[name]))
    const first = column(count, () => device.pick(random))
    const second = column(count, (who) =>
      random.float() < TWO_DEVICES_SHARE ? device.pick(random) : (first[who] as number),
    )
    this.#devices = [first, second]

    this.#genreByCountry = this.countryCodes.map((code) => new WeightedChoice(genreWeights(code)))
    const genre = (who: number) => inCountry(this.#genreByCountry, this.countries, who).pick(random)
    this.#genres = [column(count, genre), column(count, genre)]
    this.#activity = new WeightedChoice(Float64Array.from({ length: count }, () => random.logNormal(0, ACTIVITY_SIGMA)))
  }

  /** Draws a listener, the busy ones more often. */
  pick(random: Random): number {
    return this.#activity.pick(random)
  }

  /** Draws the device for the next track; `current` is the one in use. */
  pickDevice(random: Random, who: number, current: number): number {
    const [first, second] = this.#devices
    if (random.float() >= SWITCH_SHARE) return current
    return ((current === first[who] ? second : first) as Uint8Array)[who] as number
  }

  /** Draws the device that a listener is found with at the beginning. */
  firstDevice(random: Random, who: number): number {
    return this.#devices[random.below(2) as 0 | 1][who] as number
  }

  /** Draws the genre of the next track. */
  pickGenre(random: Random, who: number): number {
    const u = random.float()
    if (u < FIRST_GENRE_SHARE) return this.#genres[0][who] as number
    if (u < FIRST_GENRE_SHARE + SECOND_GENRE_SHARE) return this.#genres[1][who] as number
    return inCountry(this.#genreByCountry, this.countries, who).pick(random)
  }
}

function column(count: number, value: (who: number) => number): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let who = 0; who < count; who++) bytes[who] = value(who)
  return bytes
}

function inCountry(choices: readonly WeightedChoice[], countries: Uint8Array, who: number): WeightedChoice {
  return choices[countries[who] as number] as WeightedChoice
}
