import { words } from '../words/language.ts'

const WIDTH = 240
const HEIGHT = 48
/** Values that fill the width: the history that the server keeps. */
const SLOTS = 60

/** The last values, newest at the right. Decoration: the figure beside it says the same in words. */
export function Sparkline({ values }: { values: readonly number[] }) {
  const top = Math.max(1, ...values)
  const x = (i: number) => ((SLOTS - values.length + i) * WIDTH) / (SLOTS - 1)
  const y = (value: number) => HEIGHT - 2 - (value / top) * (HEIGHT - 4)
  const line = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  return (
    <div class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {values.length > 1 && <polygon class="area" points={`${x(0)},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />}
        {values.length > 1 && <polyline class="line" points={line} />}
      </svg>
      <p class="muted tiny">{words.value.lastMinute}</p>
    </div>
  )
}
