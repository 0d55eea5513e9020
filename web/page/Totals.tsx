import type { Totals as TotalsSection } from '../../src/dashboard/api.ts'
import { shown } from '../data/store.ts'
import { signed, whole } from '../words/format.ts'
import { words } from '../words/language.ts'

export function Totals() {
  const totals = shown.totals.value
  const w = words.value
  return (
    <section aria-labelledby="totals-title">
      <h2 id="totals-title" class="hidden">
        {w.totals}
      </h2>
      <dl class="totals">
        <Total id="events" label={w.events} count={totals?.events} change={totals?.change} of="events" lead />
        <Total id="artists" label={w.artists} {...totals?.artists} change={totals?.change} of="artists" />
        <Total id="tracks" label={w.tracks} {...totals?.tracks} change={totals?.change} of="tracks" />
        <Total id="users" label={w.users} {...totals?.users} change={totals?.change} of="users" />
      </dl>
    </section>
  )
}

interface TotalProps {
  id: string
  label: string
  count?: number | undefined
  /** Given for distinct counts. */
  exact?: boolean
  change: TotalsSection['change'] | undefined
  of: 'events' | 'artists' | 'tracks' | 'users'
  lead?: boolean
}

function Total({ id, label, count, exact, change, of, lead }: TotalProps) {
  const w = words.value
  return (
    <div class={lead ? 'panel total lead' : 'panel total'}>
      <dt class="label">{label}</dt>
      <dd>
        <span class="figure" id={id}>
          {count === undefined ? '–' : whole(count)}
        </span>
        <span class="below">
          <span class={change && change[of] > 0 ? 'change up' : 'change'}>
            {change ? inWords(change[of], change.seconds) : '\u00a0'}
          </span>
          {exact !== undefined && <span class="tag">{exact ? w.exact : w.estimated}</span>}
        </span>
      </dd>
    </div>
  )
}

function inWords(difference: number, seconds: number): string {
  const w = words.value
  return `${difference === 0 ? w.unchanged : signed(difference)} ${w.inLast(whole(seconds))}`
}
