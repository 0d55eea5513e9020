import { useMemo } from 'preact/hooks'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { momentOf, span, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'
import { Plot } from './Plot.tsx'

/** Events of the view over time. */
export function OverTime() {
  const w = words.value
  const over = shown.overTime.value
  const values = over?.events ?? []
  const step = over?.step ?? 60
  const from = over ? Date.parse(over.from) / 1_000 : 0
  const times = useMemo(() => values.map((_, i) => from + i * step), [from, step, values.length])
  return (
    <Panel
      id="over-time"
      title={w.overTime}
      note={over && `${w.perStep(span(step * 1_000).replace(/^1 /, ''))}${over.exact ? '' : ` · ${w.estimate}`}`}
      span={8}
      table={() => ({
        heads: [w.time, w.count],
        rows: values.map((value, i) => [momentOf((times[i] ?? 0) * 1_000, step), value]),
      })}
      empty={values.some((value) => value > 0) ? undefined : nothing.value}
    >
      <Plot title={w.overTime} times={times} values={values} step={step} />
      {over && over.coarser > 0 && <p class="muted tiny">{w.coarser(whole(over.coarser))}</p>}
    </Panel>
  )
}
