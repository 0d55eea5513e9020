import type { ViewTotals } from '../../src/dashboard/api-view.ts'
import { here } from '../data/here.ts'
import { shown } from '../data/store.ts'
import { signed, whole } from '../words/format.ts'
import { words } from '../words/language.ts'

type Counted = 'events' | 'artists' | 'tracks' | 'users'
const COUNTED: readonly Counted[] = ['events', 'artists', 'tracks', 'users']

/** The counts of the view, each with how sure it is and what changed. */
export function Totals() {
  const w = words.value
  const totals = shown.viewTotals.value
  return (
    <section aria-labelledby="totals-title">
      <h2 id="totals-title" class="hidden">
        {w.totals}
      </h2>
      <dl class="totals">
        {COUNTED.map((of) => {
          const count = totals ? whole(totals[of].count) : '–'
          return (
            <div key={of} class="panel total">
              <dt class="label">{w.counted[of]}</dt>
              <dd>
                <span class="figure" id={of} style={{ '--characters': count.length }}>
                  {count}
                </span>
                <span class="below">
                  <Change of={of} totals={totals} />
                  {totals && <span class="tag">{w.sure[totals[of].kind]}</span>}
                </span>
              </dd>
            </div>
          )
        })}
      </dl>
    </section>
  )
}

/** Since the span before; for all time, since a moment ago. */
function Change({ of, totals }: { of: Counted; totals: ViewTotals | null | undefined }) {
  const w = words.value
  const before = totals?.before
  const recent = shown.totals.value?.change
  if (before) {
    const by = (totals?.[of].count ?? 0) - before[of].count
    return by === 0 ? <span class="change">{w.asBefore}</span> : <Difference by={by} since={w.thanBefore} />
  }
  const everything = here.value.window === 'all' && Object.keys(here.value.filter).length === 0
  if (!everything || !recent) return <span class="change">{'\u00a0'}</span>
  return <Difference by={recent[of]} since={w.inLast(whole(recent.seconds))} />
}

function Difference({ by, since }: { by: number; since: string }) {
  return (
    <span class={by > 0 ? 'change up' : 'change'}>
      {by === 0 ? words.value.unchanged : signed(by)} {since}
    </span>
  )
}
