/**
 * A uniform sample of a batch's events, from which windows and filters are answered without reading an event. Up to
 * SAMPLE_ROWS events all are in it, and what is read from it is exact; of more, as many as chance leaves between half of
 * that and all, each standing for `of / rows` events. Chance is a hash of the event's place in the batch, so that the same
 * batch always gives the same sample.
 *
 * On disk, inside a summary: { of, rows, data }, events and rows, and base64 of zlib-deflated JSON:
 *
 *   genre, platform, device, action, country   names, in the order in which they came; '' for one of more than 256 units
 *   artists    the same
 *   tracks     [number of the artist, title]
 *   columns    one array per field, one number per row: seconds (epoch seconds, each but the first as the difference to the
 *              one before), the five fields above and track (numbers of the lists), duration (seconds), user (the first 48
 *              bits of `hash64`)
 *
 * Most events of a large batch cost a hash of their number and a comparison. Measured with the generator's names, the sample
 * makes a record larger by 0.8 kB with 7 events, 3 kB with 50, 18 kB with 512, and 10 to 15 kB with more: 36 bytes a row.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib'
import { z } from 'zod'
import { MusicFakerError } from '../errors.ts'
import type { MusicEvent } from '../event.ts'
import { DIMENSIONS, type Dimension, perDimension } from './dimensions.ts'
import { hash64 } from './hash.ts'
import { isCount, isText } from './plain-list.ts'
import { LONGEST_NAME } from './tally.ts'

export const SAMPLE_ROWS = 512
/** Inflated, a sample of the longest names; a larger one was not written by this program. */
const LARGEST = 8_388_608

const count = z.number().int().nonnegative()
export const sampleSchema = z.strictObject({
  of: count,
  rows: count.max(SAMPLE_ROWS),
  data: z.string().max(LARGEST),
})
export type SampleData = z.infer<typeof sampleSchema>

/** A sample as it was stored: row `i` is the i-th value of each column. */
export interface Sample extends Record<Dimension, string[]> {
  artists: string[]
  tracks: [artist: number, title: string][]
  columns: Record<Dimension | 'second' | 'track' | 'duration' | 'user', number[]>
}

/** What is kept of an event. */
type Sampled = Omit<MusicEvent, 'user' | 'timestamp'>

interface Row {
  chance: number
  second: number
  event: Sampled
  /** As it is stored. */
  user: number
}

const words = new Int32Array(2)
const TOO_LONG = '.'.repeat(LONGEST_NAME + 1)

/** Draws the sample of one batch. */
export class Sampler {
  #of = 0
  #chance = 0
  /** Rows are kept whose chance, 32 bits, is not above it. */
  #threshold = 0xffff_ffff
  #rows: Row[] = []

  /** The events that are in it, in the order in which they came. */
  get rows(): readonly { event: Sampled; second: number }[] {
    return this.#rows
  }

  /** Decides about the next event. Where it gives true, the event has to be given to `keep`. */
  draw(): boolean {
    this.#chance = mixed(this.#of++)
    return this.#chance <= this.#threshold
  }

  /** @param second the event's whole seconds since the Unix epoch */
  keep(event: Omit<MusicEvent, 'timestamp'>, second: number): void {
    hash64(event.user, words)
    const user = ((words[0] as number) >>> 0) * 65_536 + ((words[1] as number) >>> 16)
    this.#rows.push({ chance: this.#chance, second, event: clipped(event), user })
    while (this.#rows.length > SAMPLE_ROWS) {
      this.#threshold >>>= 1
      this.#rows = this.#rows.filter((row) => row.chance <= this.#threshold)
    }
  }

  encode(): SampleData {
    const sample = columnsOf(this.#rows)
    const data = deflateSync(JSON.stringify(sample), { level: constants.Z_BEST_SPEED }).toString('base64')
    return { of: this.#of, rows: this.#rows.length, data }
  }
}

/**
 * @param source names where `data` was, in the error
 * @throws COMMIT_CORRUPT when it is no sample of so many rows
 */
export function decodeSample({ rows, data }: SampleData, source: string): Sample {
  let sample: unknown
  try {
    sample = JSON.parse(inflateSync(Buffer.from(data, 'base64'), { maxOutputLength: LARGEST }).toString())
  } catch (cause) {
    throw damaged(source, cause)
  }
  if (!isSample(sample, rows)) throw damaged(source)
  const { second } = sample.columns
  for (let i = 1; i < rows; i++) second[i] = (second[i - 1] as number) + (second[i] as number)
  return sample
}

function columnsOf(rows: readonly Row[]): Sample {
  const names = perDimension(() => new Numbers())
  const artists = new Numbers()
  const tracks = new Numbers()
  const columns: Sample['columns'] = {
    ...{ genre: [], platform: [], device: [], action: [], country: [] },
    ...{ second: [], track: [], duration: [], user: [] },
  }
  const titles: Sample['tracks'] = []
  let before = 0
  for (const { second, event, user } of rows) {
    columns.second.push(second - before)
    before = second
    for (const field of DIMENSIONS) columns[field].push(names[field].of(short(event[field])))
    const artist = artists.of(short(event.artist))
    const title = short(event.track)
    const track = tracks.of(`${artist} ${title}`)
    titles[track] = [artist, title]
    columns.track.push(track)
    columns.duration.push(event.duration)
    columns.user.push(user)
  }
  return { ...perDimension((field) => names[field].names), artists: artists.names, tracks: titles, columns }
}

/** Numbers names in the order in which they come. */
class Numbers {
  readonly names: string[] = []
  readonly #numbers = new Map<string, number>()

  of(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.names.push(name) - 1
      this.#numbers.set(name, number)
    }
    return number
  }
}

/** A message may hold a megabyte: a name that is too long is not kept, only that it was. */
function clipped(event: Sampled): Sampled {
  const clip = (name: string) => (name.length > LONGEST_NAME ? TOO_LONG : name)
  return {
    artist: clip(event.artist),
    track: clip(event.track),
    genre: clip(event.genre),
    duration: event.duration,
    platform: clip(event.platform),
    device: clip(event.device),
    action: clip(event.action),
    country: event.country,
  }
}

function short(name: string): string {
  return name.length > LONGEST_NAME ? '' : name
}

function isSample(value: unknown, rows: number): value is Sample {
  const sample = value as Sample
  const names = (list: unknown) => Array.isArray(list) && list.every(isText)
  const column = (list: unknown, below = Number.MAX_SAFE_INTEGER) => {
    if (!Array.isArray(list) || list.length !== rows) return false
    for (let i = 0; i < rows; i++) if (!isCount(list[i]) || list[i] >= below) return false
    return true
  }
  try {
    const { artists, tracks, columns } = sample
    return (
      DIMENSIONS.every((field) => names(sample[field]) && column(columns[field], sample[field].length)) &&
      names(artists) &&
      tracks.every((track) => artists[track[0]] !== undefined && isText(track[1])) &&
      column(columns.track, tracks.length) &&
      column(columns.duration) &&
      column(columns.user) &&
      columns.second.length === rows &&
      columns.second.every(Number.isSafeInteger)
    )
  } catch {
    return false
  }
}

/** The finalizer of MurmurHash3: 32 well-mixed bits, another for every number. */
export function mixed(n: number): number {
  let x = (n + 0x9e37_79b9) | 0
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35)
  return (x ^ (x >>> 16)) >>> 0
}

function damaged(source: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `the sample of events of ${source} is damaged`, {
    next: 'Run: music-faker verify',
    cause,
  })
}
