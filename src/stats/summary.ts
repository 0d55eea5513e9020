/**
 * What a commit record says about its events, version 2. Totals are sums of summaries, so that no event is ever read
 * again. Whatever producers send, a summary is bounded: about 0.6 MB with three full exact sketches and usual names.
 *
 *   v          2, or 1: without `split` and `sample`, so that its events count in totals but in no window or filter; a
 *              version that is not known is refused
 *   events     how many are summed up; every part below accounts for each of them once
 *   genre, platform, device, action, country
 *              { named: [[name, events], ...], other }: at most 256 names of at most 256 UTF-16 units, most frequent
 *              first; the events of all further names are in `other`
 *   time       { oldest, newest, minutes, hours, days, earlier }: oldest and newest event in epoch milliseconds (null
 *              without events); events by epoch minute. Beyond 4,096 minutes the oldest are counted by epoch hour,
 *              beyond 1,024 hours by epoch day, beyond 1,024 days in `earlier`
 *   duration   { sum, buckets }: seconds, and events by bucket (`durations.ts`)
 *   artists    { listed: [[artist, events], ...], unlisted, most, lack }: at most 200, most frequent first
 *   tracks     the same, with [artist, track, events]
 *              `unlisted` is the sum of what the list leaves out; no artist that is not in it has more than `most`
 *              events; a listed count may lack up to `lack` events, 0 unless one batch held more than 65,536 names
 *   distinct   { users, artists, tracks }: sketches (`sketch.ts`); a track counts together with its artist
 *   split      the counts by minute, where the sample does not hold every event and these are of 2 to 128 minutes, else []
 *              (`minutes.ts`)
 *   sample     some events, or all of a small batch (`sample.ts`)
 *
 * Names are values of arrays, never keys: `__proto__` is a genre like any other.
 */
import { z } from 'zod'
import type { MusicEvent } from '../event.ts'
import { ARTIST, type EventBytes, TRACK, USER } from '../event-bytes.ts'
import { DIMENSIONS } from './dimensions.ts'
import { hashField } from './hash.ts'
import { durationSchema, MinuteCounts, NAMES_PER_FIELD, splitSchema } from './minutes.ts'
import { isCount, isText, isTuple, isWhole, plainList } from './plain-list.ts'
import { Plays } from './plays.ts'
import { SAMPLE_ROWS, Sampler, sampleSchema } from './sample.ts'
import { DistinctSketch, sketchSchema } from './sketch.ts'
import { LONGEST_NAME } from './tally.ts'
import { Timeline, type TimelineLimits } from './timeline.ts'
import type { Names, TopCounter } from './top.ts'

export const SUMMARY_VERSION = 2

const TOP_LISTED = 200
const TIME_LIMITS: TimelineLimits = { minutes: 4096, hours: 1024, days: 1024 }

const count = z.number().int().nonnegative()
const isName = (value: unknown): value is string => isText(value) && value.length <= LONGEST_NAME
const isNamed = isTuple<[name: string, n: number]>(isName, isCount)
const isCell = isTuple<[at: number, n: number]>(isWhole, isCount)
const isArtist = isTuple<[artist: string, n: number]>(isName, isCount)
const isTrack = isTuple<[artist: string, track: string, n: number]>(isName, isName, isCount)
const namedSchema = z.strictObject({ named: plainList(isNamed, NAMES_PER_FIELD), other: count })
const topSchema = <T>(isEntry: (value: unknown) => value is T) =>
  z.strictObject({ listed: plainList(isEntry, TOP_LISTED), unlisted: count, most: count, lack: count })

const partsSchema = z.strictObject({
  v: z.union([z.literal(1), z.literal(SUMMARY_VERSION)]),
  events: count,
  genre: namedSchema,
  platform: namedSchema,
  device: namedSchema,
  action: namedSchema,
  country: namedSchema,
  time: z.strictObject({
    oldest: z.number().int().nullable(),
    newest: z.number().int().nullable(),
    minutes: plainList(isCell, TIME_LIMITS.minutes),
    hours: plainList(isCell, TIME_LIMITS.hours),
    days: plainList(isCell, TIME_LIMITS.days),
    earlier: count,
  }),
  duration: durationSchema,
  artists: topSchema(isArtist),
  tracks: topSchema(isTrack),
  distinct: z.strictObject({ users: sketchSchema, artists: sketchSchema, tracks: sketchSchema }),
  split: splitSchema.optional(),
  sample: sampleSchema.optional(),
})

export const summarySchema = partsSchema
  .refine(hasPartsOfVersion, 'its parts are not those of its version')
  .refine(addsUp, 'its counts do not add up to its events')
export type Summary = z.infer<typeof summarySchema>

const words = new Int32Array(2)

/** Sums up the events of one batch. Adding is the archiver's hot path. */
export class SummaryBuilder {
  #events = 0
  readonly #counts = new MinuteCounts()
  readonly #sampler = new Sampler()
  readonly #timeline = new Timeline(TIME_LIMITS)
  #oldest = Number.POSITIVE_INFINITY
  #newest = Number.NEGATIVE_INFINITY
  readonly #users = new DistinctSketch()
  readonly #plays = new Plays()

  /**
   * Counts one valid event.
   * @param minute the event's whole minutes since the Unix epoch, as `decode` gives them
   */
  add(event: MusicEvent, minute: number): void {
    const second = this.#begin(minute, millisOfMinute(event.timestamp))
    this.#counts.at(minute).add(event)
    this.#users.add(event.user)
    this.#plays.add(event.artist, event.track)
    if (this.#sampler.draw()) this.#sampler.keep(event, second)
  }

  /** As `add`, with the event where it lies: no text is made that was met before. */
  addBytes(event: EventBytes): void {
    const second = this.#begin(event.minute, event.millis)
    this.#counts.at(event.minute).add(event)
    hashField(event, USER, words)
    this.#users.addHash(words[0] as number, words[1] as number)
    this.#plays.addBytes(event)
    if (!this.#sampler.draw()) return
    const { genre, duration, platform, device, action, country } = event
    const texts = { user: event.text(USER), artist: event.text(ARTIST), track: event.text(TRACK) }
    this.#sampler.keep({ genre, duration, platform, device, action, country, ...texts }, second)
  }

  /** The summary of what has been added so far; adding may go on. */
  build(): Summary {
    const counts = this.#counts.total().read()
    return {
      v: SUMMARY_VERSION,
      events: this.#events,
      ...counts,
      time: {
        oldest: this.#events === 0 ? null : this.#oldest,
        newest: this.#events === 0 ? null : this.#newest,
        ...this.#timeline.cells(),
      },
      artists: this.#top(this.#plays.topArtists),
      tracks: this.#top(this.#plays.topTracks),
      distinct: {
        users: this.#users.encode(),
        artists: this.#plays.artists.encode(),
        tracks: this.#plays.tracks.encode(),
      },
      split: this.#counts.split(counts),
      sample: this.#sampler.encode(),
    }
  }

  /** What every event begins with. @returns its whole seconds since the Unix epoch */
  #begin(minute: number, millis: number): number {
    // The next one will not be in the sample, or push others out of it.
    if (this.#events === SAMPLE_ROWS) this.#counts.divide(this.#sampler.rows)
    this.#events++
    this.#timeline.add(minute)
    const at = minute * 60_000 + millis
    if (at < this.#oldest) this.#oldest = at
    if (at > this.#newest) this.#newest = at
    return Math.floor(at / 1000)
  }

  #top<T extends Names>(counter: TopCounter<T>) {
    const { listed, most } = counter.rank(TOP_LISTED)
    return {
      listed: listed.map(({ names, events }): [...T, number] => [...names, events]),
      unlisted: listed.reduce((left, { events }) => left - events, this.#events),
      most,
      lack: Math.max(0, ...listed.map(({ lack }) => lack)),
    }
  }
}

/** Milliseconds within the minute of a valid timestamp; digits beyond are dropped. */
function millisOfMinute(timestamp: string): number {
  const digit = (at: number) => (at < timestamp.length ? timestamp.charCodeAt(at) - 0x30 : 0)
  return digit(17) * 10_000 + digit(18) * 1000 + digit(20) * 100 + digit(21) * 10 + digit(22)
}

function hasPartsOfVersion({ v, split, sample }: z.infer<typeof partsSchema>): boolean {
  return (split !== undefined) === v > 1 && (sample !== undefined) === v > 1
}

function addsUp(summary: z.infer<typeof partsSchema>): boolean {
  const { events, time, artists, tracks, split = [], sample } = summary
  const total = (entries: readonly (readonly [...unknown[], number])[]) =>
    entries.reduce((sum, entry) => sum + (entry.at(-1) as number), 0)
  return (
    DIMENSIONS.every((dimension) => total(summary[dimension].named) + summary[dimension].other === events) &&
    total(time.minutes) + total(time.hours) + total(time.days) + time.earlier === events &&
    summary.duration.buckets.reduce((sum, n) => sum + n, 0) === events &&
    total(artists.listed) + artists.unlisted === events &&
    total(tracks.listed) + tracks.unlisted === events &&
    (split.length === 0 || split.reduce((sum, part) => sum + part.events, 0) === events) &&
    split.every((part) => DIMENSIONS.every((field) => part[field].reduce((sum, n) => sum + n, 0) <= part.events)) &&
    (sample === undefined || (sample.of === events && sample.rows <= events))
  )
}
