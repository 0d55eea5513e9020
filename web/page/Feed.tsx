import type { Row } from '../../src/dashboard/api.ts'
import { here } from '../data/here.ts'
import { now, shown } from '../data/store.ts'
import { country, nameOf, playTime, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'
import { PersonLink } from './PersonLink.tsx'

/** The newest events, before they are archived: a sample where there are many. All of it is text. */
export function Feed() {
  const w = words.value
  const recent = shown.recent.value
  const rows = recent?.rows ?? []
  const isFiltered = Object.keys(here.value.filter).length > 0
  const note = recent && recent.standsFor > 0 ? w.sampleOf(whole(recent.sampled), whole(recent.standsFor)) : w.feedQuiet
  return (
    <Panel
      id="feed"
      title={w.feed}
      note={note}
      span={4}
      table={() => tableOf(rows)}
      empty={rows.length > 0 ? undefined : isFiltered ? w.feedFiltered : w.feedEmpty}
    >
      <EventList rows={rows} title={w.feed} />
    </Panel>
  )
}

/** Events as a list that scrolls within its panel. */
export function EventList({ rows, title }: { rows: readonly Row[]; title: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
    <section class="feed" tabIndex={0} aria-label={title}>
      <ul>
        {rows.map((row) => (
          <Event key={row.id} row={row} />
        ))}
      </ul>
    </section>
  )
}

function Event({ row }: { row: Row }) {
  return (
    <li>
      <time class="muted" dateTime={`${row.timestamp}Z`} title={`${row.timestamp} UTC`}>
        {timeOf(row.timestamp)}
      </time>
      <span class={`action action-${ACTIONS.has(row.action) ? row.action : 'other'}`}>
        <bdi>{nameOf('action', row.action)}</bdi>
      </span>
      <span class="track" title={row.track}>
        <bdi>{row.track}</bdi>
      </span>
      <span class="who muted">
        <PersonLink kind="artist" name={row.artist} />
      </span>
      <span class="where muted" title={`${row.genre} · ${playTime(row.duration)}`}>
        <PersonLink kind="listener" name={row.user} />
        {' · '}
        <bdi>{country(row.country)}</bdi>
        {' · '}
        <bdi>{row.platform}</bdi>
        {' · '}
        <bdi>{row.device}</bdi>
      </span>
    </li>
  )
}

const ACTIONS = new Set(['play', 'pause', 'skip', 'like', 'share', 'favorite'])

/** All ten fields. */
export function tableOf(rows: readonly Row[]) {
  const w = words.value
  const { country: where, action, genre, platform, device } = w.fieldOne
  return {
    heads: [w.time, w.track, w.artist, w.listener, where, action, genre, platform, device, w.length],
    rows: rows.map((row) => [
      row.timestamp,
      row.track,
      row.artist,
      row.user,
      country(row.country),
      nameOf('action', row.action),
      row.genre,
      row.platform,
      row.device,
      playTime(row.duration),
    ]),
  }
}

/** The time of an event of today, else its day: events of other days come where a producer makes them up. */
function timeOf(timestamp: string): string {
  const today = new Date(now.value).toISOString().slice(0, 10)
  return timestamp.startsWith(today) ? timestamp.slice(11, 19) : timestamp.slice(0, 10)
}
