/** Cutting names to size. */
import { MAX_NAME } from './api.ts'

const CUT = '…'

/** At most MAX_NAME UTF-16 units, never half a surrogate pair; what was cut shows as an ellipsis. */
export function clip(text: string): string {
  if (text.length <= MAX_NAME) return text
  const cut = text.slice(0, MAX_NAME - CUT.length)
  return `${cut.replace(/[\ud800-\udbff]$/, '')}${CUT}`
}
