/** Artists and tracks of a view: how many there are, and which have the most events. */
import type { ArtistName, TrackName } from './plays.ts'
import type { Names, TopEntry } from './top.ts'
import type { TrackNames } from './track-names.ts'

const TOP = 100

export interface MostPlayed {
  artists: number
  tracks: number
  topArtists: TopEntry<ArtistName>[]
  topTracks: TopEntry<TrackName>[]
}

/** @param events by number of the track; number 0 has those of tracks that had no place, and is in no figure */
export function mostPlayed(names: TrackNames, events: Float64Array): MostPlayed {
  const byArtist = new Float64Array(names.artists.end)
  let tracks = 0
  for (let track = 1; track < events.length; track++) {
    const n = events[track] as number
    if (n === 0) continue
    tracks++
    const artist = names.artistOf(track)
    byArtist[artist] = (byArtist[artist] as number) + n
  }
  const artistName = (artist: number): ArtistName => [names.artists.name(artist)]
  const trackName = (track: number): TrackName => [names.artists.name(names.artistOf(track)), names.title(track)]
  return {
    artists: byArtist.reduce((sum, n, artist) => (artist > 0 && n > 0 ? sum + 1 : sum), 0),
    tracks,
    topArtists: top(byArtist, artistName),
    topTracks: top(events, trackName),
  }
}

/** The most frequent, equal ones by name. */
function top<T extends Names>(sums: Float64Array, name: (i: number) => T): TopEntry<T>[] {
  const least = nthLargest(sums, TOP)
  const found: { names: T; events: number }[] = []
  for (let i = 1; i < sums.length; i++) {
    const n = sums[i] as number
    if (n > 0 && n >= least) found.push({ names: name(i), events: n })
  }
  const order = (a: T, b: T) => (a.join('\0') < b.join('\0') ? -1 : 1)
  return found
    .sort((a, b) => b.events - a.events || order(a.names, b.names))
    .slice(0, TOP)
    .map(({ names, events: n }) => {
      const events = Math.max(1, Math.round(n))
      return { names, events, atMost: events }
    })
}

function nthLargest(sums: Float64Array, n: number): number {
  const sorted = sums.slice(1).sort()
  return sorted[sorted.length - n] ?? 0
}
