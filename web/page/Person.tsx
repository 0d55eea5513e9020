import { useEffect } from 'preact/hooks'
import type { Dimension } from '../../src/dashboard/api.ts'
import type { Lookup } from '../../src/dashboard/api-lookup.ts'
import { addressOf, follow, here } from '../data/here.ts'
import { found, lookUp } from '../data/lookup.ts'
import { hourOf, megabytes, momentOf, nameOf, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Bars } from './Bars.tsx'
import { tableOf as tableOfDistribution } from './Breakdown.tsx'
import { Columns } from './Columns.tsx'
import { EventList, tableOf as tableOfEvents } from './Feed.tsx'
import { Icon } from './Icon.tsx'
import { Panel } from './Panel.tsx'
import { PersonLink, TrackName } from './PersonLink.tsx'

/** The page of one listener or artist. */
export function Person() {
  const w = words.value
  useEffect(lookUp, [])
  const { place } = here.value
  if (place.kind === 'home') return null
  const home = { place: { kind: 'home' } } as const
  return (
    <>
      <section class="person-head" aria-labelledby="person-name">
        <a class="button" href={addressOf(home)} onClick={follow(home)}>
          <Icon name="back" />
          {w.backToAll}
        </a>
        <div>
          <p class="muted tiny">{place.kind === 'artist' ? w.artist : w.listener}</p>
          <h2 id="person-name">
            <bdi>{place.name}</bdi>
          </h2>
        </div>
      </section>
      <Known />
    </>
  )
}

function Known() {
  const w = words.value
  const known = found.value
  if (known.state === 'looking') return <p class="notice calm">{w.looking}</p>
  if (known.state === 'failed') {
    return (
      <p class="notice" role="alert">
        {w.lookFailed} <bdi>{known.reason}</bdi>
      </p>
    )
  }
  const { lookup } = known
  const { files, bytes, events, from, complete } = lookup.lookedBack
  const since = from === null ? '' : momentOf(Date.parse(from), 60)
  return (
    <>
      <p class="muted">
        <strong class="figure small" id="person-events">
          {whole(lookup.events)}
        </strong>{' '}
        {w.foundAmong(lookup.events, whole(events), whole(files), megabytes(bytes))}{' '}
        {complete ? w.wholeLake : w.lookedBackTo(since)}
      </p>
      {lookup.events === 0 ? <p class="notice calm">{w.nobody}</p> : <Figures lookup={lookup} />}
    </>
  )
}

function Figures({ lookup }: { lookup: Lookup }) {
  const w = words.value
  const listener = lookup.kind === 'listener'
  const hours = lookup.hours.map((events, hour) => ({
    name: hourOf(hour),
    tick: hour % 4 === 0 ? String(hour) : '',
    events,
  }))
  return (
    <div class="grid">
      <Panel id="feed" title={w.lastEvents} span={4} table={() => tableOfEvents(lookup.last)}>
        <EventList rows={lookup.last} title={w.lastEvents} />
      </Panel>
      <Names id="top-tracks" title={w.topTracks} found={lookup.tracks} />
      {listener ? (
        <Names id="top-artists" title={w.topArtists} found={lookup.artists} links="artist" />
      ) : (
        <Names id="top-listeners" title={w.topListeners} found={lookup.listeners} links="listener" />
      )}
      <Panel
        id="hours"
        title={w.hours}
        note={w.hoursOfDay}
        span={8}
        table={() => ({ heads: [w.hourOfDay, w.count], rows: hours.map(({ name, events }) => [name, events]) })}
      >
        <Columns columns={hours} />
      </Panel>
      {(['action', 'genre', 'country', 'platform', 'device'] as const).map((field) => (
        <Spread key={field} field={field} lookup={lookup} />
      ))}
    </div>
  )
}

interface NamesProps {
  id: string
  title: string
  found: readonly { name: string; artist?: string; events: number }[]
  /** What the names are of, where they have pages. */
  links?: 'artist' | 'listener'
}

function Names({ id, title, found, links }: NamesProps) {
  const most = Math.max(1, ...found.map(({ events }) => events))
  return (
    <Panel
      id={id}
      title={title}
      span={4}
      table={() => ({ heads: [title, words.value.count], rows: found.map(({ name, events }) => [name, events]) })}
    >
      <ol class="ranking plain">
        {found.slice(0, 10).map(({ name, artist, events }, i) => (
          <li key={`${artist ?? ''}\n${name}`}>
            <span class="rank" aria-hidden="true">
              {i + 1}
            </span>
            <span class="name">
              {links && <PersonLink kind={links} name={name} />}
              {artist !== undefined && <TrackName name={name} artist={artist} />}
            </span>
            <span class="number">{whole(events)}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${(100 * events) / most}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  )
}

function Spread({ field, lookup }: { field: Dimension; lookup: Lookup }) {
  const distribution = lookup.distributions[field]
  const bars = distribution.values
    .slice(0, 6)
    .map(([name, events]) => ({ key: name, name: nameOf(field, name), events }))
  return (
    <Panel
      id={field}
      title={words.value.fields[field]}
      span={field === 'action' ? 4 : 3}
      table={() => tableOfDistribution(field, distribution)}
    >
      <Bars bars={bars} all={lookup.events} />
    </Panel>
  )
}
