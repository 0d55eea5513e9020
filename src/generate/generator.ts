/**
 * Listening events from a seed. The events are a function of the seed, the sizes and the times that the caller gives. A
 * listener plays a track, may react to it once, and skips it or lets it end (see `listening.ts`): so a skip or a like
 * always belongs to the track that this user is playing, and skips follow the published rates and times.
 */
import { MusicFakerError } from '../errors.ts'
import { ACTIONS, formatTimestamp, type MusicEvent } from '../event.ts'
import type { LogMessage } from '../log/log.ts'
import { type Catalogue, createCatalogue } from './catalogue.ts'
import { Fragments, TIMESTAMP_BYTES } from './fragments.ts'
import { Listeners } from './listeners.ts'
import { Listening, REACTION_SHARE } from './listening.ts'
import { Random } from './random.ts'
import { ASSUMPTIONS, type Assumptions, DEVICES, HOURS_PER_WEEK, OVERALL_SKIP_RATE, SKIPPED_AFTER_S } from './world.ts'

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

/** The character 0. */
const ZERO = 48
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
  readonly #catalogue: Catalogue
  readonly #listeners: Listeners
  readonly #listening: Listening
  readonly #fragments: Fragments
  #second = Number.NaN
  readonly #time = Buffer.alloc(TIMESTAMP_BYTES)
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
    this.#catalogue = createCatalogue(new Random(seed, STREAM.catalogue), artists, assumptions)
    this.#listeners = new Listeners(new Random(seed, STREAM.listeners), listeners, assumptions)
    this.naturalStep = SECONDS_PER_WEEK / (listeners * HOURS_PER_WEEK * eventsPerHour(assumptions.durationMeanS))
    this.#fragments = new Fragments(this.#catalogue, this.#listeners)
    this.#listening = new Listening(new Random(seed, STREAM.events), this.#catalogue, this.#listeners)
  }

  /**
   * The next event.
   * @param atMs   its time, whole epoch milliseconds; must lie in the years 1970 to 9999 and should not go back
   * @param micros 0 to 999, beyond the millisecond
   */
  next(atMs: number, micros = 0): MusicEvent {
    this.#listening.draw(atMs)
    const { who, track, device, action } = this.#listening
    const { artistNames, genres, titles, artistOf, genreOf, durations } = this.#catalogue
    const { users, platformNames, platforms, countryCodes, countries } = this.#listeners
    return {
      user: users[who] as string,
      artist: artistNames[artistOf(track)] as string,
      track: titles[track] as string,
      timestamp: this.#timestamp(atMs, micros).toString(),
      genre: genres[genreOf(track)] as string,
      duration: durations[track] as number,
      platform: platformNames[platforms[who] as number] as string,
      device: DEVICES[device] as string,
      action: ACTIONS[action] as string,
      country: countryCodes[countries[who] as number] as string,
    }
  }

  /** The next event as a message of the log: the bytes are those of `encode(next(atMs, micros))`. */
  nextMessage(atMs: number, micros = 0): LogMessage {
    this.#listening.draw(atMs)
    if (this.#slab.length - this.#used < this.#fragments.longest) {
      this.#slab = Buffer.allocUnsafe(Math.max(SLAB_BYTES, this.#fragments.longest))
      this.#used = 0
    }
    const start = this.#used
    this.#used = this.#fragments.write(this.#slab, start, this.#listening, this.#timestamp(atMs, micros))
    const key = this.#listeners.users[this.#listening.who] as string
    return { key, value: this.#slab.subarray(start, this.#used) }
  }

  /** The bytes of a timestamp, good until the next call. Many events share a second. */
  #timestamp(atMs: number, micros: number): Buffer {
    const second = Math.floor(atMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#time.write(formatTimestamp(second * 1000))
    }
    writeThreeDigits(this.#time, TIMESTAMP_BYTES - 6, atMs - second * 1000)
    writeThreeDigits(this.#time, TIMESTAMP_BYTES - 3, micros)
    return this.#time
  }
}

function writeThreeDigits(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = ZERO + Math.floor(n / 100)
  bytes[at + 1] = ZERO + (Math.floor(n / 10) % 10)
  bytes[at + 2] = ZERO + (n % 10)
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
