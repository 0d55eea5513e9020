import { STEP_MS } from '../data/steps.ts'
import { shown } from '../data/store.ts'
import { minuteOf, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Columns } from './Columns.tsx'
import { DataTable } from './DataTable.tsx'
import { Panel } from './Panel.tsx'

export function Series() {
  const w = words.value
  const series = shown.series.value
  const from = series ? Date.parse(series.from) : 0
  const points = (series?.values ?? []).map((value, i) => ({
    minute: minuteOf(from + i * (series ? STEP_MS[series.step] : 0)),
    value,
  }))
  const some = points.some((point) => point.value > 0)
  return (
    <Panel id="per-minute" title={w.perMinute} note={w.perMinuteNote} size="main-part">
      {some ? (
        <>
          <Columns
            columns={points.map(({ minute, value }, i) => ({
              key: minute,
              value,
              title: `${minute} · ${whole(value)}`,
              faint: i === points.length - 1,
            }))}
            top={whole(Math.max(...points.map((point) => point.value)))}
            from={points[0]?.minute ?? ''}
            to={points.at(-1)?.minute ?? ''}
          />
          <DataTable
            caption={w.perMinute}
            heads={[w.minute, w.count]}
            rows={points.map(({ minute, value }) => [minute, whole(value)]).reverse()}
          />
        </>
      ) : (
        <p class="muted">{w.empty}</p>
      )}
    </Panel>
  )
}
