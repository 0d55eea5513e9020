import { Names } from './names.ts'

/** Tracks and artists at a time: what the dashboard may hold of names that producers choose. */
const TRACKS = 131_072
const ARTISTS = 65_536
const CHARACTERS = 6_000_000

/** Numbers for tracks and their artists: a track is a title together with its artist. 0 is a track that has no place. */
export class TrackNames {
  readonly artists = new Names(ARTISTS, CHARACTERS)
  readonly #tracks = new Names(TRACKS, CHARACTERS)
  #artistOf = new Uint32Array(1_024)

  /** Every number of a track is below it. */
  get end(): number {
    return this.#tracks.end
  }

  /** @returns the track's number, once more in use until `release` */
  take(artist: string, title: string): number {
    if (title === '') return 0
    const by = this.artists.take(artist)
    if (by === 0) return 0
    const track = this.#tracks.take(`${by} ${title}`)
    if (track === 0 || this.#tracks.uses(track) > 1) {
      this.artists.release(by)
      return track
    }
    if (track >= this.#artistOf.length) {
      const larger = new Uint32Array(this.#artistOf.length * 2)
      larger.set(this.#artistOf)
      this.#artistOf = larger
    }
    this.#artistOf[track] = by
    return track
  }

  /** For each row that refers to a track and goes. */
  release(track: number): void {
    if (this.#tracks.release(track)) this.artists.release(this.artistOf(track))
  }

  keep(track: number): void {
    this.#tracks.keep(track)
  }

  artistOf(track: number): number {
    return this.#artistOf[track] as number
  }

  title(track: number): string {
    const name = this.#tracks.name(track)
    return name.slice(name.indexOf(' ') + 1)
  }
}

/** Gives the tracks of another set, by their number there, numbers among those that are here. Each is looked up once. */
export class TrackPlaces {
  readonly #into: TrackNames
  readonly #from: ForeignTracks
  /** -1: not looked up yet. */
  readonly #numbers: Int32Array

  constructor(into: TrackNames, from: ForeignTracks) {
    this.#into = into
    this.#from = from
    this.#numbers = new Int32Array(from.titles.length).fill(-1)
  }

  /** @returns the number, once more in use */
  take(track: number): number {
    let number = this.#numbers[track] as number
    if (number < 0) {
      const { artists, artistOf, titles } = this.#from
      number = this.#into.take(artists[artistOf[track] as number] as string, titles[track] as string)
      this.#numbers[track] = number
    }
    this.#into.keep(number)
    return number
  }

  /** To be called at the end: until then each number that was looked up is in use, so that no other track may get it. */
  close(): void {
    for (const number of this.#numbers) if (number > 0) this.#into.release(number)
  }
}

export interface ForeignTracks {
  /** By number of the track. */
  titles: readonly string[]
  artistOf: ArrayLike<number>
  /** By number of the artist. */
  artists: readonly string[]
}
