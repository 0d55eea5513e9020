/** The parts of a snapshot that come from the lake's totals: pure, and bounded whatever names the events carry. */
import { quarantinedCount } from '../archive/record.ts'
import { type Dimension, perDimension } from '../stats/dimensions.ts'
import { DURATION_BOUNDS } from '../stats/durations.ts'
import type { ArtistName, TrackName } from '../stats/plays.ts'
import type { NamedCount } from '../stats/tally.ts'
import type { TopList } from '../stats/top.ts'
import type { TotalsSnapshot } from '../stats/totals.ts'
import {
  type Clocks,
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
  const { distributions: all } = totals
  return perDimension((dimension) => distribution(all[dimension], most(dimension), all[dimension].exact))
}

export function distribution(
  { named, other }: { named: NamedCount[]; other: number },
  limit: number,
  exact: boolean,
): Distribution {
  return {
    values: named.slice(0, limit).map(([name, events]) => [clip(name), events]),
    others: named.slice(limit).reduce((sum, [, events]) => sum + events, other),
    exact,
  }
}

/** @param totals the totals, or the figures of a view */
export function top(totals: Lists, kind: Top['kind'], limit: number): Top {
  const { entries, exact } = kind === 'artists' ? totals.topArtists : totals.topTracks
  const values = entries.slice(0, limit).map(({ names, events, atMost }, i): Ranked => {
    const [artist, track] = names
    const called = track === undefined ? { name: clip(artist) } : { name: clip(track), artist: clip(artist) }
    return { rank: i + 1, ...called, events, atMost }
  })
  return { kind, exact, values }
}

/** The two lists of the most frequent. */
export interface Lists {
  topArtists: TopList<ArtistName>
  topTracks: TopList<TrackName>
}

/** @param buckets events by bucket */
export function durations(mean: number | null, buckets: readonly number[], exact: boolean): Durations {
  const bound = (i: number) => DURATION_BOUNDS[i] ?? null
  return {
    mean: mean === null ? null : Math.round(mean * 10) / 10,
    buckets: buckets.map((events, i) => ({ over: bound(i - 1) ?? 0, upTo: bound(i), events })),
    exact,
  }
}

export function quarantineTotals({ quarantined }: TotalsSnapshot): QuarantineTotals {
  return { total: quarantinedCount({ quarantined }), reasons: quarantined }
}

/** @param now epoch milliseconds, as are the times at which lake and log were read */
export function clocks(
  totals: TotalsSnapshot | undefined,
  now: number,
  read: { lake: number | undefined; log: number | undefined },
): Clocks {
  const { newestEvent = null, lastCommit = null } = totals ?? {}
  const freshness = lastCommit === null ? 'empty' : now - lastCommit < FRESH_S * 1_000 ? 'fresh' : 'stale'
  return {
    newestEvent: iso(newestEvent),
    lastCommit: iso(lastCommit),
    freshness,
    lakeReadAt: iso(read.lake ?? null),
    logReadAt: iso(read.log ?? null),
  }
}

export function iso(epochMs: number): string
export function iso(epochMs: number | null): string | null
export function iso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString()
}
