import { now, shown } from '../data/store.ts'
import { rate, span, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Sparkline } from './Sparkline.tsx'
import { State } from './State.tsx'

/** The state in words, the rate, and the three clocks. */
export function Now() {
  const perSecond = shown.rate.value?.perSecond
  return (
    <section class="panel now" aria-label={words.value.vitals}>
      <State />
      <div class="rate">
        <div>
          <p class="figure" id="rate">
            {perSecond == null ? '–' : rate(perSecond)}
          </p>
          <p class="label">{words.value.perSecond}</p>
        </div>
        <Sparkline values={shown.rate.value?.history ?? []} />
      </div>
      <dl class="clocks">
        <Clock label={words.value.newestEvent} value={ageOf(shown.clocks.value?.newestEvent)} />
        <Clock label={words.value.waiting} value={waiting()} />
        <Clock label={words.value.lastCommit} value={ageOf(shown.clocks.value?.lastCommit)} />
      </dl>
    </section>
  )
}

function Clock({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt class="label">{label}</dt>
      <dd class="figure small">{value}</dd>
    </div>
  )
}

/** How long ago, by the server's clock. Undefined: not known yet; null: never. */
function ageOf(time: string | null | undefined): string {
  if (time === undefined) return '–'
  return time === null ? words.value.none : span(now.value - Date.parse(time))
}

function waiting(): string {
  const lag = shown.lag.value
  if (lag === undefined) return '–'
  return lag.waiting === null ? words.value.unknown : whole(lag.waiting)
}
