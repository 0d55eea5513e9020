/**
 * Messages as programs of others may write them: the same event format, in all its spellings, and everything that is to be
 * quarantined. With each stands what has to become of it.
 */

import type { QuarantineReason } from '../../src/event.ts'
import { formatTimestamp, MAX_DURATION_S, MAX_FUTURE_MS, MAX_MESSAGE_BYTES } from '../../src/event.ts'

/** Null is a tombstone. */
export type ForeignValue = Buffer | null

export interface ForeignMessage {
  value: ForeignValue
  /** The line in the lake, or the reason in quarantine. */
  becomes: { line: string } | { reason: QuarantineReason }
}

const HOUR_MS = 3_600_000

/** One of each kind, told from those of other senders by the user's name. */
export function foreignMessages(sender: string): ForeignMessage[] {
  const event = plainEvent(sender)
  return [
    ...keptAsTheyAre(event),
    ...keptOnOneLine(event),
    ...Object.entries(quarantined(event)).flatMap(([reason, values]) =>
      values.map((value) => ({ value: bytesOf(value), becomes: { reason: reason as QuarantineReason } })),
    ),
  ]
}

type Fields = Record<string, unknown>

function plainEvent(sender: string): Fields {
  return {
    user: `${sender} 04`,
    artist: 'Carol Moore',
    track: 'MediumAquaMarine Nights - Live',
    timestamp: '2025-07-03T20:07:50.691643',
    genre: 'Jazz',
    duration: 146,
    platform: 'Spotify',
    device: 'Desktop',
    action: 'like',
    country: 'FR',
  }
}

function keptAsTheyAre(event: Fields): ForeignMessage[] {
  const json = JSON.stringify(event)
  const withRaw = (field: string, raw: string) => json.replace(JSON.stringify(event[field]), raw)
  return [
    json,
    // As Python's json.dumps writes it, and with white space around.
    json.replaceAll('":', '": ').replaceAll(',"', ', "'),
    `\t ${json}  `,
    JSON.stringify(Object.fromEntries(Object.entries(event).reverse())),
    // Unicode as it is: beyond the BMP, right to left, combining, line separators that are no line breaks of ours.
    withRaw('artist', '"Björk & 坂本龍一 🎧"'),
    withRaw('track', '"שלום e\u0301 \u2028\u2029\u0085 \u{1F469}\u200D\u{1F3A4}"'),
    // Unicode escaped, also half a surrogate pair and control characters.
    withRaw('artist', '"Bj\\u00f6rk \\uD83C\\uDFA7 \\ud83c \\u0000\\u001b[2J"'),
    withRaw('track', String.raw`"She said \"no\" \\ \/ <script>alert('1')</script> \n\r\t, {}[]"`),
    // Extra fields; numbers that a double cannot hold; a key twice.
    JSON.stringify({ ...event, album: { name: 'Nights', year: 2025, tags: ['a', null] }, session: '' }),
    `${json.slice(0, -1)},"id":12345678901234567890,"ratio":0.1000,"huge":1e400}`,
    `${json.slice(0, -1)},"user":"somebody else"}`,
    `${json.slice(0, -1)},"__proto__":{"user":1},"constructor":null}`,
    // Dates and durations at their limits.
    ...[
      { timestamp: '2025-07-03T20:07:50' },
      { timestamp: '2024-02-29T23:59:59.9' },
      { timestamp: '1969-12-31T23:59:59.999999' },
      { timestamp: formatTimestamp(Date.now() + MAX_FUTURE_MS - HOUR_MS) },
      { duration: 1 },
      { duration: MAX_DURATION_S },
    ].map((changes) => JSON.stringify({ ...event, ...changes })),
    padded(event, MAX_MESSAGE_BYTES),
  ].map((line) => ({ value: Buffer.from(line), becomes: { line } }))
}

function keptOnOneLine(event: Fields): ForeignMessage[] {
  const pretty = JSON.stringify(event, null, 2)
  return [pretty, pretty.replaceAll('\n', '\r\n'), `${JSON.stringify(event)}\n`].map((text) => ({
    value: Buffer.from(text),
    becomes: { line: text.replaceAll(/[\r\n]/g, ' ') },
  }))
}

function quarantined(event: Fields): Record<QuarantineReason, (string | ForeignValue)[]> {
  const json = JSON.stringify(event)
  const changed = (changes: Fields) => JSON.stringify({ ...event, ...changes })
  return {
    tombstone: [null],
    too_large: [padded(event, MAX_MESSAGE_BYTES + 1)],
    bad_utf8: [
      Buffer.from(json.replace('Carol', 'Björk'), 'latin1'),
      Buffer.from([0xff, 0xfe, 0x00]),
      // UTF-8 that is cut in the middle of a character, and half a surrogate pair as bytes.
      Buffer.from('{"user":"é').subarray(0, -1),
      Buffer.concat([Buffer.from('{"user":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ],
    bad_json: [
      '',
      ' ',
      'not JSON',
      json.slice(0, -1),
      `${json}${json}`,
      json.replaceAll('"', "'"),
      `\ufeff${json}`,
    ].concat(
      // A line break inside a string is none that JSON knows.
      json.replace('Nights', 'Ni\nghts'),
      json.replace('146', 'NaN'),
    ),
    not_an_object: ['null', '[]', `[${json}]`, '42', 'true', JSON.stringify(json)],
    missing_field: ['{}', ...Object.keys(event).map((field) => changed({ [field]: undefined }))],
    mistyped_field: [
      ...[null, '', 7, {}, ['x']].map((user) => changed({ user })),
      ...[null, '146', 14.5, 0, -1, MAX_DURATION_S + 1].map((duration) => changed({ duration })),
      ...['fr', 'FRA', 33].map((country) => changed({ country })),
      ...[
        1_751_573_270,
        '2025-07-03',
        '2025-07-03 20:07:50',
        '2025-07-03T20:07:50Z',
        '2025-07-03T20:07:50.1234567',
      ].map((timestamp) => changed({ timestamp })),
    ],
    impossible_date: ['2025-02-29T00:00:00', '2025-13-01T00:00:00', '2025-07-03T24:00:00', '2025-00-10T00:00:00'].map(
      (timestamp) => changed({ timestamp }),
    ),
    future_date: [formatTimestamp(Date.now() + MAX_FUTURE_MS + HOUR_MS), '9999-12-31T23:59:59.999999'].map(
      (timestamp) => changed({ timestamp }),
    ),
  }
}

/** A valid event with an extra field that makes it so many bytes long. */
function padded(event: Fields, bytes: number): string {
  const empty = JSON.stringify({ ...event, padding: '' })
  return JSON.stringify({ ...event, padding: 'x'.repeat(bytes - empty.length) })
}

function bytesOf(value: string | ForeignValue): ForeignValue {
  return typeof value === 'string' ? Buffer.from(value) : value
}
