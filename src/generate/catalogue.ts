/**
 * The music there is to listen to. An artist has one genre; a track has one artist and one duration; no two artists and
 * no two tracks share a name.
 *
 * Popularity is a log-normal weight per artist times one per track within the artist. Published: the top 1 % of artists
 * have about 80 % of listening (UK Intellectual Property Office, Music creators' earnings in the digital era, 2021), the
 * top 0.4 % over 60 % (Competition and Markets Authority, Music and streaming, 2022). In an unbounded catalogue the first
 * would mean sigma = 2.33 + 0.84 = 3.17. Among 10,000 artists that hands a third of all listening to one artist under
 * some seeds; so weights saturate, and a larger sigma makes up for it. What comes out is held by
 * test/generate/realism.test.ts.
 */
import { artistName, distinctName, trackTitle } from './names.ts'
import { type Random, WeightedChoice } from './random.ts'
import { type Assumptions, GENRES, worldGenreShares } from './world.ts'

/** Standard deviation of the logarithm of artists' weights. */
const ARTIST_SIGMA = 4
/** Likewise of an artist's tracks. Assumption. */
const TRACK_SIGMA = 1.2
/** The weight towards which the largest artists' weights saturate, as a share of the expected total. Assumption. */
const HEAD_SHARE = 0.01
/** An artist has one track and an exponential number of further ones, rounded down: 4 in the mean. Assumption. */
const FURTHER_TRACKS = 3.5
const SHORTEST_TRACK_S = 30
const LONGEST_TRACK_S = 3600

export interface Catalogue {
  /** Genres, by number. */
  readonly genres: readonly string[]
  /** By number of the artist. */
  readonly artistNames: readonly string[]
  /** By number of the track. */
  readonly titles: readonly string[]
  /** Whole seconds, by number of the track. */
  readonly durations: Uint16Array
  /** The number of a track's artist. */
  artistOf(track: number): number
  /** The number of a track's genre. */
  genreOf(track: number): number
  /** Draws a track of a genre by popularity: one entry per genre. */
  readonly shelves: readonly Shelf[]
}

/** The tracks of one genre. */
export class Shelf {
  readonly #tracks: Uint32Array
  readonly #choice: WeightedChoice

  /** @param tracks numbers of tracks, at least one; `weights` go with them */
  constructor(tracks: readonly number[], weights: readonly number[]) {
    this.#tracks = Uint32Array.from(tracks)
    this.#choice = new WeightedChoice(weights)
  }

  /** The number of a track. */
  pick(random: Random): number {
    return this.#tracks[this.#choice.pick(random)] as number
  }
}

/**
 * Builds a catalogue of `artistCount` artists (at least one for each genre) and about four times as many tracks.
 * Blocks for about 10 ms per thousand artists.
 */
export function createCatalogue(random: Random, artistCount: number, assumptions: Assumptions): Catalogue {
  const genres = Object.keys(GENRES)
  const weights = artistWeights(random, artistCount)
  const artistGenres = shareOutGenres(weights, worldGenreShares())
  const artistNames: string[] = []
  const titles: string[] = []
  const trackArtists: number[] = []
  const durations: number[] = []
  const shelved = genres.map(() => ({ tracks: [] as number[], weights: [] as number[] }))

  const takenNames = new Set<string>()
  const takenTitles = new Set<string>()
  for (let artist = 0; artist < artistCount; artist++) {
    artistNames.push(distinctName(takenNames, random, artistName))
    const shelf = shelved[artistGenres[artist] as number] as (typeof shelved)[number]
    const popularity = trackShares(random)
    for (const share of popularity) {
      shelf.tracks.push(titles.length)
      shelf.weights.push((weights[artist] as number) * share)
      titles.push(distinctName(takenTitles, random, trackTitle))
      trackArtists.push(artist)
      durations.push(duration(random, assumptions))
    }
  }
  const artists = Uint32Array.from(trackArtists)
  const artistOf = (track: number) => artists[track] as number
  return {
    genres,
    artistNames,
    titles,
    durations: Uint16Array.from(durations),
    artistOf,
    genreOf: (track) => artistGenres[artistOf(track)] as number,
    shelves: shelved.map((shelf) => new Shelf(shelf.tracks, shelf.weights)),
  }
}

/** In descending order: artist 0 is the most popular. */
function artistWeights(random: Random, count: number): Float64Array {
  const limit = HEAD_SHARE * count * Math.exp(ARTIST_SIGMA ** 2 / 2)
  const weights = Float64Array.from({ length: count }, () => {
    const weight = random.logNormal(0, ARTIST_SIGMA)
    return weight / (1 + weight / limit)
  })
  return weights.sort().reverse()
}

/**
 * Gives each artist, most popular first, the genre that lacks most of its share of listening, so that every genre has
 * its stars and the popularity of an artist within the genre agrees with the popularity over all.
 */
function shareOutGenres(weights: Float64Array, shares: readonly number[]): Uint8Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const lacking = shares.map((share) => share * total)
  return Uint8Array.from(weights, (weight, artist) => {
    // The least popular artists take one genre each: a genre without any track could not be drawn from.
    const left = weights.length - artist
    const genre = left <= shares.length ? left - 1 : lacking.indexOf(Math.max(...lacking))
    lacking[genre] = (lacking[genre] as number) - weight
    return genre
  })
}

/** The shares of an artist's listening that the tracks have; as many as the artist has tracks. */
function trackShares(random: Random): number[] {
  const count = 1 + Math.floor(random.exponential(FURTHER_TRACKS))
  const weights = Array.from({ length: count }, () => random.logNormal(0, TRACK_SIGMA))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

function duration(random: Random, { durationMeanS, durationSdS }: Assumptions): number {
  const seconds = Math.round(durationMeanS + durationSdS * random.normal())
  return Math.min(Math.max(seconds, SHORTEST_TRACK_S), LONGEST_TRACK_S)
}
