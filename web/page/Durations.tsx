import { nothing } from '../data/nothing.ts'
import { shown } from '../data/store.ts'
import { playTime } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Columns } from './Columns.tsx'
import { Panel } from './Panel.tsx'

/** How long the tracks are. */
export function Durations() {
  const w = words.value
  const durations = shown.durations.value
  const buckets = withoutEmptyEnds(durations?.buckets ?? [])
  const columns = buckets.map(({ over, upTo, events }, i) => ({
    name: upTo === null ? w.longerThan(playTime(over)) : `${playTime(over)} – ${playTime(upTo)}`,
    // Every other one, so that none touches its neighbour, and the last.
    tick: (buckets.length - 1 - i) % 2 === 0 ? (upTo === null ? '…' : playTime(upTo)) : '',
    events,
  }))
  const mean = durations?.mean
  const note = [mean != null && w.meanDuration(playTime(mean)), durations?.exact === false && w.fromSample]
  return (
    <Panel
      id="durations"
      title={w.durations}
      note={note.filter(Boolean).join(' · ')}
      span={4}
      table={() => ({ heads: [w.length, w.count], rows: columns.map(({ name, events }) => [name, events]) })}
      empty={columns.length === 0 ? nothing.value : undefined}
    >
      <Columns columns={columns} />
    </Panel>
  )
}

/** The buckets from the first to the last that holds events. */
function withoutEmptyEnds<B extends { events: number }>(buckets: readonly B[]): B[] {
  const first = buckets.findIndex((bucket) => bucket.events > 0)
  const last = buckets.findLastIndex((bucket) => bucket.events > 0)
  return first < 0 ? [] : buckets.slice(first, last + 1)
}
