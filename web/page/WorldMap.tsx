import world from 'virtual:world'
import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { here, isFiltered, toggleFilter } from '../data/here.ts'
import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { bounds, stepOf } from '../map/shades.ts'
import { country, percent, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { tableOf } from './Breakdown.tsx'
import { Legend } from './Legend.tsx'
import { Panel } from './Panel.tsx'
import { placeIn, Tip, type TipAt } from './Tip.tsx'

const DOT = 9

/** Events by country: one tab stop; the arrow keys go from the country with the most events to the next. */
export function WorldMap() {
  const w = words.value
  const distribution = shown.distributions.value?.country
  const values = distribution?.values ?? []
  const events = new Map(values)
  const all = values.reduce((sum, [, each]) => sum + each, distribution?.others ?? 0)
  const steps = bounds(values[0]?.[1] ?? 0)
  const tip = useSignal<TipAt | undefined>(undefined)
  /** Where the arrow keys are, and whether the focus is there now. */
  const entered = useSignal<string | undefined>(undefined)
  const focused = useSignal<string | undefined>(undefined)
  const frame = useRef<HTMLDivElement>(null)

  const named = (code: string) => `${country(code)}: ${whole(events.get(code) ?? 0)}`
  const entry = entered.value ?? values.find(([code]) => CODES.has(code))?.[0]
  const props = (code: string) => ({
    'data-code': code,
    role: 'button' as const,
    // Not tabIndex: within SVG, attributes are written as they are.
    tabindex: code === entry ? 0 : -1,
    'aria-label': named(code),
    'aria-pressed': isFiltered('country', code),
    class: `country step-${stepOf(events.get(code) ?? 0, steps)}`,
  })
  const show = (event: MouseEvent | FocusEvent) => {
    const { code } = (event.target as SVGElement).dataset
    if (event.type === 'focusin' && (event.target as Element).matches(':focus-visible')) focused.value = code
    if (code === undefined || frame.current === null) {
      tip.value = undefined
      return
    }
    const text = (
      <>
        <strong>{country(code)}</strong>
        <br />
        {whole(events.get(code) ?? 0)} · {percent(events.get(code) ?? 0, all)}
      </>
    )
    tip.value = { ...placeIn(frame.current, event), text }
  }
  const hide = () => {
    tip.value = undefined
  }
  return (
    <Panel
      id="map"
      title={w.map}
      note={values.length === 0 ? nothing.value : distribution?.exact === false ? w.fromSample : w.mapNote}
      span={8}
      table={() => tableOf('country', distribution)}
    >
      <div class="map" ref={frame}>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot hold shapes */}
        <svg
          viewBox={`0 0 ${world.width} ${world.height}`}
          role="group"
          aria-label={w.mapHelp}
          onClick={(event) => choose(event.target)}
          onKeyDown={(event) => onKey(event, [...events.keys()], entered)}
          onPointerMove={show}
          onPointerLeave={hide}
          onFocusIn={show}
          onFocusOut={() => {
            hide()
            focused.value = undefined
          }}
        >
          <path class="country step-0" d={world.land} />
          {world.countries.map(({ code, path }) => (
            <path key={code} d={path} {...props(code)} />
          ))}
          {world.dots.map(({ code, x, y }) => (
            <circle key={code} cx={x} cy={y} r={DOT} {...props(code)} />
          ))}
          {(here.value.filter.country ?? []).map((code) => (
            <Outline key={code} code={code} />
          ))}
          {focused.value && <Outline code={focused.value} focused />}
        </svg>
        <Tip at={tip} />
      </div>
      {values.length > 0 && <Legend bounds={steps} />}
    </Panel>
  )
}

function Outline({ code, focused }: { code: string; focused?: boolean }) {
  const look = focused ? 'outlined focused' : 'outlined'
  const shape = world.countries.find((each) => each.code === code)
  if (shape) return <path class={look} d={shape.path} />
  const dot = world.dots.find((each) => each.code === code)
  return dot ? <circle class={look} cx={dot.x} cy={dot.y} r={DOT} /> : null
}

const CODES: ReadonlySet<string> = new Set([...world.countries, ...world.dots].map(({ code }) => code))

function choose(target: EventTarget | null): void {
  const code = target instanceof SVGElement ? target.dataset.code : undefined
  if (code !== undefined) toggleFilter('country', code)
}

/** @param codes those with events, most first */
function onKey(event: KeyboardEvent, codes: readonly string[], entered: Signal<string | undefined>): void {
  if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault()
    choose(event.target)
    return
  }
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
  if (by === undefined) return
  event.preventDefault()
  const order = codes.filter((code) => CODES.has(code))
  const here = order.indexOf((event.target as SVGElement).dataset.code ?? '')
  const next = order[(here + by + order.length) % order.length]
  if (next === undefined) return
  entered.value = next
  const svg = event.currentTarget as SVGElement
  svg.querySelector<SVGElement>(`[data-code="${CSS.escape(next)}"]`)?.focus()
}
