/**
 * What is still to be exported: decisions only, no I/O.
 *
 * The events of one day of one partition are a stream in the order of their offsets, whichever files hold them: joining
 * files changes neither. An exported file holds a piece of one stream and says which in its name, so that the position in
 * every stream can be read from the names: the offset up to which it is exported, and the number of events up to there.
 */
import type { LakeFile } from '../archive/files.ts'
import { baseName } from '../archive/layout.ts'
import { IMPORT_ID } from '../archive/lineages.ts'
import { MusicFakerError } from '../errors.ts'

/** The offsets of a stream up to which it is exported, and how many events of it that are. */
export interface Position {
  next: number
  events: number
}

/** A piece of one stream: what one exported file will hold. */
export interface Slice {
  topicId: string
  partition: number
  /** UTC, YYYY-MM-DD. */
  day: string
  /** In the order of their offsets. */
  files: LakeFile[]
  /** Events at the beginning of the first file that are exported already. */
  skip: number
  /** Offsets `[first, next)`. */
  first: number
  next: number
  events: number
}

/** Exported files hold no more events than this, unless one file of the lake does. */
export const SLICE_EVENTS = 2_000_000

type Stream = Pick<LakeFile, 'topicId' | 'partition'> & { day: string }

/** The name of an exported file, without its folder. */
export function sliceName({ topicId, partition, first, next }: Omit<Slice, 'files'>, extension: string): string {
  return `events_${topicId}_p${partition}_${first}-${next - 1}.${extension}`
}

/** Where the streams of an earlier export stand. */
export class Positions {
  readonly #positions = new Map<string, Position>()

  /**
   * @param file of an export
   * @throws COMMIT_CORRUPT for a name that is not one of an exported file; COMMIT_UNKNOWN_FORMAT for one that holds
   *   imports and does not say whose, as names once were
   */
  add({ path, day, events }: Pick<LakeFile, 'path' | 'day' | 'events'>): void {
    const match = /^events_(.+)_p(\d+)_(\d+)-(\d+)\./.exec(baseName(path))
    if (!match || day === null) {
      throw new MusicFakerError('COMMIT_CORRUPT', `${path} is recorded as exported, but has no such name`, {
        next: 'Export to another, empty folder.',
      })
    }
    const [topicId = '', partition, , last] = match.slice(1)
    if (topicId === IMPORT_ID) {
      throw new MusicFakerError('COMMIT_UNKNOWN_FORMAT', `${path} does not say of which lake its imported events are`, {
        next: 'Export to another, empty folder.',
      })
    }
    const key = keyOf({ topicId, partition: Number(partition), day })
    const before = this.#positions.get(key)
    this.#positions.set(key, {
      next: Math.max(before?.next ?? 0, Number(last) + 1),
      events: (before?.events ?? 0) + events,
    })
  }

  /** Whether all of a file of the lake is exported. */
  has(file: LakeFile): boolean {
    return file.day !== null && file.next <= this.of({ ...file, day: file.day }).next
  }

  of(stream: Stream): Position {
    return this.#positions.get(keyOf(stream)) ?? { next: 0, events: 0 }
  }
}

interface Waiting extends Stream {
  /** Events in files that are exported already. */
  done: number
  files: LakeFile[]
}

/**
 * The files that are still to be exported. Holds so many at most: beyond that it lets the latest days go, and `end` says
 * from which on; they need another round.
 */
export class Backlog {
  readonly #positions: Positions
  readonly #limit: number
  readonly #days = new Map<string, Map<string, Waiting>>()
  /** Files that are held, of days that have any. */
  readonly #held = new Map<string, number>()
  #size = 0
  /** Days from this one on are not held; undefined when all are. */
  end: string | undefined

  constructor(positions: Positions, limit: number) {
    this.#positions = positions
    this.#limit = limit
  }

  add(file: LakeFile): void {
    const { day } = file
    if (day === null || (this.end !== undefined && day >= this.end)) return
    const stream = { topicId: file.topicId, partition: file.partition, day }
    const streams = this.#days.get(day) ?? new Map<string, Waiting>()
    this.#days.set(day, streams)
    const waiting = streams.get(keyOf(stream)) ?? { ...stream, done: 0, files: [] }
    streams.set(keyOf(stream), waiting)
    if (this.#positions.has(file)) {
      waiting.done += file.events
      return
    }
    waiting.files.push(file)
    this.#held.set(day, (this.#held.get(day) ?? 0) + 1)
    this.#size++
    while (this.#size > this.#limit && this.#held.size > 1) this.#letLastDayGo()
  }

  /** Nothing is to be exported. */
  get empty(): boolean {
    return this.#size === 0
  }

  /** In the order of days, then of partitions. */
  *slices(): Generator<Slice> {
    for (const day of [...this.#days.keys()].sort()) {
      for (const waiting of this.#days.get(day)?.values() ?? []) yield* slicesOf(waiting, this.#positions.of(waiting))
    }
  }

  #letLastDayGo(): void {
    const last = [...this.#held.keys()].reduce((a, b) => (a > b ? a : b))
    this.#size -= this.#held.get(last) ?? 0
    this.#held.delete(last)
    this.#days.delete(last)
    this.end = last
  }
}

function* slicesOf({ topicId, partition, day, done, files }: Waiting, position: Position): Generator<Slice> {
  let slice: Slice | undefined
  let begins = position.next
  for (const file of files.sort((a, b) => a.first - b.first)) {
    // Joined with files that are exported already: the position lies within it.
    const skip = file.first < begins ? position.events - done : 0
    if (skip < 0 || skip > file.events || (slice && file.first < begins)) throw overlapping(file)
    if (slice && slice.events + file.events > SLICE_EVENTS) {
      yield slice
      slice = undefined
    }
    const first = Math.max(file.first, begins)
    slice ??= { topicId, partition, day, files: [], skip, first, next: first, events: 0 }
    slice.files.push(file)
    slice.next = file.next
    slice.events += file.events - skip
    begins = file.next
  }
  if (slice) yield slice
}

function overlapping({ path }: LakeFile): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `${path} holds other events of its offsets than were exported`, {
    next: 'Run: music-faker verify --deep',
  })
}

function keyOf({ topicId, partition, day }: Stream): string {
  return `${topicId} ${partition} ${day}`
}
