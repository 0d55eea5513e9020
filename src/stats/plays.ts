import { ARTIST, type EventBytes, TRACK } from '../event-bytes.ts'
import { hash64, hashField, hashTrack } from './hash.ts'
import { DistinctSketch } from './sketch.ts'
import { LONGEST_NAME } from './tally.ts'
import { TopCounter } from './top.ts'

export type ArtistName = readonly [artist: string]
/** A track is a title together with its artist. */
export type TrackName = readonly [artist: string, track: string]

/** Names that a batch counts exactly, for its lists of the most frequent. */
const COUNTED = 65_536

const words = new Int32Array(2)

/** Counts a batch's events by artist and by track: how many distinct ones there are, and which are the most frequent. */
export class Plays {
  readonly topArtists = new TopCounter<ArtistName>(COUNTED)
  readonly topTracks = new TopCounter<TrackName>(COUNTED)
  readonly artists = new DistinctSketch()
  readonly tracks = new DistinctSketch()

  add(artist: string, track: string): void {
    hash64(artist, words)
    const artistFirst = words[0] as number
    const artistSecond = words[1] as number
    if (!this.topArtists.count(artistFirst, artistSecond)) this.#openArtist(artistFirst, artistSecond, artist)
    hashTrack(artistFirst, artistSecond, track, words)
    const first = words[0] as number
    const second = words[1] as number
    if (!this.topTracks.count(first, second)) this.#openTrack(first, second, artist, track)
  }

  /** As `add`. A name that is counted already is not made again. */
  addBytes(event: EventBytes): void {
    hashField(event, ARTIST, words)
    const artistFirst = words[0] as number
    const artistSecond = words[1] as number
    if (!this.topArtists.count(artistFirst, artistSecond)) {
      this.#openArtist(artistFirst, artistSecond, event.text(ARTIST))
    }
    hashField(event, TRACK, words, artistFirst)
    const first = words[0] as number
    const second = ((words[1] as number) + artistSecond) | 0
    if (!this.topTracks.count(first, second)) {
      this.#openTrack(first, second, event.text(ARTIST), event.text(TRACK))
    }
  }

  // A name that a counter holds is in its sketch already.

  #openArtist(first: number, second: number, artist: string): void {
    this.artists.addHash(first, second)
    if (artist.length > LONGEST_NAME) this.topArtists.countUnnamed()
    else this.topArtists.open(first, second, [artist])
  }

  #openTrack(first: number, second: number, artist: string, track: string): void {
    this.tracks.addHash(first, second)
    if (artist.length > LONGEST_NAME || track.length > LONGEST_NAME) this.topTracks.countUnnamed()
    else this.topTracks.open(first, second, [artist, track])
  }
}
