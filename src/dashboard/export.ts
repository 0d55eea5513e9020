/** What a view shows, as tables for a spreadsheet (CSV, RFC 4180) or a program (JSON). Pure. */

import { type Cell, csvRows } from '../csv.ts'
import type { Snapshot, Top } from './api.ts'
import { FIELDS } from './api-view.ts'

/** Parts of a view that can be had as a table. */
export const PARTS = ['artists', 'tracks', ...FIELDS, 'over_time', 'hours', 'durations', 'skips', 'recent'] as const
export type Part = (typeof PARTS)[number]

export interface Table {
  columns: string[]
  rows: Cell[][]
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** The table of one part; without rows where the lake was not read yet. */
export function tableOf(snapshot: Snapshot, part: Part): Table {
  switch (part) {
    case 'artists':
      return topTable(snapshot.top?.artists, ['rank', 'artist'])
    case 'tracks':
      return topTable(snapshot.top?.tracks, ['rank', 'track', 'artist'])
    case 'over_time':
      return overTimeTable(snapshot.overTime)
    case 'hours':
      return hoursTable(snapshot.hours)
    case 'durations':
      return durationsTable(snapshot.durations)
    case 'skips':
      return skipsTable(snapshot.skips)
    case 'recent':
      return recentTable(snapshot.recent)
    default:
      return distributionTable(part, snapshot.distributions?.[part])
  }
}

function topTable(top: Top | undefined, columns: string[]): Table {
  const rows = (top?.values ?? []).map(({ rank, name, artist, events, was }) => [
    rank,
    name,
    ...(artist === undefined ? [] : [artist]),
    events,
    top?.exact ?? false,
    was ?? null,
  ])
  return { columns: [...columns, 'events', 'exact', 'rank_before'], rows }
}

type Section<K extends keyof Snapshot> = Snapshot[K]

function distributionTable(
  part: string,
  distribution: NonNullable<Section<'distributions'>>['genre'] | undefined,
): Table {
  const { values = [], others = 0, exact = true } = distribution ?? {}
  const rows = values.map(([name, events]): Table['rows'][number] => [name, events, exact])
  if (others > 0) rows.push([null, others, exact])
  return { columns: [part, 'events', 'exact'], rows }
}

const OVER_TIME = ['from', 'events', 'exact']
const OTHER_GENRES = 'other genres'

function overTimeTable(overTime: Section<'overTime'>): Table {
  if (!overTime) return { columns: OVER_TIME, rows: [] }
  const { from, step, events, genres, others, exact } = overTime
  const rows = events.map((n, i) => [
    new Date(Date.parse(from) + i * step * 1_000).toISOString(),
    n,
    exact,
    ...genres.map(({ values }) => values[i] ?? 0),
    others[i] ?? 0,
  ])
  return { columns: [...OVER_TIME, ...genreColumns(genres.map(({ name }) => name)), OTHER_GENRES], rows }
}

/** A column of its own for each genre, whatever its name: another column may have it. */
function genreColumns(names: readonly string[]): string[] {
  const taken = new Set([...OVER_TIME, OTHER_GENRES])
  return names.map((name) => {
    let column = name
    while (taken.has(column)) column += ' (genre)'
    taken.add(column)
    return column
  })
}

function hoursTable(hours: Section<'hours'>): Table {
  const rows = (hours?.matrix ?? []).flatMap((day, i) =>
    day.map((events, hour) => [WEEKDAYS[i] ?? '', hour, events, hours?.exact ?? false]),
  )
  return { columns: ['weekday', 'hour', 'events', 'exact'], rows }
}

function durationsTable(durations: Section<'durations'>): Table {
  const rows = (durations?.buckets ?? []).map(({ over, upTo, events }) => [
    over,
    upTo,
    events,
    durations?.exact ?? false,
  ])
  return { columns: ['over_seconds', 'up_to_seconds', 'events', 'exact'], rows }
}

function skipsTable(skips: Section<'skips'>): Table {
  const rows = (skips?.devices ?? []).map((device) => [
    device.device,
    device.plays,
    device.skips,
    skips?.exact ?? false,
  ])
  return { columns: ['device', 'plays', 'skips', 'exact'], rows }
}

function recentTable({ rows }: Section<'recent'>): Table {
  const columns = [
    'timestamp',
    'user',
    'artist',
    'track',
    'genre',
    'duration',
    'platform',
    'device',
    'action',
    'country',
  ]
  return { columns, rows: rows.map((row) => columns.map((column) => row[column as keyof typeof row])) }
}

export const csv = ({ columns, rows }: Table): string => csvRows([columns, ...rows])

/** One object per row. */
export function records({ columns, rows }: Table): Record<string, Table['rows'][number][number]>[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])))
}
