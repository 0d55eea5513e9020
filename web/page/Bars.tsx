import type { Dimension } from '../../src/dashboard/api.ts'
import { here, isFiltered, toggleFilter } from '../data/here.ts'
import { percent, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'

export interface Bar {
  /** The name in the events. */
  key: string
  name: string
  events: number
  /** The sum of what is not listed: nothing to choose. */
  others?: boolean
}

interface BarsProps {
  bars: readonly Bar[]
  /** What the percentages are of; without it none are shown. */
  all?: number
  /** The field that a click on a bar filters by. */
  field?: Dimension
}

/** Names, numbers and bars as one list: the bar repeats the number, so it needs no text of its own. */
export function Bars({ bars, all, field }: BarsProps) {
  const longest = Math.max(1, ...bars.map((bar) => bar.events))
  const some = field !== undefined && here.value.filter[field] !== undefined
  return (
    <ul class={some ? 'bars some' : 'bars'}>
      {bars.map((bar) => {
        const row = <Row bar={bar} share={bar.events / longest} all={all} />
        if (field === undefined || bar.others) return <li key={bar.key}>{row}</li>
        const chosen = isFiltered(field, bar.key)
        return (
          <li key={bar.key}>
            <button
              type="button"
              aria-pressed={chosen}
              title={chosen ? words.value.unfilter(bar.name) : words.value.filterBy(bar.name)}
              onClick={() => toggleFilter(field, bar.key)}
            >
              {row}
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Row({ bar, share, all }: { bar: Bar; share: number; all: number | undefined }) {
  return (
    <>
      <span class="name">
        <span class="mark">
          <Icon name="check" />
        </span>
        <bdi>{bar.name}</bdi>
      </span>
      <span class="number">{whole(bar.events)}</span>
      {all !== undefined && <span class="share muted">{percent(bar.events, all)}</span>}
      <span class={bar.others ? 'bar faint' : 'bar'} aria-hidden="true">
        <span style={{ width: `${100 * share}%` }} />
      </span>
    </>
  )
}
