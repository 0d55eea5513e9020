/**
 * What the generator takes the world to be like. Each figure says where it comes from: "published" ones are held by
 * tests (test/generate/realism.test.ts), "assumption" marks what no good source was found for.
 */

type Shares<Name extends string = string> = Readonly<Record<Name, number>>

/** Figures that rest on thin evidence, and that `new Generator({ assumptions })` can replace. */
export interface Assumptions {
  /** Mean duration of a track in seconds. Assumption: measured on 42 tracks only. */
  durationMeanS: number
  /** Standard deviation of the duration of tracks in seconds. Assumption, as above. */
  durationSdS: number
  /** Share of listening by device; the sum is free. Assumption: published shares are of 2015, before smart speakers. */
  deviceShares: Shares<Device>
}

export const DEVICES = ['Mobile', 'Desktop', 'Tablet', 'Smart Speaker', 'Smart TV', 'Car'] as const
export type Device = (typeof DEVICES)[number]

export const ASSUMPTIONS: Assumptions = {
  durationMeanS: 224,
  durationSdS: 29,
  deviceShares: { Mobile: 64, Desktop: 17, Tablet: 6, 'Smart Speaker': 7, 'Smart TV': 3, Car: 3 },
}

/**
 * Share of plays that are skipped before the end. Published for Mobile and Desktop (P. Lamere, "The Skip", 2014; 48.6 %
 * over all); assumption for the others, so that all together come near the published figure.
 */
export const SKIP_RATE: Shares<Device> = {
  Mobile: 0.511,
  Desktop: 0.401,
  Tablet: 0.49,
  'Smart Speaker': 0.45,
  'Smart TV': 0.46,
  Car: 0.48,
}

/** How often a play is followed by each of these, before it ends or is skipped. Assumption. */
export const REACTIONS: Shares<'pause' | 'like' | 'favorite' | 'share'> = {
  pause: 0.07,
  like: 0.06,
  favorite: 0.03,
  share: 0.012,
}

/** Hours of listening per listener and week. Published: IFPI, Engaging with Music, 2023. */
export const HOURS_PER_WEEK = 20.7

/** Share of plays skipped over all devices. Published, as above. */
export const OVERALL_SKIP_RATE = 0.486

/** Mean seconds until a play is skipped, of those that are. Derived from the curve below with tracks of 224 s. */
export const SKIPPED_AFTER_S = 40

/** Shares of plays that are skipped within so many seconds, over all devices. Published, as above. */
export const SKIPPED_WITHIN = [
  { within: 5, share: 0.241 },
  { within: 10, share: 0.29 },
  { within: 30, share: 0.351 },
] as const

/** The pieces of that curve, as shares of all skips: so many of them `until` the second where each ends. */
const SKIP_SPANS = [{ within: 0, share: 0 }, ...SKIPPED_WITHIN].map(({ within, share }) => ({
  until: within,
  share: share / OVERALL_SKIP_RATE,
}))

/**
 * Seconds from the beginning of a track to its skip, spread evenly between the points of the published curve, which ends
 * with the track. Assumption: the curve has the same form on every device.
 *
 * @param u        in [0, 1): the share of skips that come earlier
 * @param duration of the track in seconds, at least 30
 */
export function secondsUntilSkip(u: number, duration: number): number {
  let i = SKIP_SPANS.length - 1
  while (u < (SKIP_SPANS[i] as (typeof SKIP_SPANS)[number]).share) i--
  const from = SKIP_SPANS[i] as (typeof SKIP_SPANS)[number]
  const to = SKIP_SPANS[i + 1] ?? { until: duration, share: 1 }
  return from.until + ((u - from.share) / (to.share - from.share)) * (to.until - from.until)
}

/** Share of listeners by country. Published for the US (Luminate, 2024); assumption for the others. */
export const COUNTRIES: Shares = {
  US: 29,
  IN: 5.5,
  BR: 5,
  GB: 5,
  DE: 4.5,
  MX: 4,
  FR: 4.5,
  CN: 3.5,
  JP: 3.5,
  CA: 2.6,
  ID: 2.4,
  KR: 2.2,
  ES: 2.2,
  IT: 2.2,
  AU: 2,
  TR: 1.6,
  NL: 1.4,
  PH: 1.4,
  PL: 1.4,
  AR: 1.3,
  CO: 1.2,
  SE: 1.1,
  CL: 0.9,
  NG: 0.9,
  ZA: 0.8,
  TH: 0.8,
  VN: 0.8,
  EG: 0.7,
  NO: 0.7,
  BE: 0.7,
  CH: 0.7,
  DK: 0.6,
  PE: 0.6,
  AT: 0.5,
  FI: 0.5,
  PT: 0.5,
  IE: 0.5,
  MA: 0.4,
  NZ: 0.4,
  KE: 0.4,
  GR: 0.3,
  CZ: 0.3,
  RO: 0.3,
  SN: 0.2,
}

/**
 * Share of listeners by platform, where the next table has nothing else. Published, of subscribers world-wide, all
 * countries together: Spotify 32 %, YouTube Music 10 % (MIDiA, Q4 2024). Assumption for the others.
 */
export const PLATFORMS: Shares = {
  Spotify: 36,
  'YouTube Music': 9,
  'Apple Music': 18,
  'Amazon Music': 16,
  Deezer: 3,
  SoundCloud: 7,
  Pandora: 6,
  TIDAL: 3,
  Qobuz: 2,
  'Tencent Music': 0,
  JioSaavn: 0,
  'LINE MUSIC': 0,
  Melon: 0,
}

/** Platforms where a country has its own favourites. Assumption; that Deezer is far stronger in France is published. */
export const HOME_PLATFORMS: Readonly<Record<string, Shares>> = {
  FR: { Spotify: 32, Deezer: 28, 'Apple Music': 13, 'YouTube Music': 12, 'Amazon Music': 9, SoundCloud: 3, Qobuz: 3 },
  CN: { 'Tencent Music': 95, 'Apple Music': 5 },
  IN: { Spotify: 30, JioSaavn: 30, 'YouTube Music': 22, 'Amazon Music': 10, 'Apple Music': 8 },
  JP: { 'Apple Music': 25, 'Amazon Music': 25, 'LINE MUSIC': 20, Spotify: 15, 'YouTube Music': 15 },
  KR: { Melon: 40, 'YouTube Music': 40, 'Apple Music': 12, Spotify: 8 },
}

/**
 * Share of listening by genre. Published for the US (Luminate, 2024): R&B and hip-hop together 25 %, rock 17 %, pop
 * 12 %; assumption for the others.
 */
export const GENRES: Shares = {
  'Hip-Hop': 17,
  'R&B': 8,
  Rock: 17,
  Pop: 12,
  Country: 8,
  Latin: 8,
  Electronic: 6,
  Indie: 5,
  Metal: 4,
  Folk: 3,
  Jazz: 2.5,
  Classical: 2.5,
  Soul: 2.5,
  Blues: 1.5,
  Reggae: 1.5,
  'K-Pop': 1,
  Afrobeats: 0.5,
}

const LATIN_AMERICA = { Latin: 4, Country: 0.1, 'R&B': 0.6 }
const EUROPE = { Country: 0.2, Electronic: 1.6, Pop: 1.3 }
const AFRICA = { Afrobeats: 40, Country: 0.3, Reggae: 2, Rock: 0.4 }

/** What a country multiplies the shares above by. Published: rap leads in France (SNEP, 2024). Assumption otherwise. */
export const TASTE_BY_COUNTRY: Readonly<Record<string, Shares>> = {
  FR: { ...EUROPE, 'Hip-Hop': 1.8, Rock: 0.8 },
  GB: { ...EUROPE, Indie: 1.6 },
  DE: { ...EUROPE, Electronic: 2 },
  NL: { ...EUROPE, Electronic: 2.2 },
  IT: EUROPE,
  BE: EUROPE,
  CH: EUROPE,
  AT: EUROPE,
  PL: EUROPE,
  DK: EUROPE,
  SE: { ...EUROPE, Metal: 1.5 },
  NO: { ...EUROPE, Metal: 1.8 },
  FI: { ...EUROPE, Metal: 3 },
  ES: { ...EUROPE, Latin: 3 },
  PT: { ...EUROPE, Latin: 1.5 },
  BR: LATIN_AMERICA,
  MX: LATIN_AMERICA,
  AR: LATIN_AMERICA,
  CO: LATIN_AMERICA,
  CL: LATIN_AMERICA,
  PE: LATIN_AMERICA,
  KR: { 'K-Pop': 35, Country: 0.1, Latin: 0.3 },
  JP: { 'K-Pop': 8, Country: 0.1, Pop: 2, Jazz: 1.5 },
  PH: { 'K-Pop': 10, Pop: 1.5 },
  TH: { 'K-Pop': 12, Pop: 1.5 },
  VN: { 'K-Pop': 10, Pop: 1.8 },
  NG: { ...AFRICA, Afrobeats: 90 },
  KE: AFRICA,
  ZA: AFRICA,
  SN: AFRICA,
}

/** The genres' weights in a country. */
export function genreWeights(country: string): number[] {
  const taste = TASTE_BY_COUNTRY[country] ?? {}
  return Object.entries(GENRES).map(([genre, share]) => share * (taste[genre] ?? 1))
}

/** The platforms' weights in a country, in the order of `PLATFORMS`. */
export function platformWeights(country: string): number[] {
  const home = HOME_PLATFORMS[country]
  return Object.entries(PLATFORMS).map(([platform, share]) => (home === undefined ? share : (home[platform] ?? 0)))
}

/** The share of all listening that each genre has, over all countries; the sum is 1. */
export function worldGenreShares(): number[] {
  const shares = new Array<number>(Object.keys(GENRES).length).fill(0)
  const people = sum(Object.values(COUNTRIES))
  for (const [country, inhabitants] of Object.entries(COUNTRIES)) {
    const weights = genreWeights(country)
    const total = sum(weights)
    for (const [genre, weight] of weights.entries()) {
      shares[genre] = (shares[genre] as number) + (weight / total) * (inhabitants / people)
    }
  }
  return shares
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
