import { percent, whole } from '../words/format.ts'

export interface Bar {
  key: string
  name: string
  detail?: string | undefined
  events: number
  /** Drawn weaker: the sum of what is not listed. */
  faint?: boolean
}

interface BarsProps {
  bars: readonly Bar[]
  /** What the percentages are of; without it none are shown. */
  all?: number
  numbered?: boolean
}

/** Names, numbers and bars as one list: the bar repeats the number, so it needs no text of its own. */
export function Bars({ bars, all, numbered }: BarsProps) {
  const longest = Math.max(1, ...bars.map((bar) => bar.events))
  const List = numbered ? 'ol' : 'ul'
  const look = numbered ? 'bars numbered' : all === undefined ? 'bars' : 'bars shared'
  return (
    <List class={look}>
      {bars.map((bar, i) => (
        <li key={bar.key} class={bar.faint ? 'faint' : ''}>
          {numbered && (
            <span class="rank" aria-hidden="true">
              {i + 1}
            </span>
          )}
          <span class="name" title={bar.detail === undefined ? bar.name : `${bar.name} — ${bar.detail}`}>
            <bdi>{bar.name}</bdi>
            {bar.detail !== undefined && (
              <span class="muted">
                {' '}
                <bdi>{bar.detail}</bdi>
              </span>
            )}
          </span>
          <span class="number">{whole(bar.events)}</span>
          {all !== undefined && <span class="share muted">{percent(bar.events, all)}</span>}
          <span class="bar" aria-hidden="true">
            <span style={{ width: `${(100 * bar.events) / longest}%` }} />
          </span>
        </li>
      ))}
    </List>
  )
}
