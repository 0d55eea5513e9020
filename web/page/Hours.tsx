import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { here, isFiltered, toggleFilter } from '../data/here.ts'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { evenBounds, stepOf } from '../map/shades.ts'
import { hourOf, percent, weekday, weekHour, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Legend } from './Legend.tsx'
import { Panel } from './Panel.tsx'
import { placeIn, Tip, type TipAt } from './Tip.tsx'

const DAYS = [0, 1, 2, 3, 4, 5, 6]
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** When people listen: a cell for each hour of each weekday, which filters by it. */
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
      {hours && hours.unplaced > 0 && <p class="muted tiny">{w.coarser(whole(hours.unplaced))}</p>}
      {published && (
        <p class="muted tiny">
          {w.publishedHours(hourOf(published.lowest), published.peaks.map(hourOf).join(', '))}{' '}
          <cite>{published.source}</cite>
        </p>
      )}
    </Panel>
  )
}

/** One tab stop; the arrow keys go from cell to cell. */
function Cells({ matrix, all }: { matrix: readonly (readonly number[])[]; all: number }) {
  const tip = useSignal<TipAt | undefined>(undefined)
  const entered = useSignal<string | undefined>(undefined)
  const frame = useRef<HTMLDivElement>(null)
  const most = Math.max(...matrix.flat())
  const steps = evenBounds(most)
  const eventsOf = (when: string) => {
    const [day = 0, hour = 0] = dayAndHour(when)
    return matrix[day]?.[hour] ?? 0
  }
  const busiest = CELLS.flat().find((when) => eventsOf(when) === most)
  const entry = entered.value ?? busiest
  const show = (event: MouseEvent | FocusEvent) => {
    const when = whenOf(event.target)
    if (when === undefined || frame.current === null) {
      tip.value = undefined
      return
    }
    const text = (
      <>
        <strong>{weekHour(when)}</strong>
        <br />
        {whole(eventsOf(when))} · {percent(eventsOf(when), all)}
      </>
    )
    tip.value = { ...placeIn(frame.current, event), text }
  }
  const hide = () => {
    tip.value = undefined
  }
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is no grid */}
      <div
        class="heat-frame"
        ref={frame}
        role="group"
        aria-label={words.value.hoursHelp}
        onClick={({ target }) => choose(target)}
        onKeyDown={(event) => onKey(event, entered)}
        onPointerMove={show}
        onPointerLeave={hide}
        onFocusIn={show}
        onFocusOut={hide}
      >
        <div class={here.value.filter.when ? 'heat some' : 'heat'}>
          {DAYS.map((day) => [
            <span key={`day ${day}`} class="heat-day" aria-hidden="true">
              {weekday(day)}
            </span>,
            ...(CELLS[day] ?? []).map((when) => (
              <button
                key={when}
                type="button"
                class={`cell step-${stepOf(eventsOf(when), steps)}`}
                tabIndex={when === entry ? 0 : -1}
                aria-label={`${weekHour(when)}: ${whole(eventsOf(when))}`}
                aria-pressed={isFiltered('when', when)}
                data-when={when}
              />
            )),
          ])}
          <span class="heat-hour" />
          {HOURS.map((hour) => (
            <span key={hour} class="heat-hour" aria-hidden="true">
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

/** By weekday and hour, as the address names them: `5-18` is Friday from 18:00 on. */
const CELLS = DAYS.map((day) => HOURS.map((hour) => `${day + 1}-${hour}`))

const dayAndHour = (when: string): [day: number, hour: number] => {
  const [day = 1, hour = 0] = when.split('-').map(Number)
  return [day - 1, hour]
}

const whenOf = (target: EventTarget | null) => (target instanceof HTMLElement ? target.dataset.when : undefined)

function choose(target: EventTarget | null): void {
  const when = whenOf(target)
  if (when !== undefined) toggleFilter('when', when)
}

function onKey(event: KeyboardEvent, entered: Signal<string | undefined>): void {
  const when = whenOf(event.target)
  const frame = event.currentTarget as HTMLElement
  const [down = 0, right = 0] = MOVES[event.key] ?? []
  if (when === undefined || MOVES[event.key] === undefined) return
  event.preventDefault()
  const [days, hours] = isTurned(frame) ? [right, down] : [down, right]
  const [day, hour] = dayAndHour(when)
  const next = CELLS[(day + days + 7) % 7]?.[(hour + hours + 24) % 24]
  entered.value = next
  frame.querySelector<HTMLElement>(`[data-when="${next}"]`)?.focus()
}

/** Down and to the right. */
const MOVES: Readonly<Record<string, [number, number]>> = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
}

/** Where there is little width the style gives each day a column instead of a row, so that cells are wide enough for fingers. */
function isTurned(frame: Element): boolean {
  const grid = frame.querySelector('.heat')
  return grid !== null && getComputedStyle(grid).gridAutoFlow.startsWith('column')
}
