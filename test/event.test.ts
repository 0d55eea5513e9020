import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decode,
  encode,
  FIELDS,
  formatTimestamp,
  MAX_FUTURE_MS,
  MAX_MESSAGE_BYTES,
  type MusicEvent,
  parseTimestamp,
} from '../src/event.ts'

const NOW = Date.UTC(2025, 6, 3, 20, 8, 0)
const event: MusicEvent = {
  user: 'eric04',
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
const bytes = (text: string) => new TextEncoder().encode(text)
const reasonOf = (value: Uint8Array | null) => {
  const decoded = decode(value, NOW)
  return decoded.ok ? 'valid' : decoded.reason
}
const withField = (field: string, value: unknown) => bytes(JSON.stringify({ ...event, [field]: value }))

describe('encoding', () => {
  it('writes the ten fields in their order, compactly', () => {
    const shuffled = Object.fromEntries(Object.entries(event).reverse()) as unknown as MusicEvent
    expect(encode(shuffled).toString()).toBe(
      '{"user":"eric04","artist":"Carol Moore","track":"MediumAquaMarine Nights - Live","timestamp":"2025-07-03T20:07:50.691643","genre":"Jazz","duration":146,"platform":"Spotify","device":"Desktop","action":"like","country":"FR"}',
    )
  })

  it('comes back from any text unchanged', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 1, max: 86_400 }), (user, artist, track, duration) => {
        const decoded = decode(encode({ ...event, user, artist, track, duration }), NOW)
        expect(decoded).toMatchObject({ ok: true, day: '2025-07-03' })
        // Lone surrogates cannot exist in UTF-8: what arrives is what the encoder could write.
        if (decoded.ok && user.isWellFormed()) expect(decoded.event.user).toBe(user)
      }),
    )
  })
})

describe('decoding', () => {
  it('keeps the bytes of a valid message, extra fields, spacing and all', () => {
    const value = bytes(`{ "extra": {"a": 1e400}, ${JSON.stringify(event).slice(1)}`)
    const decoded = decode(value, NOW)
    expect(decoded.ok && decoded.line).toBe(value)
    expect(decoded.ok && decoded.minute).toBe(Math.floor(Date.UTC(2025, 6, 3, 20, 7) / 60_000))
  })

  it('makes one line of a message that holds line breaks between its tokens', () => {
    const value = bytes(JSON.stringify({ ...event, track: 'a\nb' }, null, 2).replaceAll('\n', '\r\n'))
    const decoded = decode(value, NOW)
    expect(decoded.ok && decoded.line.includes(10)).toBe(false)
    expect(decoded.ok && decoded.line.includes(13)).toBe(false)
    expect(decoded.ok && JSON.parse(Buffer.from(decoded.line).toString())).toEqual({ ...event, track: 'a\nb' })
  })

  it.each([
    ['tombstone', null],
    ['too_large', new Uint8Array(MAX_MESSAGE_BYTES + 1)],
    ['bad_utf8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['bad_json', bytes('{"user":')],
    ['bad_json', bytes(`\ufeff${JSON.stringify(event)}`)],
    ['bad_json', bytes('')],
    ['not_an_object', bytes('[1]')],
    ['not_an_object', bytes('null')],
    ['not_an_object', bytes('"text"')],
    ...FIELDS.map((field) => ['missing_field', withField(field, undefined)] as const),
    ...FIELDS.map((field) => ['mistyped_field', withField(field, null)] as const),
    ...FIELDS.map((field) => ['mistyped_field', withField(field, field === 'duration' ? '146' : 146)] as const),
    ['mistyped_field', withField('duration', 0)],
    ['mistyped_field', withField('duration', 86_401)],
    ['mistyped_field', withField('duration', 1.5)],
    ['mistyped_field', withField('user', '')],
    ['mistyped_field', withField('country', 'fr')],
    ['mistyped_field', withField('country', 'FRA')],
    ['mistyped_field', withField('timestamp', '2025-07-03T20:07:50Z')],
    ['mistyped_field', withField('timestamp', '2025-07-03 20:07:50')],
    ['impossible_date', withField('timestamp', '2025-02-30T20:07:50')],
    ['impossible_date', withField('timestamp', '2025-02-29T20:07:50')],
    ['impossible_date', withField('timestamp', '2025-07-03T24:00:00')],
    ['impossible_date', withField('timestamp', '2025-07-03T23:59:60')],
    ['impossible_date', withField('timestamp', '0000-01-01T00:00:00')],
    ['future_date', withField('timestamp', formatTimestamp(NOW + MAX_FUTURE_MS + 1_000))],
    ['valid', withField('timestamp', formatTimestamp(NOW + MAX_FUTURE_MS))],
    ['valid', withField('timestamp', '2024-02-29T23:59:59')],
    ['valid', withField('timestamp', '0099-12-31T23:59:59.1')],
    ['valid', withField('__proto__', 'x')],
    ['valid', bytes(JSON.stringify(event).padEnd(MAX_MESSAGE_BYTES))],
  ] as const)('%s', (reason, value) => {
    expect(reasonOf(value)).toBe(reason)
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
        expect(typeof decode(value, NOW).ok).toBe('boolean')
      }),
    )
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(decode(bytes(json), NOW).ok).toBe(false)
      }),
    )
  })

  it('reads every millisecond of the calendar as its UTC time', () => {
    const time = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(time, fc.nat(999), (date, micros) => {
        const expected = Math.floor(date.getTime() / 1_000) * 1_000
        expect(parseTimestamp(formatTimestamp(date.getTime(), micros))).toBe(expected)
      }),
    )
  })
})
