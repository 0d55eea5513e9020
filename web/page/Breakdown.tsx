import type { Dimension, Distribution } from '../../src/dashboard/api.ts'
import type { Table } from '../data/csv.ts'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { nameOf, percent } from '../words/format.ts'
import { words } from '../words/language.ts'
import { type Bar, Bars } from './Bars.tsx'
import { Panel } from './Panel.tsx'

interface BreakdownProps {
  dimension: Dimension
  span?: 3 | 4
  /** Bars to draw; the table has all. */
  most: number
}

/** How the events spread over one of their fields. */
export function Breakdown({ dimension, span, most }: BreakdownProps) {
  const w = words.value
  const distribution = shown.distributions.value?.[dimension]
  const { values, others } = cut(distribution, most)
  const all = sum(values) + others
  const bars: Bar[] = values.map(([name, events]) => ({ key: name, name: nameOf(dimension, name), events }))
  if (others > 0) bars.push({ key: '\n', name: w.others, events: others, others: true })
  return (
    <Panel
      id={dimension}
      title={w.fields[dimension]}
      note={distribution?.exact === false ? w.approximate : undefined}
      table={() => tableOf(dimension, distribution)}
      empty={bars.length === 0 ? nothing.value : undefined}
      {...(span && { span })}
    >
      <Bars bars={bars} all={all} field={dimension} />
    </Panel>
  )
}

/** The most frequent values, and what the others sum up to. */
function cut({ values, others }: Pick<Distribution, 'values' | 'others'> = { values: [], others: 0 }, most: number) {
  return { values: values.slice(0, most), others: sum(values.slice(most)) + others }
}

export function tableOf(dimension: Dimension, distribution: Distribution | undefined): Table {
  const w = words.value
  const { values, others } = distribution ?? { values: [], others: 0 }
  const all = sum(values) + others
  const rows = values.map(([name, events]) => [nameOf(dimension, name), events, percent(events, all)])
  if (others > 0) rows.push([w.others, others, percent(others, all)])
  return { heads: [w.fieldOne[dimension], w.count, w.share], rows }
}

const sum = (values: readonly (readonly [string, number])[]): number =>
  values.reduce((total, [, events]) => total + events, 0)
