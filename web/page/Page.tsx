import { words } from '../words/language.ts'
import { Breakdown } from './Breakdown.tsx'
import { Durations } from './Durations.tsx'
import { Feed } from './Feed.tsx'
import { Footer } from './Footer.tsx'
import { Header } from './Header.tsx'
import { Notices } from './Notices.tsx'
import { Pipeline } from './Pipeline.tsx'
import { Quarantine } from './Quarantine.tsx'
import { TopArtists, TopTracks } from './Ranking.tsx'
import { Series } from './Series.tsx'
import { Totals } from './Totals.tsx'
import { Vitals } from './Vitals.tsx'

export function Page() {
  return (
    <>
      <a class="skip" href="#figures">
        {words.value.skipToContent}
      </a>
      <Header />
      <main id="figures" tabIndex={-1}>
        <Notices />
        <Vitals />
        <Totals />
        <div class="grid">
          <Series />
          <div class="side-part">
            <Pipeline />
            <Quarantine />
          </div>
          <Breakdown dimension="country" />
          <Breakdown dimension="genre" />
          <TopArtists />
          <TopTracks />
          <Breakdown dimension="platform" />
          <Breakdown dimension="device" />
          <Breakdown dimension="action" />
          <Durations />
          <Feed />
        </div>
      </main>
      <Footer />
    </>
  )
}
