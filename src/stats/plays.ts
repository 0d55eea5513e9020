import { hash64, hashTrack } from './hash.ts'
import { DistinctSketch } from './sketch.ts'
import { LONGEST_NAME } from './tally.ts'
import { TopCounter } from './top.ts'

export type ArtistName = readonly [artist: string]
/** A track is a title together with its artist. */
export type TrackName = readonly [artist: string, track: string]

/** Names that a batch counts exactly, for its lists of the most frequent. */
const COUNTED = 65_536

const words = new Uint32Array(2)

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
    // A name that a counter holds is in its sketch already.
    if (!this.topArtists.count(artistFirst, artistSecond)) {
      this.artists.addHash(artistFirst, artistSecond)
      if (artist.length > LONGEST_NAME) this.topArtists.countUnnamed()
      else this.topArtists.open(artistFirst, artistSecond, [artist])
    }

    hashTrack(artistFirst, artistSecond, track, words)
    const first = words[0] as number
    const second = words[1] as number
    if (!this.topTracks.count(first, second)) {
      this.tracks.addHash(first, second)
      if (artist.length > LONGEST_NAME || track.length > LONGEST_NAME) this.topTracks.countUnnamed()
      else this.topTracks.open(first, second, [artist, track])
    }
  }
}
