import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { evenBounds, stepOf } from '../map/shades.ts'
import { hourOf, percent, weekday, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Legend } from './Legend.tsx'
import { Panel } from './Panel.tsx'
import { placeIn, Tip, type TipAt } from './Tip.tsx'

const DAYS = [0, 1, 2, 3, 4, 5, 6]
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** When people listen: a cell for each hour of each weekday. */
export function Hours() {
  const w = words.value
  const hours = shown.hours.value
  const published = shown.published.value?.hours
  const matrix = hours?.matrix ?? []
  const all = matrix.flat().reduce((sum, events) => sum + events, 0)
  return (
    <Panel
      id="hours"
      title={w.hours}
      note={hours?.exact === false ? w.fromSample : w.hoursNote}
      span={7}
      table={() => ({
        heads: [w.weekday, ...HOURS.map(hourOf)],
        rows: DAYS.map((day) => [weekday(day), ...(matrix[day] ?? [])]),
      })}
      empty={all === 0 ? nothing.value : undefined}
    >
      <Cells matrix={matrix} all={all} />
      {published && (
        <p class="muted tiny">
          {w.publishedHours(hourOf(published.lowest), published.peaks.map(hourOf).join(', '))}{' '}
          <cite>{published.source}</cite>
        </p>
      )}
    </Panel>
  )
}

function Cells({ matrix, all }: { matrix: readonly (readonly number[])[]; all: number }) {
  const tip = useSignal<TipAt | undefined>(undefined)
  const frame = useRef<HTMLDivElement>(null)
  const steps = evenBounds(Math.max(...matrix.flat()))
  const show = (event: MouseEvent) => {
    const { day, hour } = (event.target as HTMLElement).dataset
    if (day === undefined || hour === undefined || frame.current === null) {
      tip.value = undefined
      return
    }
    const events = matrix[Number(day)]?.[Number(hour)] ?? 0
    const text = (
      <>
        <strong>
          {weekday(Number(day))} {hourOf(Number(hour))}
        </strong>
        <br />
        {whole(events)} · {percent(events, all)}
      </>
    )
    tip.value = { ...placeIn(frame.current, event), text }
  }
  return (
    <>
      <div class="heat-frame" ref={frame} aria-hidden="true" onPointerMove={show} onPointerLeave={hide(tip)}>
        <div class="heat">
          {DAYS.map((day) => [
            <span key={`day ${day}`} class="heat-day">
              {weekday(day)}
            </span>,
            ...HOURS.map((hour) => (
              <span
                key={`${day} ${hour}`}
                class={`cell step-${stepOf(matrix[day]?.[hour] ?? 0, steps)}`}
                data-day={day}
                data-hour={hour}
              />
            )),
          ])}
          <span />
          {HOURS.map((hour) => (
            <span key={hour} class="heat-hour">
              {hour % 3 === 0 ? hour : ''}
            </span>
          ))}
        </div>
        <Tip at={tip} />
      </div>
      <Legend bounds={steps} />
    </>
  )
}

const hide = (tip: Signal<TipAt | undefined>) => () => {
  tip.value = undefined
}
