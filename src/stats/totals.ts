import { addedTo, type BatchRecord, type CommitRecord } from '../archive/record.ts'
import type { QuarantineReason } from '../event.ts'
import type { Cells, RowLimits } from './cells.ts'
import { encodeCells } from './cells-state.ts'
import { DIMENSIONS, type Dimension } from './dimensions.ts'
import { DURATION_BOUNDS, DURATION_BUCKETS } from './durations.ts'
import { hash64, hashTrack } from './hash.ts'
import { LateCells } from './late-cells.ts'
import { NAMES_PER_FIELD } from './minutes.ts'
import type { ArtistName, TrackName } from './plays.ts'
import { type DistinctCount, DistinctSketch } from './sketch.ts'
import type { Summary } from './summary.ts'
import { type NamedCount, Tally } from './tally.ts'
import { type Series, type Step, Timeline } from './timeline.ts'
import { type Names, TopCounter, type TopList } from './top.ts'
import { type EncodedTotals, TOTALS_VERSION, type TotalsState } from './totals-state.ts'

export interface Distribution {
  /** Most frequent first, then by name. */
  named: NamedCount[]
  /** Events whose value is in no entry: rare, or longer than 256 characters. */
  other: number
  /** False where a batch may have had more names than its summary lists, so that entries may lack some of `other`. */
  exact: boolean
}

export interface TotalsSnapshot {
  /** Valid events that were archived. */
  events: number
  /** Messages by reason; reasons that did not occur are absent. */
  quarantined: Partial<Record<QuarantineReason, number>>
  /** Offsets that hold no message. */
  skipped: number
  /** Offsets lost to the log's retention and accepted as lost. */
  gaps: number
  /** Commit records of every kind. */
  records: number
  /** Files in the lake and their bytes, quarantine included. Compaction makes the files fewer. */
  files: number
  bytes: number
  /** Of the above, what is not in the lake any more because it was kept long enough. All other figures go on counting it. */
  removed: { events: number; quarantined: number }
  /** A track counts together with its artist. */
  distinct: { users: DistinctCount; artists: DistinctCount; tracks: DistinctCount }
  distributions: Record<Dimension, Distribution>
  topArtists: TopList<ArtistName>
  topTracks: TopList<TrackName>
  durations: {
    /** Seconds; null without events. */
    mean: number | null
    /** Events with a duration up to `upTo` seconds and above the bucket before; null: without limit. */
    buckets: { upTo: number | null; events: number }[]
  }
  /** Of the events' own times; epoch milliseconds, null without events. */
  oldestEvent: number | null
  newestEvent: number | null
  /** When the newest batch that holds an event was committed; epoch milliseconds, null before the first. */
  lastCommit: number | null
}

/** Distinct values a dimension keeps by name; there are 676 possible countries. */
const NAMES_PER_DIMENSION = 1024
const TOP_COUNTED = 16_384
const TOP_SHOWN = 100
/** A week of minutes, a year of hours, a century of days. */
const TIME_LIMITS = { minutes: 7 * 1440, hours: 366 * 24, days: 36_525 }

const words = new Int32Array(2)

/**
 * Sums commit records, of any partitions and lineages, in any order. Memory stays bounded: however many records are
 * added, some ten megabytes at most. Adding costs as much as the record's summary is long.
 */
export class Totals {
  #events = 0
  readonly #quarantined = new Map<QuarantineReason, number>()
  #skipped = 0
  #gaps = 0
  #records = 0
  #files = 0
  #bytes = 0
  readonly #removed = { events: 0, quarantined: 0 }
  readonly #users = new DistinctSketch()
  readonly #artists = new DistinctSketch()
  readonly #tracks = new DistinctSketch()
  readonly #dimensions = new Map(DIMENSIONS.map((dimension) => [dimension, new Tally(NAMES_PER_DIMENSION)]))
  readonly #topArtists = new TopCounter<ArtistName>(TOP_COUNTED)
  readonly #topTracks = new TopCounter<TrackName>(TOP_COUNTED)
  readonly #timeline = new Timeline(TIME_LIMITS)
  readonly #cells: LateCells
  #seconds = 0
  readonly #buckets = new Array<number>(DURATION_BUCKETS).fill(0)
  #oldest: number | null = null
  #newest: number | null = null
  #lastCommit: number | null = null
  #snapshot: TotalsSnapshot | undefined

  /** @param rows of the sample that windows and filters are answered from; 60 MB of them by default */
  constructor(rows?: RowLimits) {
    this.#cells = new LateCells(rows)
  }

  /** What windows and filters are answered from; takes in what it has not yet, see `settle`. */
  get cells(): Cells {
    return this.#cells.all
  }

  /** Has the cells take in what has been added, bit by bit, so that others have their turn meanwhile. */
  settle(): Promise<void> {
    return this.#cells.settle()
  }

  /**
   * Adds a record; adding one twice counts it twice.
   * @throws COMMIT_CORRUPT when a sketch of its summary is damaged; nothing has been added then
   */
  add(record: CommitRecord): void {
    if (record.kind === 'batch') this.#addBatch(record)
    if (record.kind === 'gap') this.#gaps += record.next - record.first
    if (record.kind === 'retention') {
      for (const { day, events } of record.files) this.#removed[day === null ? 'quarantined' : 'events'] += events
    }
    const { files, bytes } = addedTo(record)
    this.#files += files
    this.#bytes += bytes
    this.#records++
    this.#snapshot = undefined
  }

  /**
   * Adds what other totals have summed up, as `encode` gives it.
   * @param source names where it was, in the error
   * @throws COMMIT_CORRUPT when a sketch is damaged; nothing has been added then
   */
  merge(state: TotalsState, source: string): void {
    this.#mergeSketches(state.distinct, source)
    this.#events += state.events
    this.#skipped += state.skipped
    this.#gaps += state.gaps
    this.#records += state.records
    this.#files += state.files
    this.#bytes += state.bytes
    this.#removed.events += state.removed.events
    this.#removed.quarantined += state.removed.quarantined
    this.#addQuarantined(state.quarantined)
    for (const [dimension, tally] of this.#dimensions) tally.merge(state[dimension])
    this.#topArtists.begin(state.artists.most, 0)
    for (const entry of state.artists.listed) this.#addArtist(entry[0], entry[1], entry[2])
    this.#topTracks.begin(state.tracks.most, 0)
    for (const entry of state.tracks.listed) this.#addTrack(entry[0], entry[1], entry[2], entry[3])
    this.#timeline.restore(state.time)
    this.#addSpan(state)
    this.#cells.merge(state.cells)
    if (state.lastCommit !== null) this.#lastCommit = Math.max(this.#lastCommit ?? 0, state.lastCommit)
    this.#snapshot = undefined
  }

  /** All of it, for `merge`: into empty totals it brings back these. */
  encode(): EncodedTotals {
    const parts = Object.fromEntries(Array.from(this.#dimensions, ([name, tally]) => [name, tally.encode()]))
    const [artists, tracks] = [this.#topArtists.all(), this.#topTracks.all()]
    return {
      v: TOTALS_VERSION,
      events: this.#events,
      quarantined: Object.fromEntries(this.#quarantined),
      skipped: this.#skipped,
      gaps: this.#gaps,
      records: this.#records,
      files: this.#files,
      bytes: this.#bytes,
      removed: { ...this.#removed },
      ...(parts as Record<Dimension, ReturnType<Tally['encode']>>),
      time: { oldest: this.#oldest, newest: this.#newest, ...this.#timeline.encode() },
      duration: { sum: this.#seconds, buckets: [...this.#buckets] },
      artists: {
        listed: artists.listed.map(({ names: [artist], events, lack }) => [artist, events, lack]),
        most: artists.most,
      },
      tracks: {
        listed: tracks.listed.map(({ names: [artist, track], events, lack }) => [artist, track, events, lack]),
        most: tracks.most,
      },
      distinct: { users: this.#users.encode(), artists: this.#artists.encode(), tracks: this.#tracks.encode() },
      lastCommit: this.#lastCommit,
      cells: encodeCells(this.cells),
    }
  }

  /** The totals of now. Cheap to call again while nothing is added. */
  snapshot(): Readonly<TotalsSnapshot> {
    this.#snapshot ??= this.#read()
    return this.#snapshot
  }

  /**
   * Events by time, `[from, to)` in epoch milliseconds. Minutes are known for the newest week that had events (10,080
   * minutes), hours for a year before, days beyond; `coarser` says how many events of the range a finer step misses.
   */
  series(step: Step, from: number, to: number): Series {
    return this.#timeline.series(step, from, to)
  }

  /** Events by weekday, Monday first, and hour, UTC; `unplaced` are those of which only the day is known. */
  hours(): { matrix: number[][]; unplaced: number } {
    return this.#timeline.hours()
  }

  #addBatch(record: BatchRecord): void {
    const { summary } = record
    const source = `commit record ${record.topicId}/p${record.partition}/${record.seq}`
    this.#mergeSketches(summary.distinct, source)
    this.#events += record.events
    this.#skipped += record.skipped
    this.#addQuarantined(record.quarantined)
    if (record.events > 0) this.#lastCommit = Math.max(this.#lastCommit ?? 0, Date.parse(record.committedAt))

    for (const [dimension, tally] of this.#dimensions) tally.merge(summary[dimension])
    this.#addTop(summary)
    this.#timeline.merge(summary.time)
    this.#addSpan(summary)
    this.#cells.add(record, source)
  }

  /** All of them are read before any is merged, so that a damaged one adds nothing. */
  #mergeSketches(distinct: Summary['distinct'], source: string): void {
    const users = DistinctSketch.decode(distinct.users, source)
    const artists = DistinctSketch.decode(distinct.artists, source)
    const tracks = DistinctSketch.decode(distinct.tracks, source)
    this.#users.merge(users)
    this.#artists.merge(artists)
    this.#tracks.merge(tracks)
  }

  #addQuarantined(quarantined: TotalsSnapshot['quarantined']): void {
    for (const [reason, n] of Object.entries(quarantined) as [QuarantineReason, number][]) {
      this.#quarantined.set(reason, (this.#quarantined.get(reason) ?? 0) + n)
    }
  }

  #addTop({ artists, tracks }: Summary): void {
    this.#topArtists.begin(artists.most, artists.lack)
    for (const entry of artists.listed) this.#addArtist(entry[0], entry[1], artists.lack)
    this.#topTracks.begin(tracks.most, tracks.lack)
    for (const entry of tracks.listed) this.#addTrack(entry[0], entry[1], entry[2], tracks.lack)
  }

  #addArtist(artist: string, n: number, lack: number): void {
    hash64(artist, words)
    add(this.#topArtists, [artist], n, lack)
  }

  #addTrack(artist: string, track: string, n: number, lack: number): void {
    hash64(artist, words)
    hashTrack(words[0] as number, words[1] as number, track, words)
    add(this.#topTracks, [artist, track], n, lack)
  }

  #addSpan({ time, duration }: Pick<Summary, 'duration'> & { time: Pick<Summary['time'], 'oldest' | 'newest'> }): void {
    if (time.oldest !== null) this.#oldest = Math.min(this.#oldest ?? time.oldest, time.oldest)
    if (time.newest !== null) this.#newest = Math.max(this.#newest ?? time.newest, time.newest)
    this.#seconds += duration.sum
    for (const [i, n] of duration.buckets.entries()) this.#buckets[i] = (this.#buckets[i] as number) + n
  }

  #read(): TotalsSnapshot {
    const distributions = Object.fromEntries(
      Array.from(this.#dimensions, ([dimension, tally]): [Dimension, Distribution] => {
        const { named, other } = tally.read()
        return [dimension, { named, other, exact: other === 0 || named.length < NAMES_PER_FIELD }]
      }),
    )
    return {
      events: this.#events,
      quarantined: Object.fromEntries(this.#quarantined),
      skipped: this.#skipped,
      gaps: this.#gaps,
      records: this.#records,
      files: this.#files,
      bytes: this.#bytes,
      removed: { ...this.#removed },
      distinct: {
        users: this.#users.estimate(),
        artists: this.#artists.estimate(),
        tracks: this.#tracks.estimate(),
      },
      distributions: distributions as Record<Dimension, Distribution>,
      topArtists: topList(this.#topArtists),
      topTracks: topList(this.#topTracks),
      durations: {
        mean: this.#events === 0 ? null : this.#seconds / this.#events,
        buckets: this.#buckets.map((events, i) => ({ upTo: DURATION_BOUNDS[i] ?? null, events })),
      },
      oldestEvent: this.#oldest,
      newestEvent: this.#newest,
      lastCommit: this.#lastCommit,
    }
  }
}

/** Adds to the counter a name whose hash is in `words`. */
function add<T extends Names>(counter: TopCounter<T>, names: T, n: number, lack: number): void {
  const first = words[0] as number
  const second = words[1] as number
  if (!counter.count(first, second, n, lack)) counter.open(first, second, names, n, lack)
}

function topList<T extends Names>(counter: TopCounter<T>): TopList<T> {
  const { listed, most } = counter.rank(TOP_SHOWN)
  const last = listed.length === TOP_SHOWN ? (listed.at(-1)?.events ?? 0) : 0
  return {
    entries: listed.map(({ names, events, lack }) => ({ names, events, atMost: events + lack })),
    exact: most <= last && listed.every(({ lack }) => lack === 0),
  }
}
