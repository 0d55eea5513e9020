import { whole } from '../words/format.ts'

export interface Column {
  /** In full, for the pointer. */
  name: string
  /** What stands below it; not every one has something. */
  tick: string
  events: number
}

/** Columns from zero to the largest number. The table of the panel says the same. */
export function Columns({ columns }: { columns: readonly Column[] }) {
  const most = Math.max(1, ...columns.map(({ events }) => events))
  return (
    <div class="columns" aria-hidden="true">
      <p class="muted tiny">{whole(most)}</p>
      <ol>
        {columns.map(({ name, tick, events }) => (
          <li key={name} title={`${name} · ${whole(events)}`}>
            <span class="column">
              <span style={{ height: `${(100 * events) / most}%` }} />
            </span>
            <span class="muted tick">{tick}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}
