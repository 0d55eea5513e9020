interface Column {
  key: string
  value: number
  /** Shown when the pointer rests on it. */
  title: string
  faint?: boolean
}

interface ColumnsProps {
  columns: readonly Column[]
  /** The number at the top of the scale, in words. */
  top: string
  /** What stands under the left end, and under the right. */
  from: string
  to: string
}

const SLOT = 10
const HEIGHT = 100

/** Columns from zero to the largest value, drawn to fill their box. The table beside it says the same. */
export function Columns({ columns, top, from, to }: ColumnsProps) {
  const width = columns.length * SLOT
  const most = Math.max(1, ...columns.map((column) => column.value))
  return (
    <div class="columns" aria-hidden="true">
      <p class="muted tiny">{top}</p>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <path class="rule" d={`M0 0.5H${width}M0 ${HEIGHT / 2}H${width}M0 ${HEIGHT - 0.5}H${width}`} />
        {columns.map(({ key, value, title, faint }, i) => {
          const height = (value / most) * HEIGHT
          return (
            <g key={key}>
              <rect class="hit" x={i * SLOT} y={0} width={SLOT} height={HEIGHT}>
                <title>{title}</title>
              </rect>
              <rect
                class={faint ? 'column faint' : 'column'}
                x={i * SLOT + 1}
                y={HEIGHT - height}
                width={SLOT - 2}
                height={height}
              />
            </g>
          )
        })}
      </svg>
      <p class="muted tiny ends">
        <span>{from}</span>
        <span>{to}</span>
      </p>
    </div>
  )
}
