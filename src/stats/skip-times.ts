/**
 * How long after a play its listener skips it, from the times of both: an event says that a play was skipped, not after
 * how long. A sample seldom holds both, so only minutes whose every event is known are looked at, the newest ones.
 */
import type { Minute } from './minute.ts'

/** Seconds of the published curve (see `dashboard/published.ts`). */
export const SKIPPED_WITHIN = [5, 10, 30] as const
/** Rows that are looked at: some 5,000 plays, whose shares err by less than a hundredth. */
const MOST_ROWS = 8_192

/** Plays that were seen for as long as the longest of these spans, and those of them that were skipped by then. */
export interface SkippedWithin {
  /** Seconds. */
  within: number
  plays: number
  skips: number
}

interface Query {
  /** Numbers of the actions. */
  play: number
  skip: number
  /** Of a minute, which rows are looked at. */
  takes(minute: Minute): (row: number) => boolean
}

/** @param minutes by epoch minute, in any order. @returns empty where no play could be followed */
export function skipTimes(minutes: readonly [at: number, Minute][], query: Query): SkippedWithin[] {
  const events = newest(minutes, query)
  const last = (events.at(-1)?.second ?? 0) - Math.max(...SKIPPED_WITHIN)
  const skips = SKIPPED_WITHIN.map(() => 0)
  let plays = 0
  const playing = new Map<number, { track: number; second: number }>()
  for (const { second, user, track, skip } of events) {
    if (!skip) {
      playing.set(user, { track, second })
      if (second <= last) plays++
      continue
    }
    const play = playing.get(user)
    playing.delete(user)
    if (play?.track !== track || play.second > last) continue
    for (const [i, within] of SKIPPED_WITHIN.entries()) {
      if (second - play.second <= within) skips[i] = (skips[i] as number) + 1
    }
  }
  return plays === 0 ? [] : SKIPPED_WITHIN.map((within, i) => ({ within, plays, skips: skips[i] as number }))
}

/** Plays and skips of the newest minutes that are known whole, in the order of their times. */
function newest(minutes: readonly [at: number, Minute][], { play, skip, takes }: Query) {
  const found: { second: number; user: number; track: number; skip: boolean }[] = []
  let left = MOST_ROWS
  for (const [, minute] of minutes.toSorted(([a], [b]) => b - a)) {
    const { rows, complete, unknown } = minute
    left -= rows.size
    if (!complete || unknown > 0 || left < 0) break
    const taken = takes(minute)
    const { second, user, track, action } = rows.columns
    for (let i = 0; i < rows.size; i++) {
      if ((action[i] !== play && action[i] !== skip) || !taken(i)) continue
      found.push({
        second: second[i] as number,
        user: user[i] as number,
        track: track[i] as number,
        skip: action[i] === skip,
      })
    }
  }
  return found.sort((a, b) => a.second - b.second || Number(a.skip) - Number(b.skip))
}
