import type { EventBytes } from '../event-bytes.ts'

const SLOTS = 1024
/** Longer texts are made anew each time. */
const LONGEST = 64

interface Slot {
  bytes: Uint8Array
  text: string
}

/**
 * The texts of short values by their bytes. Few values make up most fields, and to find the string of one that was met
 * before costs a quarter of making it anew, and nothing of the garbage collector. A slot keeps what came last, so memory is
 * bounded whatever comes.
 */
export class ByteNames {
  readonly #slots: (Slot | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)

  /** The text of a field. */
  of(event: EventBytes, field: number): string {
    const { data } = event
    const start = event.starts[field] as number
    const end = event.ends[field] as number
    if (end - start > LONGEST) return event.text(field)
    const at = slotOf(data, start, end)
    const slot = this.#slots[at]
    if (slot && isThere(slot.bytes, data, start, end)) return slot.text
    const text = event.text(field)
    this.#slots[at] = { bytes: Uint8Array.from(data.subarray(start, end)), text }
    return text
  }
}

function slotOf(data: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (data[at] as number)) | 0
  return (hash ^ (hash >>> 10)) & (SLOTS - 1)
}

function isThere(bytes: Uint8Array, data: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== data[start + i]) return false
  return true
}
