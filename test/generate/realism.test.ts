/** What the generator makes, beside the figures that were published about real listening (src/generate/world.ts). */
import { describe, expect, it } from 'vitest'
import type { MusicEvent } from '../../src/event.ts'
import { Generator } from '../../src/generate/generator.ts'
import {
  ASSUMPTIONS,
  COUNTRIES,
  DEVICES,
  platformWeights,
  REACTIONS,
  SKIP_RATE,
  SKIPPED_WITHIN,
} from '../../src/generate/world.ts'
import { chiSquare } from './chi-square.ts'

const EVENTS = 600_000
const events = (() => {
  const generator = new Generator({ seed: 42 })
  return Array.from({ length: EVENTS }, (_, i) => generator.next(i))
})()
const plays = events.filter((event) => event.action === 'play')

function countBy(list: readonly MusicEvent[], field: keyof MusicEvent): Map<string, number> {
  const counts = new Map<string, number>()
  for (const event of list) counts.set(String(event[field]), (counts.get(String(event[field])) ?? 0) + 1)
  return counts
}

function shareOf(list: readonly MusicEvent[], field: keyof MusicEvent, ...values: string[]): number {
  const counts = countBy(list, field)
  return values.reduce((sum, value) => sum + (counts.get(value) ?? 0), 0) / list.length
}

function expectBetween(value: number, least: number, most: number): void {
  expect(value).toBeGreaterThanOrEqual(least)
  expect(value).toBeLessThanOrEqual(most)
}

describe('popularity', () => {
  /** The share of listening that the `count` most popular artists of 10,000 have. */
  const topShare = (seed: number, count: number) => {
    const generator = new Generator({ seed })
    const sample = Array.from({ length: 100_000 }, () => generator.next(0))
    const counts = [...countBy(sample, 'artist').values()].sort((a, b) => b - a)
    return counts.slice(0, count).reduce((sum, n) => sum + n, 0) / sample.length
  }

  it.each([{ seed: 1 }, { seed: 2 }, { seed: 42 }, { seed: 4_294_967_295 }])(
    'the top 1 % of artists have about 80 % of listening: seed $seed',
    ({ seed }) => {
      expectBetween(topShare(seed, 100), 0.74, 0.84)
    },
  )

  it('the top 0.4 % of artists have about 60 %, and nobody has too much', () => {
    expectBetween(topShare(42, 40), 0.55, 0.66)
    expect(topShare(42, 1)).toBeLessThan(0.06)
  })

  it('tracks fall off by rank as slowly as real ones: exponent near 0.7 from rank 10 to 100, steeper below', () => {
    const counts = [...countBy(plays, 'track').values()].sort((a, b) => b - a)
    const slope = (from: number, to: number) =>
      Math.log((counts[from - 1] as number) / (counts[to - 1] as number)) / Math.log(to / from)
    expectBetween(slope(10, 100), 0.5, 1)
    expect(slope(1000, 3000)).toBeGreaterThan(slope(10, 100))
  })

  it('most of the catalogue is hardly ever played', () => {
    expectBetween(countBy(events, 'artist').size, 1500, 6000)
  })
})

describe('actions', () => {
  it.each(DEVICES)('plays on %s are skipped as often as published or assumed', (device) => {
    const on = events.filter((event) => event.device === device)
    const played = on.filter((event) => event.action === 'play').length
    const skipped = on.filter((event) => event.action === 'skip').length
    // Four standard deviations of a share among so many plays.
    const tolerance = 4 * Math.sqrt((SKIP_RATE[device] * (1 - SKIP_RATE[device])) / played)
    expect(Math.abs(skipped / played - SKIP_RATE[device])).toBeLessThan(tolerance + 0.002)
  })

  it('over all devices 48.6 % of plays are skipped, within a point', () => {
    const skipped = events.filter((event) => event.action === 'skip').length
    expectBetween(skipped / plays.length, 0.476, 0.496)
  })

  // At some 20 events per second, 10,000 listeners are heard in real time.
  it.each([5, 20])('at %i events per second plays are skipped as soon as published, within 1.5 points', (perSecond) => {
    const playing = new Map<string, number>()
    const after: number[] = []
    let played = 0
    const generator = new Generator({ seed: 42 })
    for (let i = 0; i < 50_000; i++) {
      const { user, action } = generator.next(Math.floor((i * 1000) / perSecond))
      // In whole seconds, as the page takes them.
      const second = Math.floor(i / perSecond)
      if (action === 'play') {
        played++
        playing.set(user, second)
      } else if (action === 'skip' && playing.has(user)) after.push(second - (playing.get(user) as number))
    }
    for (const { within, share } of SKIPPED_WITHIN) {
      const skipped = after.filter((seconds) => seconds <= within).length
      expect(Math.abs(skipped / played - share), `within ${within} s`).toBeLessThan(0.015)
    }
  })

  it.each(Object.entries(REACTIONS))('%s follows plays as often as assumed', (action, share) => {
    const seen = events.filter((event) => event.action === action).length
    expect(Math.abs(seen / plays.length - share)).toBeLessThan(0.003)
  })
})

describe('listeners', () => {
  const byUser = [...new Map(events.map((event) => [event.user, event])).values()]

  it('are spread over the countries as their weights say', () => {
    const counts = countBy(byUser, 'country')
    const codes = Object.keys(COUNTRIES)
    const { statistic, limit } = chiSquare(
      codes.map((code) => counts.get(code) ?? 0),
      Object.values(COUNTRIES),
    )
    expect(statistic).toBeLessThan(limit)
  })

  it('the US has 29 % of listening, within two points', () => {
    expectBetween(shareOf(plays, 'country', 'US'), 0.27, 0.31)
  })

  it('countries are codes of ISO 3166', () => {
    const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
    for (const code of Object.keys(COUNTRIES)) expect(names.of(code), code).toBeDefined()
    expect(Object.keys(COUNTRIES).length).toBeGreaterThan(40)
  })

  it('world-wide Spotify has 32 % and YouTube Music 10 %, within two points', () => {
    expectBetween(shareOf(byUser, 'platform', 'Spotify'), 0.3, 0.34)
    expectBetween(shareOf(byUser, 'platform', 'YouTube Music'), 0.08, 0.12)
  })

  it('Deezer is far stronger in France, where all platforms have the shares of its table', () => {
    const french = byUser.filter((event) => event.country === 'FR')
    const others = byUser.filter((event) => event.country !== 'FR')
    expect(shareOf(french, 'platform', 'Deezer')).toBeGreaterThan(5 * shareOf(others, 'platform', 'Deezer'))
    const [weights, counts] = [platformWeights('FR'), countBy(french, 'platform')]
    expect(weights.filter((weight) => weight > 0).length).toBe(counts.size)
  })

  it('use the devices that are assumed', () => {
    const total = Object.values(ASSUMPTIONS.deviceShares).reduce((sum, share) => sum + share, 0)
    for (const device of DEVICES) {
      const share = shareOf(plays, 'device', device)
      expect(Math.abs(share - ASSUMPTIONS.deviceShares[device] / total), device).toBeLessThan(0.015)
    }
  })
})

describe('genres', () => {
  // Three points are 3.6 standard deviations for some 2,900 listeners with two favourite genres each (0.83 over 40 seeds).
  it('in the US are 25 % R&B and hip-hop, 17 % rock, 12 % pop, within three points', () => {
    const american = plays.filter((event) => event.country === 'US')
    expectBetween(shareOf(american, 'genre', 'R&B', 'Hip-Hop'), 0.22, 0.28)
    expectBetween(shareOf(american, 'genre', 'Rock'), 0.14, 0.2)
    expectBetween(shareOf(american, 'genre', 'Pop'), 0.09, 0.15)
  })

  it('rap leads in France', () => {
    const french = plays.filter((event) => event.country === 'FR')
    const [first] = [...countBy(french, 'genre')].sort((a, b) => b[1] - a[1])
    expect(first?.[0]).toBe('Hip-Hop')
  })
})

describe('durations', () => {
  it('of tracks have the assumed mean and deviation, in whole seconds', () => {
    const durations = [...new Map(events.map((event) => [event.track, event.duration])).values()]
    const mean = durations.reduce((sum, s) => sum + s, 0) / durations.length
    const sd = Math.sqrt(durations.reduce((sum, s) => sum + (s - mean) ** 2, 0) / durations.length)
    expect(Math.abs(mean - ASSUMPTIONS.durationMeanS)).toBeLessThan(2)
    expect(Math.abs(sd - ASSUMPTIONS.durationSdS)).toBeLessThan(1.5)
    expect(durations.every(Number.isInteger)).toBe(true)
  })
})
