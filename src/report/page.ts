/** The report as one HTML page that needs nothing else: no script, no other file, no other machine. Pure. */
import { DIMENSIONS, type Dimension } from '../stats/dimensions.ts'
import { STEP_MINUTES } from '../stats/timeline.ts'
import type { Totals, TotalsSnapshot } from '../stats/totals.ts'
import { bars, columns, count, escapeHtml, heatMap } from './charts.ts'
import { STYLE } from './style.ts'
import { type NamedTable, stepOf } from './tables.ts'

const SHOWN = 12
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"
const HEADINGS: Record<Dimension, string> = {
  genre: 'Genres',
  platform: 'Platforms',
  device: 'Devices',
  action: 'Actions',
  country: 'Countries',
}

export interface ReportTitle {
  topic: string
  /** UTC, YYYY-MM-DD; undefined for all of the lake. */
  day?: string | undefined
  /** Epoch milliseconds. */
  madeAt: number
}

export function pageOf(title: ReportTitle, totals: Totals, tables: readonly NamedTable[]): string {
  const snapshot = totals.snapshot()
  const heading = `${title.topic}, ${title.day ?? 'all of it'}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(heading)} - music-faker</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(heading)}</h1>
<p class="about">${escapeHtml(spanOf(snapshot))} Made ${new Date(title.madeAt).toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
<dl class="figures">${figures(snapshot, title.day === undefined)}</dl>
${panel('Events over time', overTime(totals, snapshot), 'wide')}
${DIMENSIONS.map((dimension) => panel(HEADINGS[dimension], distribution(snapshot, dimension))).join('\n')}
${panel('Artists', ranking(snapshot.topArtists.entries, snapshot.events))}
${panel('Tracks', ranking(snapshot.topTracks.entries, snapshot.events))}
${panel('Seconds listened', durations(snapshot))}
${panel('Hours of the week, UTC', hours(totals), 'wide')}
<p class="about">The numbers are in ${tables.map(({ name }) => `<a href="./${name}.csv">${name}.csv</a>`).join(', ')} and <a href="./statistics.json">statistics.json</a>.</p>
</main>
</body>
</html>
`
}

function panel(heading: string, content: string, kind = ''): string {
  return `<section class="panel ${kind}"><h2>${heading}</h2>${content}</section>`
}

function spanOf({ oldestEvent, newestEvent }: TotalsSnapshot): string {
  if (oldestEvent === null || newestEvent === null) return 'No events.'
  const text = (at: number) => new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  return `Events from ${text(oldestEvent)} to ${text(newestEvent)} UTC.`
}

function figures({ events, distinct, durations, quarantined }: TotalsSnapshot, whole: boolean): string {
  const about = ({ count: n, exact }: { count: number; exact: boolean }) => `${exact ? '' : 'about '}${count(n)}`
  const rejected = Object.values(quarantined).reduce((sum, n) => sum + n, 0)
  const shown: [string, string][] = [
    ['events', count(events)],
    ['listeners', about(distinct.users)],
    ['artists', about(distinct.artists)],
    ['tracks', about(distinct.tracks)],
    ['seconds each', durations.mean === null ? '-' : durations.mean.toFixed(1)],
    ...(whole ? [['quarantined', count(rejected)] as [string, string]] : []),
  ]
  return shown.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')
}

function overTime(totals: Totals, snapshot: TotalsSnapshot): string {
  const { oldestEvent, newestEvent } = snapshot
  if (oldestEvent === null || newestEvent === null) return '<p>No events.</p>'
  const step = stepOf(snapshot)
  const stepMs = STEP_MINUTES[step] * 60_000
  const start = Math.floor(oldestEvent / stepMs) * stepMs
  const { points, coarser } = totals.series(step, start, newestEvent + 1)
  const marks = points.map(([at, events]) => ({
    label: new Date(at)
      .toISOString()
      .slice(0, step === 'day' ? 10 : 16)
      .replace('T', ' '),
    at: (at - start) / stepMs,
    events,
  }))
  const steps = Math.floor((newestEvent - start) / stepMs) + 1
  const lacking = coarser === 0 ? '' : `<p>${count(coarser)} older events are not in the curve.</p>`
  return `${columns(marks, steps, `Events by ${step}`)}${lacking}`
}

function distribution(snapshot: TotalsSnapshot, dimension: Dimension): string {
  const { named, other, exact } = snapshot.distributions[dimension]
  const rest = named.slice(SHOWN).reduce((sum, [, events]) => sum + events, other)
  const rows = named.slice(0, SHOWN)
  const shown = bars(rest > 0 ? [...rows, ['others', rest]] : rows, snapshot.events)
  return `${shown}${exact ? '' : '<p>There are so many names that some events of these may be among the others.</p>'}`
}

function hours(totals: Totals): string {
  const { matrix, unplaced } = totals.hours()
  const lacking = unplaced === 0 ? '' : `<p>${count(unplaced)} older events are in no hour.</p>`
  return `${heatMap(matrix)}${lacking}`
}

function ranking(entries: TotalsSnapshot['topArtists' | 'topTracks']['entries'], total: number): string {
  const shown = entries.slice(0, SHOWN)
  const rows = shown.map(({ names, events }): [string, number] => [[...names].reverse().join(' - '), events])
  const certain = shown.every(({ events, atMost }) => events === atMost)
  return `${bars(rows, total)}${certain ? '' : '<p>Some had more events than is certain: the CSV file says how many at most.</p>'}`
}

function durations({ durations: { buckets } }: TotalsSnapshot): string {
  const marks = buckets.map(({ upTo, events }, at) => ({ label: upTo === null ? 'more' : `to ${upTo} s`, at, events }))
  return columns(marks, buckets.length, 'Events by seconds listened')
}
