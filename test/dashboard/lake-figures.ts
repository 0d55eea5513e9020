/** What a view should show, counted from the lake's own files, one event after the other. */

import type { Filter } from '../../src/dashboard/api-view.ts'
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
export function chosen(events: MusicEvent[], from: number, to: number, filter: Filter, without?: Dimension | 'when') {
  return events.filter(
    (event) =>
      timeOf(event) >= from &&
      timeOf(event) < to &&
      (without === 'when' || (filter.when?.includes(weekHourOf(event).join('-')) ?? true)) &&
      DIMENSIONS.every((field) => field === without || (filter[field]?.includes(event[field]) ?? true)),
  )
}

/** ISO weekday, 1 is Monday, and hour, UTC. */
function weekHourOf(event: MusicEvent): [day: number, hour: number] {
  const at = new Date(timeOf(event))
  return [at.getUTCDay() || 7, at.getUTCHours()]
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
  for (const event of chosen(events, from, to, filter, 'when')) {
    const [day, hour] = weekHourOf(event)
    const ofDay = hours[day - 1] as number[]
    ofDay[hour] = (ofDay[hour] as number) + 1
  }
  const skippable = chosen(events, from, to, filter, 'action')
  return {
    events: view.length,
    users: distinct(({ user }) => user),
    artists: distinct(({ artist }) => artist),
    tracks: distinct(({ artist, track }) => `${artist}\n${track}`),
    fields: perDimension((field) => countBy(chosen(events, from, to, filter, field), (event) => event[field])),
    artistCounts: countBy(view, ({ artist }) => artist),
    trackCounts: countBy(view, ({ artist, track }) => `${artist}\n${track}`),
    seconds: view.reduce((sum, { duration }) => sum + duration, 0),
    plays: skippable.filter(({ action }) => action === 'play').length,
    skips: skippable.filter(({ action }) => action === 'skip').length,
    curve: [5, 10, 30].map((within) => skippedWithin(skippable, within)).filter(({ plays }) => plays > 0),
    hours,
  }
}

/** Plays of which half a minute is known, and those whose listener's next play or skip is a skip of it by then. */
function skippedWithin(events: MusicEvent[], within: number) {
  const second = (event: MusicEvent) => Math.floor(timeOf(event) / 1_000)
  const inTime = events
    .filter(({ action }) => action === 'play' || action === 'skip')
    .sort((a, b) => second(a) - second(b) || (a.action < b.action ? -1 : 1))
  const end = second(inTime.at(-1) ?? ({ timestamp: '' } as MusicEvent))
  const plays = inTime.filter((event) => event.action === 'play' && second(event) + 30 <= end)
  const skipped = plays.filter((play) => {
    const next = inTime.slice(inTime.indexOf(play) + 1).find(({ user }) => user === play.user)
    const same = next?.action === 'skip' && next.artist === play.artist && next.track === play.track
    return same && second(next) - second(play) <= within
  })
  return { within, plays: plays.length, skips: skipped.length }
}
