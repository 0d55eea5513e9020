import type { OverTime } from '../../src/dashboard/api-view.ts'
import { here, isFiltered, toggleFilter } from '../data/here.ts'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { momentOf, percent, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'
import { Panel } from './Panel.tsx'

const WIDTH = 200
const HEIGHT = 44

/** Genres over time: a small chart each, all in one scale, so that no colour has to be told from another. */
export function Genres() {
  const w = words.value
  const over = shown.overTime.value
  const curves = over === undefined || over === null ? [] : [...over.genres]
  const most = Math.max(1, ...curves.flatMap(({ values }) => values))
  const all = total(over?.events ?? [])
  return (
    <Panel
      id="genres-over-time"
      title={w.genresOverTime}
      note={curves.length > 0 && `${w.oneScale(whole(most))}${over?.exact ? '' : ` · ${w.estimate}`}`}
      span={8}
      table={() => tableOf(over)}
      empty={curves.length === 0 ? nothing.value : undefined}
    >
      <ul class={here.value.filter.genre ? 'multiples some' : 'multiples'}>
        {curves.map(({ name, values }) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={isFiltered('genre', name)}
              title={isFiltered('genre', name) ? w.unfilter(name) : w.filterBy(name)}
              onClick={() => toggleFilter('genre', name)}
            >
              <span class="name">
                <span class="mark">
                  <Icon name="check" />
                </span>
                <bdi>{name}</bdi>
              </span>
              <span class="number">{whole(total(values))}</span>
              <span class="share muted">{percent(total(values), all)}</span>
              <Area values={values} most={most} />
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Area({ values, most }: { values: readonly number[]; most: number }) {
  const x = (i: number) => ((i * WIDTH) / Math.max(1, values.length - 1)).toFixed(1)
  const y = (value: number) => (HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1)
  const line = values.map((value, i) => `${x(i)},${y(value)}`).join(' ')
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path class="rule" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <polygon class="area" points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline class="line" points={line} />
    </svg>
  )
}

function tableOf(over: OverTime | null | undefined) {
  const w = words.value
  if (!over) return { heads: [w.time], rows: [] }
  const from = Date.parse(over.from)
  return {
    heads: [w.time, ...over.genres.map(({ name }) => name), w.others],
    rows: over.events.map((_, i) => [
      momentOf(from + i * over.step * 1_000, over.step),
      ...over.genres.map(({ values }) => values[i] ?? 0),
      over.others[i] ?? 0,
    ]),
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
