/** The parts of a snapshot that come from the lake's totals: pure, and bounded whatever names the events carry. */
import { quarantinedCount } from '../archive/record.ts'
import { DIMENSIONS } from '../stats/summary.ts'
import type { TotalsSnapshot } from '../stats/totals.ts'
import {
  type Clocks,
  type Dimension,
  type Distribution,
  type Distributions,
  type Durations,
  FRESH_S,
  type QuarantineTotals,
  type Ranked,
  type Top,
  type Totals,
} from './api.ts'
import type { PastTotals } from './history.ts'
import { clip } from './text.ts'

/**
 * @param at     when the totals were read, epoch milliseconds
 * @param before older totals, from which the change is told
 */
export function totalsSection(totals: TotalsSnapshot, at: number, before: PastTotals | undefined): Totals {
  const { users, artists, tracks } = totals.distinct
  return {
    events: totals.events,
    quarantined: quarantineTotals(totals).total,
    skipped: totals.skipped,
    lost: totals.gaps,
    records: totals.records,
    files: totals.files,
    bytes: totals.bytes,
    users,
    artists,
    tracks,
    change:
      before === undefined
        ? null
        : {
            seconds: Math.round((at - before.at) / 1_000),
            events: totals.events - before.events,
            users: users.count - before.users,
            artists: artists.count - before.artists,
            tracks: tracks.count - before.tracks,
          },
  }
}

/** @param limit names of each distribution; what the others sum up to is told */
export function distributions(totals: TotalsSnapshot, limit: number | Record<Dimension, number>): Distributions {
  const most = (dimension: Dimension) => (typeof limit === 'number' ? limit : limit[dimension])
  const cut = ({ named, other }: TotalsSnapshot['distributions'][Dimension], limit: number): Distribution => ({
    values: named.slice(0, limit).map(([name, events]) => [clip(name), events]),
    others: named.slice(limit).reduce((sum, [, events]) => sum + events, other),
  })
  const of = totals.distributions
  return Object.fromEntries(
    DIMENSIONS.map((dimension) => [dimension, cut(of[dimension], most(dimension))]),
  ) as Distributions
}

export function top(totals: TotalsSnapshot, kind: Top['kind'], limit: number): Top {
  const { entries, exact } = kind === 'artists' ? totals.topArtists : totals.topTracks
  const values = entries.slice(0, limit).map(({ names, events, atMost }, i): Ranked => {
    const [artist, track] = names
    const called = track === undefined ? { name: clip(artist) } : { name: clip(track), artist: clip(artist) }
    return { rank: i + 1, ...called, events, atMost }
  })
  return { kind, exact, values }
}

export function durations({ durations: { mean, buckets } }: TotalsSnapshot): Durations {
  return {
    mean: mean === null ? null : Math.round(mean * 10) / 10,
    buckets: buckets.map(({ upTo, events }, i) => ({ over: buckets[i - 1]?.upTo ?? 0, upTo, events })),
  }
}

export function quarantineTotals({ quarantined }: TotalsSnapshot): QuarantineTotals {
  return { total: quarantinedCount({ quarantined }), reasons: quarantined }
}

/** @param now epoch milliseconds */
export function clocks(totals: TotalsSnapshot | undefined, now: number): Clocks {
  const { newestEvent = null, lastCommit = null } = totals ?? {}
  const freshness = lastCommit === null ? 'empty' : now - lastCommit < FRESH_S * 1_000 ? 'fresh' : 'stale'
  return { newestEvent: iso(newestEvent), lastCommit: iso(lastCommit), freshness }
}

function iso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString()
}
