import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { csv, type Table } from '../data/csv.ts'
import { paint } from '../data/paint.ts'
import { save, textFile } from '../data/save.ts'
import { register } from '../data/tables.ts'
import { words } from '../words/language.ts'
import { DataTable } from './DataTable.tsx'
import { Icon } from './Icon.tsx'

interface PanelProps {
  id: string
  title: string
  /** A line under the title. */
  note?: ComponentChildren
  /** Its part of the twelve columns of the grid. */
  span?: 3 | 4 | 5 | 7 | 8
  /** The numbers behind what it shows: with them come a table, a CSV file and a picture. */
  table?: () => Table
  /** Stands in for the children where there is nothing to show. */
  empty?: string | undefined
  children: ComponentChildren
}

/** A part of the page with a heading. */
export function Panel({ id, title, note, span, table, empty, children }: PanelProps) {
  const open = useSignal(false)
  const section = useRef<HTMLElement>(null)
  const current = useRef(table)
  current.current = table
  useEffect(() => {
    if (table === undefined) return
    return register({ id, title, table: () => current.current?.() ?? { heads: [], rows: [] } })
  }, [id, title, table === undefined])

  return (
    <section class={span ? `panel span-${span}` : 'panel'} aria-labelledby={`${id}-title`} id={id} ref={section}>
      <div class="panel-head">
        <div>
          <h2 id={`${id}-title`}>{title}</h2>
          {note && <p class="muted tiny">{note}</p>}
        </div>
        {table && empty === undefined && (
          <div class="tools" data-unpainted>
            <Tool
              icon="table"
              text={`${words.value.asTable}: ${title}`}
              expanded={open.value}
              onClick={() => {
                open.value = !open.value
              }}
            />
            <Tool
              icon="sheet"
              text={`${words.value.asCsv}: ${title}`}
              onClick={() => save(`${id}.csv`, textFile(csv(table()), 'text/csv'))}
            />
            <Tool
              icon="picture"
              text={`${words.value.asPicture}: ${title}`}
              onClick={async () => {
                if (section.current) save(`${id}.png`, await paint(section.current))
              }}
            />
          </div>
        )}
      </div>
      {empty === undefined ? children : <p class="empty">{empty}</p>}
      {table && empty === undefined && open.value && <DataTable caption={title} table={table()} />}
    </section>
  )
}

interface ToolProps {
  icon: 'table' | 'sheet' | 'picture'
  text: string
  expanded?: boolean
  onClick(): void
}

function Tool({ icon, text, expanded, onClick }: ToolProps) {
  return (
    <button type="button" class="tool" aria-label={text} title={text} aria-expanded={expanded} onClick={onClick}>
      <Icon name={icon} />
    </button>
  )
}
