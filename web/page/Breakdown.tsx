import type { Dimension } from '../../src/dashboard/api.ts'
import { shown } from '../data/store.ts'
import { country } from '../words/format.ts'
import { words } from '../words/language.ts'
import { type Bar, Bars } from './Bars.tsx'
import { Panel } from './Panel.tsx'

/** How the events spread over one of their fields. */
export function Breakdown({ dimension }: { dimension: Dimension }) {
  const w = words.value
  const { values, others } = shown.distributions.value?.[dimension] ?? { values: [], others: 0 }
  const all = values.reduce((sum, [, events]) => sum + events, others)
  const bars: Bar[] = values.map(([name, events]) => ({ key: `name ${name}`, name: inWords(dimension, name), events }))
  if (others > 0) bars.push({ key: 'others', name: w.others, events: others, faint: true })
  return (
    <Panel id={dimension} title={w[dimension]} size="quarter">
      {bars.length === 0 ? <p class="muted">{w.empty}</p> : <Bars bars={bars} all={all} />}
    </Panel>
  )
}

function inWords(dimension: Dimension, name: string): string {
  if (dimension === 'country') return country(name)
  if (dimension === 'action' && Object.hasOwn(words.value.actions, name)) return words.value.actions[name] ?? name
  return name
}
