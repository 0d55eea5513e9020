/**
 * Reads an event straight from its bytes, where these have the documented shape: the ten fields in their order, written as
 * JSON.stringify writes them (`{"user":"eric04","artist":...}`) or as Python's json.dumps does (`{"user": "eric04", ...`).
 * No object and no string is made, on which `decode` spends ten times as long.
 *
 * Only valid events are known here. Whatever is not plainly one (escapes, long texts, other spacing or order, further
 * fields, a wrong or far date) is left to `decode`, which alone gives reasons: `read` is true only where `decode` finds
 * the same event. regression/fast-path.test.ts holds the two against each other.
 *
 * Bytes are compared and searched four at a time, as 32-bit words of a DataView: half the time of byte by byte.
 */
import { isUtf8 } from 'node:buffer'
import { FIELDS, MAX_DURATION_S, MAX_FUTURE_MS } from './event.ts'
import { KnownTexts } from './known-texts.ts'

/** Longer texts are left to `decode`. */
const LONGEST_TEXT = 1024
const DAY_MS = 86_400_000

const SPACE = 0x20
const QUOTE = 0x22
const DASH = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const CAPITAL_A = 0x41
const CAPITAL_Z = 0x5a
const T = 0x54
const BACKSLASH = 0x5c
const CLOSE = 0x7d

/** The numbers of the fields, in their order. */
export const USER = 0
export const ARTIST = 1
export const TRACK = 2
export const TIMESTAMP = 3
export const GENRE = 4
export const DURATION = 5
export const PLATFORM = 6
export const DEVICE = 7
export const ACTION = 8
export const COUNTRY = 9

/** Bytes that must stand somewhere: at least four of them. */
class Literal {
  readonly length: number
  readonly #words: Int32Array

  constructor(text: string) {
    this.length = text.length
    this.#words = wordsOf(text)
  }

  /** The caller sees to it that `at + length` is within the view. */
  standsAt(view: DataView, at: number): boolean {
    const words = this.#words
    const last = words.length - 1
    for (let i = 0; i < last; i++) if (view.getInt32(at + i * 4, true) !== words[i]) return false
    return view.getInt32(at + this.length - 4, true) === words[last]
  }
}

/** Of an ASCII text, little-endian. The last one overlaps the one before it where the length is no multiple of four. */
function wordsOf(text: string): Int32Array {
  const bytes = Buffer.from(text)
  return Int32Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) =>
    bytes.readInt32LE(Math.min(i * 4, bytes.length - 4)),
  )
}

/** Of the fields with few values, whatever the event. */
const known = new KnownTexts()

/** What stands before the value of each field, from the end of the value before it. */
function leads(comma: string, colon: string): Literal[] {
  return FIELDS.map((field, i) => {
    const opening = field === 'duration' ? '' : '"'
    return new Literal(`${i === 0 ? '{' : comma}"${field}"${colon}${opening}`)
  })
}
const COMPACT = leads(',', ':')
const SPACED = leads(', ', ': ')
/** Where the two differ first. */
const FIRST_SPACE = '{"user":'.length

/** One event in its buffer. Made once and used again: each `read` overwrites what the last one found. */
export class EventBytes {
  /** The reader's clock in epoch milliseconds, against which the future limit is held. A parameter would cost an object a call. */
  now = Number.POSITIVE_INFINITY
  /** Where each field's value lies, without quotes. Not set for the duration. */
  readonly starts = new Int32Array(FIELDS.length)
  readonly ends = new Int32Array(FIELDS.length)
  /** Bit n is set where the text of field n is more than ASCII. */
  wide = 0
  /** Seconds. */
  duration = 0
  /** Whole minutes since the Unix epoch, UTC. */
  minute = 0
  /** Milliseconds within that minute; digits beyond are dropped. */
  millis = 0
  genre = ''
  platform = ''
  device = ''
  action = ''
  country = ''
  /** What `starts` and `ends` refer to. */
  data: Buffer = Buffer.alloc(0)
  /** The same. At least one byte follows the closing quote of each text. */
  view: DataView = new DataView(this.data.buffer)
  #source: Uint8Array = this.data
  /** The bytes of the timestamp from which `minute` was read, those of minute 0 at first: minutes repeat. */
  readonly #minuteWords = wordsOf('1970-01-01T00:00')
  #leads = COMPACT
  #at = 0
  #end = 0
  /** The date that was read last, and its days since the Unix epoch: dates repeat. */
  #date = -1
  #day = 0

  /**
   * Reads the event that is `data[start, end)`.
   * @returns false where `decode` has to look at it
   */
  read(data: Uint8Array, start: number, end: number): boolean {
    if (data !== this.#source) this.#look(data)
    this.#at = start
    this.#end = end
    this.#leads = data[start + FIRST_SPACE] === SPACE ? SPACED : COMPACT
    this.wide = 0
    if (!this.#text(USER) || !this.#text(ARTIST) || !this.#text(TRACK) || !this.#timestamp()) return false
    if (!this.#name(GENRE)) return false
    this.genre = known.text
    if (!this.#whole() || !this.#name(PLATFORM)) return false
    this.platform = known.text
    if (!this.#name(DEVICE)) return false
    this.device = known.text
    if (!this.#name(ACTION)) return false
    this.action = known.text
    if (!this.#name(COUNTRY) || !this.#isCountry()) return false
    this.country = known.text
    return data[this.#at] === CLOSE && this.#at === end - 1
  }

  isAscii(field: number): boolean {
    return (this.wide & (1 << field)) === 0
  }

  /** The text of a field; not of the duration. */
  text(field: number): string {
    return this.data.toString(this.isAscii(field) ? 'latin1' : 'utf8', this.starts[field], this.ends[field])
  }

  #look(data: Uint8Array): void {
    this.#source = data
    // One kind of array for every log: V8 compiles the loops below for each kind that they meet.
    this.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  }

  /** Steps over what stands before a field's value. */
  #lead(field: number): boolean {
    const lead = this.#leads[field] as Literal
    const at = this.#at
    if (at + lead.length > this.#end || !lead.standsAt(this.view, at)) return false
    this.#at = at + lead.length
    return true
  }

  /** A text and its closing quote: not empty, without escapes, valid UTF-8. */
  #text(field: number): boolean {
    return this.#lead(field) && this.#textAt(field, this.#at)
  }

  #textAt(field: number, start: number): boolean {
    const end = this.#endOfText(start, Math.min(this.#end, start + LONGEST_TEXT), field)
    if (end === start || end < 0) return false
    this.starts[field] = start
    this.ends[field] = end
    this.#at = end + 1
    return this.isAscii(field) || isUtf8(this.data.subarray(start, end))
  }

  /** As `#text`, of a field that has few values; the text is `known.text` then. */
  #name(field: number): boolean {
    if (!this.#lead(field)) return false
    const start = this.#at
    const length = known.find(this.view, start, this.#end)
    if (length === 0) return this.#newName(field, start)
    this.starts[field] = start
    this.ends[field] = start + length
    this.#at = start + length + 1
    return true
  }

  /** A name that is not known is kept, where it is ASCII. */
  #newName(field: number, start: number): boolean {
    if (!this.#textAt(field, start)) return false
    known.text = this.text(field)
    if (this.isAscii(field)) known.keep(this.view, start, this.#at - 1 - start, known.text)
    return true
  }

  /** Where the closing quote is; -1 where something else comes first that ends plain text. */
  #endOfText(start: number, limit: number, field: number): number {
    const view = this.view
    let at = start
    for (; at + 4 <= limit; at += 4) {
      const special = specialBytes(view.getInt32(at, true))
      if (special !== 0) {
        at += 3 - (Math.clz32(special & -special) >> 3)
        break
      }
    }
    for (; at < limit; at++) {
      const byte = this.data[at] as number
      if (byte === QUOTE) return at
      if (byte === BACKSLASH || byte < SPACE) return -1
      if (byte >= 0x80) this.wide |= 1 << field
    }
    return -1
  }

  /** YYYY-MM-DDTHH:MM:SS, or with up to six digits more after a dot. */
  #timestamp(): boolean {
    if (!this.#lead(TIMESTAMP)) return false
    const data = this.data
    const start = this.#at
    const dot = start + 19
    if (dot + 1 >= this.#end) return false
    if (!this.#isLastMinute(start) && !this.#readMinute(start)) return false
    const second = this.#pair(start + 17)
    if (data[start + 16] !== COLON || second < 0 || second > 59) return false
    this.millis = second * 1000
    this.#at = dot
    if (data[dot] === DOT && !this.#fraction()) return false
    this.starts[TIMESTAMP] = start
    this.ends[TIMESTAMP] = this.#at
    if (data[this.#at++] !== QUOTE) return false
    return this.minute * 60_000 + second * 1000 <= this.now + MAX_FUTURE_MS
  }

  #isLastMinute(start: number): boolean {
    const { view } = this
    const words = this.#minuteWords
    for (let i = 3; i >= 0; i--) if (view.getInt32(start + i * 4, true) !== words[i]) return false
    return true
  }

  /** YYYY-MM-DDTHH:MM. */
  #readMinute(start: number): boolean {
    const data = this.data
    if (data[start + 4] !== DASH || data[start + 7] !== DASH || data[start + 10] !== T) return false
    if (data[start + 13] !== COLON) return false
    const year = this.#pair(start) * 100 + this.#pair(start + 2)
    const hour = this.#pair(start + 11)
    const minute = this.#pair(start + 14)
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false
    if (!this.#isDate(year, this.#pair(start + 5), this.#pair(start + 8))) return false
    this.minute = (this.#day * 24 + hour) * 60 + minute
    for (let i = 0; i < 4; i++) this.#minuteWords[i] = this.view.getInt32(start + i * 4, true)
    return true
  }

  /** The dot and one to six digits, of which three count. */
  #fraction(): boolean {
    const start = this.#at + 1
    let at = start
    let millis = 0
    for (; at < start + 6; at++) {
      const digit = this.#digit(at)
      if (digit < 0) break
      if (at < start + 3) millis = millis * 10 + digit
    }
    const digits = at - start
    this.millis += digits === 1 ? millis * 100 : digits === 2 ? millis * 10 : millis
    this.#at = at
    return digits > 0
  }

  /** The number of the two digits there; for anything else one so far below zero that a year with it is, too. */
  #pair(at: number): number {
    const tens = this.#digit(at)
    const ones = this.#digit(at + 1)
    return tens < 0 || ones < 0 ? -10_000 : tens * 10 + ones
  }

  /** -1 for what is no digit. */
  #digit(at: number): number {
    const digit = (this.data[at] as number) - ZERO
    return digit > 9 ? -1 : digit
  }

  /** Whether the calendar has that day, whose number is kept. */
  #isDate(year: number, month: number, day: number): boolean {
    const date = year * 10_000 + month * 100 + day
    if (date === this.#date) return true
    if (year < 1 || month < 1 || month > 12 || day < 1) return false
    const time = new Date(0).setUTCFullYear(year, month - 1, day)
    // A day that the month does not have becomes one of the next.
    if (new Date(time).getUTCDate() !== day) return false
    this.#date = date
    this.#day = time / DAY_MS
    return true
  }

  /** The duration: up to five digits, the first of them not 0. */
  #whole(): boolean {
    if (!this.#lead(DURATION) || this.data[this.#at] === ZERO) return false
    const limit = Math.min(this.#end, this.#at + 5)
    let value = 0
    for (; this.#at < limit; this.#at++) {
      const digit = this.#digit(this.#at)
      if (digit < 0) break
      value = value * 10 + digit
    }
    this.duration = value
    return value >= 1 && value <= MAX_DURATION_S
  }

  #isCountry(): boolean {
    const at = this.starts[COUNTRY] as number
    return this.ends[COUNTRY] === at + 2 && isCapital(this.data[at] as number) && isCapital(this.data[at + 1] as number)
  }
}

function isCapital(byte: number): boolean {
  return byte >= CAPITAL_A && byte <= CAPITAL_Z
}

/**
 * Marks, by their highest bits, the bytes of a word that are not plain text: quotes, backslashes, control characters and
 * what is not ASCII. A byte above a marked one may be marked wrongly; the lowest mark is right.
 * From "Determine if a word has a zero byte" in Sean Eron Anderson's Bit Twiddling Hacks.
 */
function specialBytes(word: number): number {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  const marks =
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes) |
    ((word - 0x20202020) & ~word) |
    word
  return marks & 0x80808080
}
