/** Ranks of a while ago, to which those of now are compared. */
import type { Names, TopList } from '../stats/top.ts'
import type { Top } from './api.ts'
import { iso, type Lists, top } from './sections.ts'

/** How far back the ranks of all time are compared, and how often they are noted for it. */
const SPAN_MS = 3_600_000
const STEP_MS = 60_000

/** The top lists of all time as they were in the last hour. */
export class RankHistory {
  #noted: { at: number; lists: Lists }[] = []

  /** @param now epoch milliseconds */
  note(now: number, { topArtists, topTracks }: Lists): void {
    const last = this.#noted.at(-1)
    if (last !== undefined && now - last.at < STEP_MS) return
    this.#noted = [
      ...this.#noted.filter(({ at }) => now - at <= SPAN_MS),
      { at: now, lists: { topArtists, topTracks } },
    ]
  }

  /** The oldest of them; undefined while there is only what is of now. */
  before(now: number): { at: number; lists: Lists } | undefined {
    const oldest = this.#noted[0]
    return oldest !== undefined && now - oldest.at >= STEP_MS ? oldest : undefined
  }
}

/** What ranks are compared with; times in epoch milliseconds. */
export interface Earlier {
  from: number | null
  to: number
  lists: Lists
}

export function comparedTop(now: Lists, kind: Top['kind'], limit: number, earlier: Earlier | undefined): Top {
  const section = top(now, kind, limit)
  if (earlier === undefined) return { ...section, comparedWith: null }
  const list = (lists: Lists): TopList<Names> => (kind === 'artists' ? lists.topArtists : lists.topTracks)
  const ranks = new Map(list(earlier.lists).entries.map(({ names }, i) => [key(names), i + 1]))
  const { entries } = list(now)
  return {
    ...section,
    comparedWith: { from: iso(earlier.from), to: iso(earlier.to) },
    values: section.values.map((value, i) => ({ ...value, was: ranks.get(key(entries[i]?.names ?? [])) ?? null })),
  }
}

function key(names: Names): string {
  return names.join('\0')
}
