import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { theme } from '../data/theme.ts'
import { compact, momentOf, tickOf, whole } from '../words/format.ts'
import { language, words } from '../words/language.ts'
import { Tip, type TipAt } from './Tip.tsx'

interface PlotProps {
  /** What it shows, for a screen reader. */
  title: string
  /** Epoch seconds, rising by `step`. */
  times: readonly number[]
  values: readonly number[]
  step: number
}

/** Values over time, by uPlot. By keyboard it is a slider: the arrow keys go from point to point, each said in words. */
export function Plot({ title, times, values, step }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const at = useSignal(times.length - 1)
  const tip = useSignal<TipAt | undefined>(undefined)
  const last = times.length - 1
  const chosen = Math.min(at.value, last)
  const said = `${momentOf((times[chosen] ?? 0) * 1_000, step)}: ${whole(values[chosen] ?? 0)}`

  const show = (i: number | null | undefined) => {
    const u = plot.current
    if (u === undefined || i == null || frame.current === null) {
      tip.value = undefined
      return
    }
    at.value = i
    const [time = 0, value = 0] = [u.data[0][i], u.data[1]?.[i] ?? 0]
    const x = u.valToPos(time, 'x') + u.bbox.left / devicePixelRatio
    tip.value = {
      x: Math.min(Math.max(x, 70), frame.current.clientWidth - 70),
      y: u.valToPos(value, 'y') + u.bbox.top / devicePixelRatio,
      text: (
        <>
          <strong>{whole(value)}</strong>
          <br />
          {momentOf(time * 1_000, step)}
        </>
      ),
    }
  }
  const move = (to: number) => {
    const u = plot.current
    const i = Math.max(0, Math.min(last, to))
    if (u) u.setCursor({ left: u.valToPos(u.data[0][i] ?? 0, 'x'), top: u.valToPos(u.data[1]?.[i] ?? 0, 'y') })
    show(i)
  }

  // A new look needs a new plot; new numbers do not.
  useEffect(() => {
    const box = frame.current
    if (box === null) return
    const made = new UPlot(optionsFor(box, show), data(times, values), box)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height: box.clientHeight }))
    resized.observe(box)
    return () => {
      resized.disconnect()
      made.destroy()
    }
  }, [theme.value, language.value, step])
  useEffect(() => plot.current?.setData(data(times, values)), [times, values])

  return (
    <div
      class="plot"
      ref={frame}
      role="slider"
      tabIndex={0}
      aria-label={`${title}. ${words.value.plotHelp}`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={chosen}
      aria-valuetext={said}
      onKeyDown={(event) => {
        const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: last }[event.key]
        if (to === undefined) return
        event.preventDefault()
        move(to)
      }}
      onFocusOut={() => show(null)}
    >
      <Tip at={tip} />
    </div>
  )
}

/** The last step is still filling: drawn apart. */
function data(times: readonly number[], values: readonly number[]): UPlot.AlignedData {
  const last = values.length - 1
  return [
    [...times],
    values.map((value, i) => (i === last && last > 0 ? null : value)),
    values.map((value, i) => (i >= last - 1 ? value : null)),
  ]
}

function optionsFor(box: HTMLElement, show: (i: number | null | undefined) => void): UPlot.Options {
  const color = (name: string) => resolved(box, name)
  const [ink, edge, accent] = [color('--muted'), color('--edge'), color('--accent')]
  const font = `12px ${getComputedStyle(box).fontFamily}`
  const axis = { stroke: ink, font, grid: { stroke: edge, width: 1 }, ticks: { show: false } }
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    padding: [12, 32, 0, 0],
    legend: { show: false },
    tzDate: (epoch) => UPlot.tzDate(new Date(epoch * 1_000), 'Etc/UTC'),
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.08)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_plot, splits, _i, _space, gap) => splits.map((at) => tickOf(at * 1_000, gap)),
      },
      {
        ...axis,
        size: 52,
        values: (_plot, splits) => splits.map((value) => (Number.isInteger(value) ? compact(value) : '')),
      },
    ],
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 9, fill: accent } },
    series: [
      {},
      { stroke: accent, width: 2, points: { show: false }, fill: (plot) => gradient(plot, accent) },
      { stroke: accent, width: 2, dash: [4, 4], points: { show: false } },
    ],
    hooks: {
      setCursor: [(plot) => show(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? plot.cursor.idx : null)],
    },
  }
}

function gradient({ ctx, bbox }: UPlot, accent: string): CanvasGradient {
  const shade = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height)
  shade.addColorStop(0, accent.replace('rgb(', 'rgba(').replace(')', ', 0.38)'))
  shade.addColorStop(1, accent.replace('rgb(', 'rgba(').replace(')', ', 0.02)'))
  return shade
}

/** A colour of the theme as canvases take it. */
function resolved(box: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  box.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
