import { shown } from '../data/store.ts'
import { playTime, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Columns } from './Columns.tsx'
import { DataTable } from './DataTable.tsx'
import { Panel } from './Panel.tsx'

export function Durations() {
  const w = words.value
  const durations = shown.durations.value
  const buckets = withoutEmptyEnds(durations?.buckets ?? []).map(({ over, upTo, events }) => ({
    name: upTo === null ? w.longerThan(playTime(over)) : `${playTime(over)} – ${playTime(upTo)}`,
    from: playTime(over),
    to: upTo === null ? '' : playTime(upTo),
    events,
  }))
  const mean = durations?.mean
  return (
    <Panel
      id="durations"
      title={w.durations}
      note={mean == null ? undefined : w.meanDuration(playTime(mean))}
      size="quarter"
    >
      {buckets.length > 0 ? (
        <>
          <Columns
            columns={buckets.map(({ name, events }) => ({
              key: name,
              value: events,
              title: `${name} · ${whole(events)}`,
            }))}
            top={whole(Math.max(...buckets.map((bucket) => bucket.events)))}
            from={buckets[0]?.from ?? ''}
            to={buckets.at(-1)?.to ?? ''}
          />
          <DataTable
            caption={w.durations}
            heads={[w.seconds, w.count]}
            rows={buckets.map(({ name, events }) => [name, whole(events)])}
          />
        </>
      ) : (
        <p class="muted">{w.empty}</p>
      )}
    </Panel>
  )
}

/** The buckets from the first to the last that holds events. */
function withoutEmptyEnds<B extends { events: number }>(buckets: readonly B[]): B[] {
  const first = buckets.findIndex((bucket) => bucket.events > 0)
  const last = buckets.findLastIndex((bucket) => bucket.events > 0)
  return first < 0 ? [] : buckets.slice(first, last + 1)
}
