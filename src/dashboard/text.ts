/** What came from an event, cut to size. */
import type { MusicEvent } from '../event.ts'
import type { Row } from './api.ts'
import { MAX_NAME } from './api-values.ts'

const CUT = '…'

/** At most MAX_NAME UTF-16 units, never half a surrogate pair; what was cut shows as an ellipsis. */
export function clip(text: string): string {
  if (text.length <= MAX_NAME) return text
  const cut = text.slice(0, MAX_NAME - CUT.length)
  return `${cut.replace(/[\ud800-\udbff]$/, '')}${CUT}`
}

/** What the names begin with that `clip` shows as this one; undefined for one that is whole. */
export function beginning(shown: string): string | undefined {
  return shown.length >= MAX_NAME - CUT.length && shown.endsWith(CUT) ? shown.slice(0, -CUT.length) : undefined
}

/** An event as a row of a list. @param id different for each row of an answer */
export function row(id: string, event: MusicEvent): Row {
  return {
    id,
    timestamp: event.timestamp,
    user: clip(event.user),
    artist: clip(event.artist),
    track: clip(event.track),
    genre: clip(event.genre),
    duration: event.duration,
    platform: clip(event.platform),
    device: clip(event.device),
    action: clip(event.action),
    country: event.country,
  }
}
