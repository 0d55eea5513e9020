/** What a view should show, counted from the lake's own files, one event after the other. */

import type { Filter } from '../../src/dashboard/api.ts'
import { type MusicEvent, parseTimestamp } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { DIMENSIONS, type Dimension, perDimension } from '../../src/stats/dimensions.ts'

/** Every event of the data files below `root`. */
export async function lakeEvents(lake: LakeStorage, root: string): Promise<MusicEvent[]> {
  const events: MusicEvent[] = []
  const walk = async (folder: string) => {
    for await (const { path, kind } of lake.list(folder)) {
      const name = path.slice(path.lastIndexOf('/') + 1)
      if (name.startsWith('_')) continue
      if (kind === 'directory') await walk(path)
      else {
        const lines = Buffer.from(await lake.read(path))
          .toString()
          .split('\n')
        events.push(...lines.filter(Boolean).map((line) => JSON.parse(line) as MusicEvent))
      }
    }
  }
  await walk(root)
  return events
}

export const timeOf = ({ timestamp }: MusicEvent): number => parseTimestamp(timestamp) ?? Number.NaN

/** The events in `[from, to)`, epoch milliseconds, that pass the filter; a field's own filter may be left out. */
export function chosen(events: MusicEvent[], from: number, to: number, filter: Filter, without?: Dimension) {
  return events.filter(
    (event) =>
      timeOf(event) >= from &&
      timeOf(event) < to &&
      DIMENSIONS.every((field) => field === without || (filter[field]?.includes(event[field]) ?? true)),
  )
}

export function countBy(events: MusicEvent[], value: (event: MusicEvent) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const event of events) counts[value(event)] = (counts[value(event)] ?? 0) + 1
  return counts
}

/** Counts of the view's sections. */
export function expected(events: MusicEvent[], from: number, to: number, filter: Filter) {
  const view = chosen(events, from, to, filter)
  const distinct = (value: (event: MusicEvent) => string) => new Set(view.map(value)).size
  const hours = Array.from({ length: 7 }, () => new Array<number>(24).fill(0))
  for (const event of view) {
    const at = new Date(timeOf(event))
    const day = hours[(at.getUTCDay() + 6) % 7] as number[]
    day[at.getUTCHours()] = (day[at.getUTCHours()] as number) + 1
  }
  return {
    events: view.length,
    users: distinct(({ user }) => user),
    artists: distinct(({ artist }) => artist),
    tracks: distinct(({ artist, track }) => `${artist}\n${track}`),
    fields: perDimension((field) => countBy(chosen(events, from, to, filter, field), (event) => event[field])),
    artistCounts: countBy(view, ({ artist }) => artist),
    trackCounts: countBy(view, ({ artist, track }) => `${artist}\n${track}`),
    seconds: view.reduce((sum, { duration }) => sum + duration, 0),
    plays: view.filter(({ action }) => action === 'play').length,
    skips: view.filter(({ action }) => action === 'skip').length,
    hours,
  }
}
