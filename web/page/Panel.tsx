import type { ComponentChildren } from 'preact'

interface PanelProps {
  id: string
  title: string
  /** A line under the title. */
  note?: ComponentChildren
  /** Its part of the grid's width; without one it fills what holds it. */
  size?: 'quarter' | 'main-part' | 'full'
  children: ComponentChildren
}

/** A part of the page with a heading. */
export function Panel({ id, title, note, size, children }: PanelProps) {
  return (
    <section class={size ? `panel ${size}` : 'panel'} aria-labelledby={`${id}-title`} id={id}>
      <div class="panel-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {note && <p class="muted tiny">{note}</p>}
      </div>
      {children}
    </section>
  )
}
