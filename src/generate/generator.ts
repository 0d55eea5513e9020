/**
 * Listening events from a seed. The events are a function of the seed, the sizes and the number of calls; the times are
 * the caller's. A listener plays a track, may react to it once, and skips it or lets it end: so a skip or a like always
 * belongs to the track that this user is playing, and skips per play follow the published rates.
 *
 * Who acts next does not depend on the time yet: there are no sessions and no daily curve.
 */
import { MusicFakerError } from '../errors.ts'
import { ACTIONS, formatTimestamp, type MusicEvent } from '../event.ts'
import type { LogMessage } from '../log/log.ts'
import { type Catalogue, createCatalogue, type Shelf } from './catalogue.ts'
import { Fragments } from './fragments.ts'
import { Listeners } from './listeners.ts'
import { Random, WeightedChoice } from './random.ts'
import {
  ASSUMPTIONS,
  type Assumptions,
  DEVICES,
  HOURS_PER_WEEK,
  OVERALL_SKIP_RATE,
  REACTIONS,
  SKIP_RATE,
  SKIPPED_AFTER_S,
} from './world.ts'

export interface GeneratorOptions {
  /** Whole number, 0 to 2^32 - 1. */
  seed: number
  /** How many artists there are; 10,000 by default, and about four times as many tracks. */
  artists?: number | undefined
  /** How many people listen; 10,000 by default. */
  listeners?: number | undefined
  assumptions?: Partial<Assumptions> | undefined
}

const DEFAULT_ARTISTS = 10_000
const DEFAULT_LISTENERS = 10_000

/** Streams of the seed, one for each use. Changing one changes every event that is generated from then on. */
const STREAM = { catalogue: 1, listeners: 2, events: 3 }

/** What a listener is doing. */
const IDLE = 0
const PLAYING = 1
const REACTED = 2

const PLAY = ACTIONS.indexOf('play')
const SKIP = ACTIONS.indexOf('skip')
const REACTION_NAMES = Object.keys(REACTIONS) as (keyof typeof REACTIONS)[]
const REACTION_ACTIONS = REACTION_NAMES.map((name) => ACTIONS.indexOf(name))
const REACTION_SHARE = Object.values(REACTIONS).reduce((sum, share) => sum + share, 0)
const SKIP_RATES = DEVICES.map((device) => SKIP_RATE[device])

const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'))
const SECONDS_PER_WEEK = 604_800
/** Messages are cut out of pieces of so many bytes: the 8 KiB of Node's own pool are many more for the garbage collector. */
const SLAB_BYTES = 65_536

export class Generator {
  readonly seed: number
  /**
   * Mean seconds from one event to the next when all listeners together are heard in real time: 0.066 for 10,000.
   * Derived from the hours they listen a week, the length of tracks and the share that is skipped.
   */
  readonly naturalStep: number
  readonly #random: Random
  readonly #catalogue: Catalogue
  readonly #listeners: Listeners
  readonly #reaction = new WeightedChoice(Object.values(REACTIONS))
  /** Each listener's state. */
  readonly #phases: Uint8Array
  readonly #tracks: Uint32Array
  readonly #devices: Uint8Array
  readonly #fragments: Fragments
  /** The event just drawn: numbers of the listener, the track and so on. */
  #who = 0
  #track = 0
  #action = PLAY
  #second = Number.NaN
  #secondText = ''
  #slab = Buffer.alloc(0)
  #used = 0

  /**
   * Blocks for about 0.15 s at the default sizes.
   * @throws USAGE when a number is not a whole one or is out of range
   */
  constructor(options: GeneratorOptions) {
    const { seed, artists = DEFAULT_ARTISTS, listeners = DEFAULT_LISTENERS } = options
    const assumptions = { ...ASSUMPTIONS, ...options.assumptions }
    requireWhole('seed', seed, 0, 4_294_967_295)
    requireWhole('artists', artists, 100, 1_000_000)
    requireWhole('listeners', listeners, 1, 10_000_000)
    this.seed = seed
    this.#random = new Random(seed, STREAM.events)
    this.#catalogue = createCatalogue(new Random(seed, STREAM.catalogue), artists, assumptions)
    this.#listeners = new Listeners(new Random(seed, STREAM.listeners), listeners, assumptions)
    this.naturalStep = SECONDS_PER_WEEK / (listeners * HOURS_PER_WEEK * eventsPerHour(assumptions.durationMeanS))
    this.#fragments = new Fragments(this.#catalogue, this.#listeners)
    this.#phases = new Uint8Array(listeners)
    this.#tracks = new Uint32Array(listeners)
    this.#devices = new Uint8Array(listeners)
    this.#beginInTheMiddle()
  }

  /**
   * The next event.
   * @param atMs   its time, whole epoch milliseconds; must lie in the years 1970 to 9999
   * @param micros 0 to 999, beyond the millisecond
   */
  next(atMs: number, micros = 0): MusicEvent {
    this.#draw()
    const { artistNames, genres, titles, artistOf, genreOf, durations } = this.#catalogue
    const { users, platformNames, platforms, countryCodes, countries } = this.#listeners
    return {
      user: users[this.#who] as string,
      artist: artistNames[artistOf(this.#track)] as string,
      track: titles[this.#track] as string,
      timestamp: this.#timestamp(atMs, micros),
      genre: genres[genreOf(this.#track)] as string,
      duration: durations[this.#track] as number,
      platform: platformNames[platforms[this.#who] as number] as string,
      device: DEVICES[this.#devices[this.#who] as number] as string,
      action: ACTIONS[this.#action] as string,
      country: countryCodes[countries[this.#who] as number] as string,
    }
  }

  /** The next event as a message of the log: the bytes are those of `encode(next(atMs, micros))`. */
  nextMessage(atMs: number, micros = 0): LogMessage {
    this.#draw()
    const device = this.#devices[this.#who] as number
    const text =
      this.#fragments.head(this.#who, this.#track) +
      this.#timestamp(atMs, micros) +
      this.#fragments.tail(this.#who, this.#track, device, this.#action)
    return { key: this.#listeners.users[this.#who] as string, value: this.#bytesOf(text) }
  }

  #bytesOf(text: string): Buffer {
    // A UTF-16 unit takes at most three bytes.
    const most = text.length * 3
    if (this.#slab.length - this.#used < most) {
      this.#slab = Buffer.allocUnsafe(Math.max(SLAB_BYTES, most))
      this.#used = 0
    }
    const start = this.#used
    this.#used += this.#slab.write(text, start)
    return this.#slab.subarray(start, this.#used)
  }

  /** Decides the next event and moves its listener's state on. */
  #draw(): void {
    const random = this.#random
    const who = this.#listeners.pick(random)
    const phase = this.#phases[who]
    this.#who = who
    this.#track = this.#tracks[who] as number
    if (phase === PLAYING && random.float() < REACTION_SHARE) {
      this.#action = REACTION_ACTIONS[this.#reaction.pick(random)] as number
      this.#phases[who] = REACTED
    } else if (phase !== IDLE && random.float() < (SKIP_RATES[this.#devices[who] as number] as number)) {
      this.#action = SKIP
      this.#phases[who] = IDLE
    } else {
      this.#action = PLAY
      this.#phases[who] = PLAYING
      this.#devices[who] = this.#listeners.pickDevice(random, who, this.#devices[who] as number)
      this.#track = this.#pickTrack(who)
      this.#tracks[who] = this.#track
    }
  }

  #pickTrack(who: number): number {
    const genre = this.#listeners.pickGenre(this.#random, who)
    return (this.#catalogue.shelves[genre] as Shelf).pick(this.#random)
  }

  /**
   * Puts every listener where the chain of plays, reactions and skips would have brought them. Without it the first
   * events of a run, one per listener, would nearly all be plays.
   */
  #beginInTheMiddle(): void {
    const random = this.#random
    for (let who = 0; who < this.#phases.length; who++) {
      const device = this.#listeners.firstDevice(random, who)
      this.#devices[who] = device
      this.#tracks[who] = this.#pickTrack(who)
      const u = random.float() * (1 + REACTION_SHARE + (SKIP_RATES[device] as number))
      this.#phases[who] = u < 1 ? PLAYING : u < 1 + REACTION_SHARE ? REACTED : IDLE
    }
  }

  #timestamp(atMs: number, micros: number): string {
    const second = Math.floor(atMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = formatTimestamp(second * 1000).slice(0, -6)
    }
    return this.#secondText + THREE_DIGITS[atMs - second * 1000] + THREE_DIGITS[micros]
  }
}

/** Published and assumed figures together: what a person who listens for an hour causes. */
function eventsPerHour(durationMeanS: number): number {
  const secondsPerPlay = OVERALL_SKIP_RATE * SKIPPED_AFTER_S + (1 - OVERALL_SKIP_RATE) * durationMeanS
  return (3600 / secondsPerPlay) * (1 + REACTION_SHARE + OVERALL_SKIP_RATE)
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new MusicFakerError('USAGE', `${name} is ${value}`, { next: `Give a whole number from ${least} to ${most}.` })
}
