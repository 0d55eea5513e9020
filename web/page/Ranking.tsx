import type { Ranked, Top } from '../../src/dashboard/api.ts'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'
import { Panel } from './Panel.tsx'
import { PersonLink, TrackName } from './PersonLink.tsx'

export function TopArtists() {
  return <Ranking id="top-artists" title={words.value.topArtists} top={shown.top.value?.artists} />
}

export function TopTracks() {
  return <Ranking id="top-tracks" title={words.value.topTracks} top={shown.top.value?.tracks} />
}

function Ranking({ id, title, top }: { id: string; title: string; top: Top | undefined }) {
  const w = words.value
  const values = top?.values ?? []
  const most = Math.max(1, ...values.map(({ events }) => events))
  return (
    <Panel
      id={id}
      title={title}
      note={[top?.exact === false && w.approximate, top?.comparedWith && w.rankChange].filter(Boolean).join(' · ')}
      span={4}
      table={() => tableOf(title, values)}
      empty={values.length === 0 ? nothing.value : undefined}
    >
      <ol class="ranking">
        {values.map((ranked) => (
          <li key={`${ranked.artist ?? ''}\n${ranked.name}`}>
            <span class="rank" aria-hidden="true">
              {ranked.rank}
            </span>
            <Change ranked={ranked} known={top?.comparedWith != null} />
            <span class="name">
              {ranked.artist === undefined ? (
                <PersonLink kind="artist" name={ranked.name} />
              ) : (
                <TrackName name={ranked.name} artist={ranked.artist} />
              )}
            </span>
            <span class="number">{whole(ranked.events)}</span>
            <span class="bar" aria-hidden="true">
              <span style={{ width: `${(100 * ranked.events) / most}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  )
}

/** Places won or lost since the span before, told by arrow and number; colour only repeats it. */
function Change({ ranked: { rank, was }, known }: { ranked: Ranked; known: boolean }) {
  const w = words.value
  if (!known || was === undefined) return <span class="moved" />
  if (was === null) return <span class="moved new">{w.newRank}</span>
  const places = was - rank
  if (places === 0) {
    return (
      <span class="moved">
        <span aria-hidden="true">–</span>
        <span class="hidden">{w.sameRank}</span>
      </span>
    )
  }
  return (
    <span class={places > 0 ? 'moved up' : 'moved down'}>
      <Icon name={places > 0 ? 'up' : 'down'} />
      <span aria-hidden="true">{whole(Math.abs(places))}</span>
      <span class="hidden">{places > 0 ? w.rankUp(whole(places)) : w.rankDown(whole(-places))}</span>
    </span>
  )
}

function tableOf(title: string, values: readonly Ranked[]) {
  const w = words.value
  const tracks = values.some(({ artist }) => artist !== undefined)
  return {
    heads: tracks ? [title, w.artist, w.count, w.rank, w.rankBefore] : [title, w.count, w.rank, w.rankBefore],
    rows: values.map(({ name, artist, events, rank, was }) => [
      name,
      ...(tracks ? [artist ?? ''] : []),
      events,
      rank,
      was ?? '',
    ]),
  }
}
