import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

export interface TipAt {
  /** Pixels from the left and the top of what holds it. */
  x: number
  y: number
  text: ComponentChildren
}

/** What the pointer is on, in words. The same is in the accessible names and in the table. */
export function Tip({ at }: { at: Signal<TipAt | undefined> }) {
  const tip = at.value
  if (tip === undefined) return null
  return (
    <div class="tip" aria-hidden="true" data-unpainted style={{ left: `${tip.x}px`, top: `${tip.y}px` }}>
      {tip.text}
    </div>
  )
}

/** The place of a pointer, or of the middle of the part that has the focus, within `frame`. */
export function placeIn(
  frame: Element,
  { target, clientX, clientY, type }: MouseEvent | (FocusEvent & { clientX?: number; clientY?: number }),
) {
  const outer = frame.getBoundingClientRect()
  const box = (target as Element).getBoundingClientRect()
  const pointed = type.startsWith('pointer') && clientX !== undefined && clientY !== undefined
  const x = (pointed ? clientX : box.left + box.width / 2) - outer.left
  const y = (pointed ? clientY : box.top) - outer.top
  // Near an edge it would be cut off.
  return { x: Math.min(Math.max(x, 70), outer.width - 70), y }
}
