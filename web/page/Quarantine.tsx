import { shown } from '../data/store.ts'
import { whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Bars } from './Bars.tsx'
import { Panel } from './Panel.tsx'

export function Quarantine() {
  const w = words.value
  const { total, reasons } = shown.quarantine.value ?? { total: 0, reasons: {} }
  const bars = Object.entries(reasons)
    .map(([reason, events]) => ({ key: reason, name: w.reasons[reason] ?? reason, events }))
    .sort((a, b) => b.events - a.events)
  return (
    <Panel
      id="quarantine"
      title={w.quarantine}
      {...(bars.length > 0 && {
        table: () => ({ heads: [w.reason, w.messages], rows: bars.map(({ name, events }) => [name, events]) }),
      })}
    >
      <p class="muted">
        {total > 0 && <strong class="figure small">{whole(total)} </strong>}
        {total === 0 ? w.quarantineNone : w.quarantineSome}
      </p>
      {bars.length > 0 && <Bars bars={bars} />}
    </Panel>
  )
}
