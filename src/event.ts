/**
 * The event: ten fields, in this order, one JSON object per message.
 *
 *   {"user":"eric04","artist":"Carol Moore","track":"MediumAquaMarine Nights - Live",
 *    "timestamp":"2025-07-03T20:07:50.691643","genre":"Jazz","duration":146,"platform":"Spotify",
 *    "device":"Desktop","action":"like","country":"FR"}
 *
 * Anyone may write to the topic, so everything read from it goes through `decode`: it gives an event or the reason
 * for quarantine, and never throws.
 */

import { MusicFakerError } from './errors.ts'

export interface MusicEvent {
  user: string
  artist: string
  track: string
  /** ISO 8601 without zone, up to microseconds, read as UTC. */
  timestamp: string
  genre: string
  /** Whole seconds, 1..86400. */
  duration: number
  platform: string
  device: string
  action: string
  /** ISO 3166-1 alpha-2. */
  country: string
}

export const FIELDS = [
  'user',
  'artist',
  'track',
  'timestamp',
  'genre',
  'duration',
  'platform',
  'device',
  'action',
  'country',
] as const satisfies readonly (keyof MusicEvent)[]

export const ACTIONS = ['play', 'pause', 'skip', 'like', 'share', 'favorite'] as const

/** Larger messages are quarantined: 1 MiB, Kafka's own default limit. */
export const MAX_MESSAGE_BYTES = 1_048_576
export const MAX_DURATION_S = 86_400
/** Events dated further ahead than this are quarantined. */
export const MAX_FUTURE_MS = 86_400_000

/** Why a message was quarantined. Closed: totals, metrics and the quarantine files all use these names. */
export const QUARANTINE_REASONS = [
  'tombstone',
  'too_large',
  'bad_utf8',
  'bad_json',
  'not_an_object',
  'missing_field',
  'mistyped_field',
  'impossible_date',
  'future_date',
] as const
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]

export interface ValidEvent {
  ok: true
  event: MusicEvent
  /** The event's UTC day, YYYY-MM-DD. */
  day: string
  /** Whole minutes since the Unix epoch, UTC. */
  minute: number
  /** The bytes to write to the lake: the message's own, free of line breaks. */
  line: Uint8Array
}

export interface InvalidEvent {
  ok: false
  reason: QuarantineReason
  /** What exactly was wrong, for a person. Never contains the message itself. */
  detail: string
}

export type Decoded = ValidEvent | InvalidEvent

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,6})?$/
const COUNTRY = /^[A-Z]{2}$/
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

/** Encodes an event as the topic carries it: compact JSON, fields in the documented order, UTF-8. */
export function encode(event: MusicEvent): Buffer {
  const ordered: Record<string, unknown> = {}
  for (const field of FIELDS) ordered[field] = event[field]
  return Buffer.from(JSON.stringify(ordered))
}

/**
 * Validates one message.
 *
 * @param value the message's bytes, or null for a tombstone
 * @param now   the reader's clock in epoch milliseconds, against which the future limit is held
 */
export function decode(value: Uint8Array | null, now: number): Decoded {
  if (value === null) return invalid('tombstone', 'the message has no value')
  if (value.length > MAX_MESSAGE_BYTES) return invalid('too_large', `${value.length} bytes, limit ${MAX_MESSAGE_BYTES}`)

  let text: string
  try {
    text = utf8.decode(value)
  } catch {
    return invalid('bad_utf8', 'the message is not valid UTF-8')
  }

  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return invalid('bad_json', 'the message is not valid JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return invalid('not_an_object', 'the message is JSON but not an object')
  }

  const event = parsed as MusicEvent
  const wrong = checkFields(event)
  if (wrong) return wrong

  const time = parseTimestamp(event.timestamp)
  if (time === undefined) return invalid('impossible_date', 'timestamp is not a date of the calendar')
  if (time > now + MAX_FUTURE_MS) return invalid('future_date', 'timestamp is more than a day ahead of the clock')

  return { ok: true, event, day: event.timestamp.slice(0, 10), minute: Math.floor(time / 60_000), line: oneLine(value) }
}

/**
 * Reads a line of the lake, which was validated when it was archived, by the clock of then.
 * @param where what holds it, such as a path: for the error
 * @throws COMMIT_CORRUPT for what is no event
 */
export function decodeArchived(line: Uint8Array, where: string): ValidEvent {
  const decoded = decode(line, Number.POSITIVE_INFINITY)
  if (decoded.ok) return decoded
  throw new MusicFakerError('COMMIT_CORRUPT', `${where} has a line that is no event: ${decoded.detail}`, {
    next: 'Run: music-faker verify --deep',
  })
}

/**
 * Reads a timestamp of the event format.
 * @returns epoch milliseconds (the fraction is dropped), or undefined when it is malformed or not a calendar date
 */
export function parseTimestamp(timestamp: string): number | undefined {
  const match = TIMESTAMP.exec(timestamp)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (year < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  const date = new Date(0)
  // Date.UTC would read years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.setUTCHours(hour, minute, second)
}

/** Formats a time as the event format has it: UTC, microseconds, no zone. `micros` are those beyond the millisecond. */
export function formatTimestamp(epochMs: number, micros = 0): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}`
}

function checkFields(event: MusicEvent): InvalidEvent | undefined {
  for (const field of FIELDS) {
    const value: unknown = event[field]
    if (value === undefined || !Object.hasOwn(event, field)) return invalid('missing_field', `${field} is missing`)
    if (field === 'duration') {
      if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > MAX_DURATION_S) {
        return invalid('mistyped_field', `duration must be a whole number of seconds from 1 to ${MAX_DURATION_S}`)
      }
    } else if (typeof value !== 'string' || value === '') {
      return invalid('mistyped_field', `${field} must be a non-empty string`)
    }
  }
  if (!COUNTRY.test(event.country)) return invalid('mistyped_field', 'country must be two capital letters')
  if (!TIMESTAMP.test(event.timestamp)) {
    return invalid('mistyped_field', 'timestamp must be ISO 8601 without zone, like 2025-07-03T20:07:50.691643')
  }
  return undefined
}

/**
 * A raw line break in valid JSON can only be white space between tokens, so a space in its place changes no value;
 * parsing and printing again would round large numbers and drop duplicate keys.
 */
function oneLine(value: Uint8Array): Uint8Array {
  if (!value.includes(LF) && !value.includes(CR)) return value
  return value.map((byte) => (byte === LF || byte === CR ? SPACE : byte))
}

function invalid(reason: QuarantineReason, detail: string): InvalidEvent {
  return { ok: false, reason, detail }
}
