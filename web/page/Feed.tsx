import type { Row } from '../../src/dashboard/api.ts'
import { now, shown } from '../data/store.ts'
import { country, playTime, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'

/** The newest events, before they are archived: a sample where there are many. All of it is text. */
export function Feed() {
  const w = words.value
  const recent = shown.recent.value
  const rows = recent?.rows ?? []
  const note = recent && recent.standsFor > 0 ? w.sampleOf(whole(recent.sampled), whole(recent.standsFor)) : w.feedQuiet
  return (
    <Panel id="feed" title={w.feed} note={note} size="full">
      {rows.length === 0 ? (
        <p class="muted">{w.feedEmpty}</p>
      ) : (
        <table class="feed">
          <thead>
            <tr>
              <Head name="time" text={w.time} />
              <Head name="track" text={w.track} />
              <Head name="artist" text={w.artist} />
              <Head name="listener" text={w.listener} />
              <Head name="country" text={w.countryOne} />
              <Head name="action" text={w.what} />
              <Head name="genre" text={w.genreOne} />
              <Head name="platform" text={w.where} />
              <Head name="device" text={w.deviceOne} />
              <Head name="duration" text={w.duration} />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Event key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

function Head({ name, text }: { name: string; text: string }) {
  return (
    <th scope="col" class={`col-${name}`}>
      {text}
    </th>
  )
}

function Event({ row }: { row: Row }) {
  const action = Object.hasOwn(words.value.actions, row.action) ? words.value.actions[row.action] : row.action
  return (
    <tr>
      <td class="col-time" title={`${row.timestamp} UTC`}>
        <time dateTime={`${row.timestamp}Z`}>{timeOf(row.timestamp)}</time>
      </td>
      <Cell name="track" text={row.track} />
      <Cell name="artist" text={row.artist} />
      <Cell name="listener" text={row.user} />
      <Cell name="country" text={country(row.country)} />
      <Cell name="action" text={action ?? row.action} />
      <Cell name="genre" text={row.genre} />
      <Cell name="platform" text={row.platform} />
      <Cell name="device" text={row.device} />
      <Cell name="duration" text={playTime(row.duration)} />
    </tr>
  )
}

function Cell({ name, text }: { name: string; text: string }) {
  return (
    <td class={`col-${name}`} title={text}>
      <bdi>{text}</bdi>
    </td>
  )
}

/** The time of an event of today, else its day: events of other days come where a producer makes them up. */
function timeOf(timestamp: string): string {
  const today = new Date(now.value).toISOString().slice(0, 10)
  return timestamp.startsWith(today) ? timestamp.slice(11, 19) : timestamp.slice(0, 10)
}
