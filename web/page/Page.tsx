import { useEffect, useRef } from 'preact/hooks'
import { here } from '../data/here.ts'
import { turning } from '../data/store.ts'
import { words } from '../words/language.ts'
import { Breakdown } from './Breakdown.tsx'
import { Durations } from './Durations.tsx'
import { Feed } from './Feed.tsx'
import { Footer } from './Footer.tsx'
import { Genres } from './Genres.tsx'
import { Header } from './Header.tsx'
import { Help } from './Help.tsx'
import { Hours } from './Hours.tsx'
import { Notices } from './Notices.tsx'
import { Now } from './Now.tsx'
import { OverTime } from './OverTime.tsx'
import { Person } from './Person.tsx'
import { Pipeline } from './Pipeline.tsx'
import { Quarantine } from './Quarantine.tsx'
import { TopArtists, TopTracks } from './Ranking.tsx'
import { Skips } from './Skips.tsx'
import { Toolbar } from './Toolbar.tsx'
import { Totals } from './Totals.tsx'
import { WorldMap } from './WorldMap.tsx'

export function Page() {
  const { embed, place } = here.value
  const main = useRef<HTMLElement>(null)
  const where = place.kind === 'home' ? '' : `${place.kind} ${place.name}`
  const before = useRef(where)
  // The link that led here is gone: whoever goes by keyboard or ear goes on at the beginning of what has come.
  useEffect(() => {
    if (before.current !== where) main.current?.focus({ preventScroll: true })
    before.current = where
  }, [where])
  return (
    <>
      {!embed && (
        <>
          <a class="skip" href="#figures">
            {words.value.skipToContent}
          </a>
          <Header />
        </>
      )}
      <main id="figures" ref={main} tabIndex={-1} class={embed ? 'embedded' : ''} aria-label={words.value.title}>
        {place.kind === 'home' ? (
          <>
            {!embed && <Toolbar />}
            <Figures />
          </>
        ) : (
          <>
            <Now />
            <Notices />
            <Person />
          </>
        )}
      </main>
      {!embed && <Footer />}
      <Help />
    </>
  )
}

function Figures() {
  return (
    <div class={turning.value ? 'turning' : ''} aria-busy={turning.value}>
      <Now />
      <Notices />
      <Totals />
      <div class="grid">
        <WorldMap />
        <Feed />
        <OverTime />
        <Breakdown dimension="country" span={4} most={8} />
        <Genres />
        <Breakdown dimension="genre" span={4} most={8} />
        <TopArtists />
        <TopTracks />
        <div class="stack span-4">
          <Breakdown dimension="platform" most={6} />
          <Breakdown dimension="device" most={5} />
        </div>
        <Hours />
        <Skips />
        <Breakdown dimension="action" span={4} most={6} />
        <Durations />
        <div class="stack span-4">
          <Pipeline />
          <Quarantine />
        </div>
      </div>
    </div>
  )
}
