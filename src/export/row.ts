/** One event on its way from a line of the lake to a row of another format. */
import { decodeArchived, FIELDS } from '../event.ts'
import {
  ACTION,
  ARTIST,
  COUNTRY,
  DEVICE,
  DURATION,
  EventBytes,
  GENRE,
  PLATFORM,
  TIMESTAMP,
  TRACK,
  USER,
} from '../event-bytes.ts'
import { KnownTexts } from '../known-texts.ts'
import type { SummaryBuilder } from '../stats/summary.ts'
import { extraOf } from './extra.ts'

/** The fraction of a timestamp begins here. */
const FRACTION = 'YYYY-MM-DDTHH:MM:SS.'.length

/** Made once and used again: each `read` overwrites what the last one found. */
export class EventRow {
  /** The ten fields in their order; the duration's is empty. */
  readonly texts: string[] = FIELDS.map(() => '')
  /** Seconds. */
  duration = 0
  /** Whole minutes since the Unix epoch, UTC, and microseconds within that minute. */
  minute = 0
  micros = 0
  /** Further fields of the event as a JSON object; null where there are none. */
  extra: string | null = null
  /** Names the file in errors; for the caller to set. */
  path = ''
  /** The line without its line break: `data[start, end)`. */
  data: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly #bytes = new EventBytes()
  readonly #known = [new KnownTexts(), new KnownTexts(), new KnownTexts()] as const

  /**
   * Reads the event that is `data[start, end)` and counts it in `summary`.
   * @throws COMMIT_CORRUPT for what is no event
   */
  read(data: Buffer, start: number, end: number, summary: SummaryBuilder): void {
    this.data = data
    this.start = start
    this.end = end
    if (this.#bytes.read(data, start, end)) this.#take(summary)
    else this.#decode(summary)
  }

  #take(summary: SummaryBuilder): void {
    const { texts } = this
    const event = this.#bytes
    texts[USER] = this.#text(USER, this.#known[0])
    texts[ARTIST] = this.#text(ARTIST, this.#known[1])
    texts[TRACK] = this.#text(TRACK, this.#known[2])
    // Timestamps hardly ever repeat.
    texts[TIMESTAMP] = event.text(TIMESTAMP)
    texts[GENRE] = event.genre
    texts[PLATFORM] = event.platform
    texts[DEVICE] = event.device
    texts[ACTION] = event.action
    texts[COUNTRY] = event.country
    this.duration = event.duration
    this.minute = event.minute
    this.micros = this.#microsOfMinute()
    this.extra = null
    summary.addBytes(event)
  }

  #text(field: number, known: KnownTexts): string {
    const { starts, view } = this.#bytes
    const start = starts[field] as number
    if (known.find(view, start, this.end) > 0) return known.text
    const text = this.#bytes.text(field)
    known.keep(view, start, (this.#bytes.ends[field] as number) - start, text)
    return text
  }

  #decode(summary: SummaryBuilder): void {
    const line = this.data.subarray(this.start, this.end)
    const { event, minute } = decodeArchived(line, this.path)
    for (const [field, name] of FIELDS.entries()) this.texts[field] = field === DURATION ? '' : String(event[name])
    this.duration = event.duration
    this.minute = minute
    this.micros = this.#microsOfMinute()
    this.extra = extraOf(event, line)
    summary.add(event, minute)
  }

  #microsOfMinute(): number {
    const text = this.texts[TIMESTAMP] as string
    return Number(text.slice(17, 19)) * 1_000_000 + Number(text.slice(FRACTION).padEnd(6, '0'))
  }
}
