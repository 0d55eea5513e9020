import type { Top } from '../../src/dashboard/api.ts'
import { shown } from '../data/store.ts'
import { words } from '../words/language.ts'
import { Bars } from './Bars.tsx'
import { Panel } from './Panel.tsx'

export function TopArtists() {
  const top = shown.top.value?.artists
  return <Ranking id="top-artists" title={words.value.topArtists} top={top} />
}

export function TopTracks() {
  const top = shown.top.value?.tracks
  return <Ranking id="top-tracks" title={words.value.topTracks} top={top} />
}

interface RankingProps {
  id: string
  title: string
  top: Top | undefined
}

function Ranking({ id, title, top }: RankingProps) {
  const w = words.value
  const approximate = top?.values.some(({ events, atMost }) => atMost > events)
  const bars = (top?.values ?? []).map(({ name, artist, events }) => ({
    key: `${artist ?? ''}\n${name}`,
    name,
    detail: artist,
    events,
  }))
  return (
    <Panel id={id} title={title} size="quarter" note={approximate ? w.approximate : undefined}>
      {bars.length === 0 ? <p class="muted">{w.empty}</p> : <Bars bars={bars} numbered />}
    </Panel>
  )
}
