/** The tables of a report. Pure. */
import type { Table } from '../dashboard/export.ts'
import { DIMENSIONS, type Dimension } from '../stats/dimensions.ts'
import { DURATION_BOUNDS } from '../stats/durations.ts'
import { STEP_MINUTES, type Step } from '../stats/timeline.ts'
import type { Totals, TotalsSnapshot } from '../stats/totals.ts'

const HOUR_MS = 3_600_000
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const PLURALS: Record<Dimension, string> = {
  genre: 'genres',
  platform: 'platforms',
  device: 'devices',
  action: 'actions',
  country: 'countries',
}

export interface NamedTable extends Table {
  /** Of its file, without `.csv`. */
  name: string
}

/** The step in which events are told over time: minutes for up to three hours, hours for up to ten days. */
export function stepOf({ oldestEvent, newestEvent }: TotalsSnapshot): Step {
  const span = (newestEvent ?? 0) - (oldestEvent ?? 0)
  if (span <= 3 * HOUR_MS) return 'minute'
  return span <= 240 * HOUR_MS ? 'hour' : 'day'
}

export function tablesOf(totals: Totals): NamedTable[] {
  const snapshot = totals.snapshot()
  const { distributions, topArtists, topTracks, durations } = snapshot
  const share = (events: number) => (snapshot.events === 0 ? 0 : Math.round((events / snapshot.events) * 1e6) / 1e6)
  return [
    ...DIMENSIONS.map((dimension): NamedTable => {
      const { named, other } = distributions[dimension]
      const rows = named.map(([name, events]): Table['rows'][number] => [name, events, share(events)])
      if (other > 0) rows.push([null, other, share(other)])
      return { name: PLURALS[dimension], columns: [dimension, 'events', 'share'], rows }
    }),
    {
      name: 'artists',
      columns: ['rank', 'artist', 'events', 'at_most'],
      rows: topArtists.entries.map(({ names: [artist], events, atMost }, i) => [i + 1, artist, events, atMost]),
    },
    {
      name: 'tracks',
      columns: ['rank', 'track', 'artist', 'events', 'at_most'],
      rows: topTracks.entries.map(({ names: [artist, track], events, atMost }, i) => {
        return [i + 1, track, artist, events, atMost]
      }),
    },
    { name: 'events', columns: ['from', 'events'], rows: eventsRows(totals, snapshot) },
    {
      name: 'hours',
      columns: ['weekday', 'hour', 'events'],
      rows: totals.hours().matrix.flatMap((hours, day) => hours.map((events, hour) => [WEEKDAYS[day]!, hour, events])),
    },
    {
      name: 'durations',
      columns: ['over_seconds', 'up_to_seconds', 'events'],
      rows: durations.buckets.map(({ upTo, events }, i) => [DURATION_BOUNDS[i - 1] ?? 0, upTo, events]),
    },
  ]
}

function eventsRows(totals: Totals, snapshot: TotalsSnapshot): Table['rows'] {
  const { oldestEvent, newestEvent } = snapshot
  if (oldestEvent === null || newestEvent === null) return []
  const step = stepOf(snapshot)
  const stepMs = STEP_MINUTES[step] * 60_000
  const { points } = totals.series(step, Math.floor(oldestEvent / stepMs) * stepMs, newestEvent + 1)
  return points.map(([at, events]) => [new Date(at).toISOString(), events])
}
