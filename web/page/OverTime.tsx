import { useMemo } from 'preact/hooks'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { momentOf, span, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'
import { Plot } from './Plot.tsx'

const FEWEST_STEPS = 6

/** Events of the view over time. */
export function OverTime() {
  const w = words.value
  const over = shown.overTime.value
  const values = over?.events ?? []
  const step = over?.step ?? 60
  const from = over ? Date.parse(over.from) / 1_000 : 0
  // Before the first event there was none: a line needs some steps.
  const lead = Math.max(0, FEWEST_STEPS - values.length)
  const drawn = useMemo(() => [...new Array<number>(lead).fill(0), ...values], [lead, values])
  const times = useMemo(() => drawn.map((_, i) => from + (i - lead) * step), [from, step, drawn.length, lead])
  return (
    <Panel
      id="over-time"
      title={w.overTime}
      note={over && `${w.perStep(span(step * 1_000).replace(/^1 /, ''))}${over.eventsExact ? '' : ` · ${w.estimate}`}`}
      span={8}
      table={() => ({
        heads: [w.time, w.count],
        rows: values.map((value, i) => [momentOf((times[lead + i] ?? 0) * 1_000, step), value]),
      })}
      empty={values.some((value) => value > 0) ? undefined : nothing.value}
    >
      <Plot title={w.overTime} times={times} values={drawn} step={step} />
      {over && over.coarser > 0 && <p class="muted tiny">{w.coarser(whole(over.coarser))}</p>}
    </Panel>
  )
}
