/** Messages of every kind that a producer may send: events in many spellings, events with something wrong, and noise. */
import fc from 'fast-check'
import { FIELDS } from '../src/event.ts'

const plain = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('Jazz', 'Carol Moore', 'eric04', 'Beyoncé', '椎名林檎', '__proto__', 'a') },
  { weight: 4, arbitrary: plain },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', '"', '\\', '\u0000', '\ud800', 'x'.repeat(300), 'é'.repeat(600)) },
)

const twoDigits = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'))
const fraction = fc.oneof(
  fc.constant(''),
  fc.stringMatching(/^\.\d{1,6}$/),
  fc.constantFrom('.', '.1234567', '.1 ', 'Z'),
)
const timestamp = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(twoDigits(59), twoDigits(59), fraction).map(([m, s, f]) => `2025-07-03T20:${m}:${s}${f}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom('0000', '0001', '0099', '1969', '2024', '2025', '9999'),
        twoDigits(13),
        twoDigits(32),
        twoDigits(24),
        twoDigits(60),
        twoDigits(60),
        fraction,
      )
      .map(([y, mo, d, h, m, s, f]) => `${y}-${mo}-${d}T${h}:${m}:${s}${f}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '2025-02-29T00:00:00',
      '2024-02-29T00:00:00',
      '2025-7-3T20:07:50',
      '2025-07-03 20:07:50',
      '20x5-07-03T20:07:50',
      '-025-07-03T20:07:50',
    ),
  },
)

/** As it stands in the JSON. */
const duration = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 86_400 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '0',
      '007',
      '-5',
      '1.5',
      '146.0',
      '1e2',
      '86400',
      '86401',
      '99999',
      '100000',
      '"146"',
      'null',
      '',
    ),
  },
)
const country = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('FR', 'DE', 'US', 'ZZ', 'AA') },
  { weight: 1, arbitrary: fc.constantFrom('fr', 'F', 'FRA', '', 'É', '@[', 'F1') },
)

/** Fields as they stand in the JSON, in order. */
const fields = fc
  .record({
    user: text,
    artist: text,
    track: text,
    timestamp,
    genre: text,
    duration,
    platform: text,
    device: text,
    action: text,
    country,
  })
  .map((values) =>
    FIELDS.map(
      (field) =>
        [JSON.stringify(field), field === 'duration' ? values.duration : JSON.stringify(values[field])] as const,
    ),
  )

const COMPACT = { open: '{', comma: ',', colon: ':', close: '}' }
const PYTHON = { open: '{', comma: ', ', colon: ': ', close: '}' }
const spelling = fc.oneof(
  { weight: 5, arbitrary: fc.constant(COMPACT) },
  { weight: 3, arbitrary: fc.constant(PYTHON) },
  {
    weight: 1,
    arbitrary: fc.record({
      open: fc.constantFrom('{', '{ ', '\ufeff{', ' {', '{\n'),
      comma: fc.constantFrom(',', ', ', ' ,', ',\r\n', ',,'),
      colon: fc.constantFrom(':', ': ', ' :', ':\t', '::'),
      close: fc.constantFrom('}', ' }', '}\n', '} ', '}}', '', ',}'),
    }),
  },
)
type Pairs = readonly (readonly [string, string])[]
const rearranged: fc.Arbitrary<(pairs: Pairs) => Pairs> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((pairs: Pairs) => pairs) },
  { weight: 1, arbitrary: fc.nat(9).map((at) => (pairs: Pairs) => pairs.toSpliced(at, 1)) },
  { weight: 1, arbitrary: fc.nat(9).map((at) => (pairs: Pairs) => [...pairs.slice(at), ...pairs.slice(0, at)]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(10), fc.constantFrom('user', 'duration', 'country', 'extra', '__proto__'), fc.json())
      .map(
        ([at, name, value]) =>
          (pairs: Pairs) =>
            pairs.toSpliced(at, 0, [JSON.stringify(name), value]),
      ),
  },
)

const spelled = fc.tuple(fields, spelling, rearranged).map(([pairs, { open, comma, colon, close }, rearrange]) => {
  const inside = rearrange(pairs).map(([name, value]) => name + colon + value)
  return Buffer.from(open + inside.join(comma) + close)
})

/** Bytes that mean something in JSON or UTF-8, or nothing anywhere. */
const byte = fc.oneof(
  fc.constantFrom(0x22, 0x5c, 0x7d, 0x2c, 0x0a, 0x00, 0x1f, 0x7f, 0x80, 0xc3, 0xed, 0xff),
  fc.nat(255),
)
const damaged = fc
  .tuple(spelled, fc.array(fc.tuple(fc.nat(400), fc.nat(2), byte), { minLength: 1, maxLength: 3 }))
  .map(([bytes, damages]) => {
    const list = [...bytes]
    for (const [at, removed, value] of damages) list.splice(at % (list.length + 1), removed, value)
    return Buffer.from(list)
  })

/** The value of any message, or null for a tombstone. */
export const anyMessage: fc.Arbitrary<Buffer | null> = fc.oneof(
  { weight: 10, arbitrary: spelled },
  { weight: 5, arbitrary: damaged },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.json().map((json) => Buffer.from(json)) },
  { weight: 1, arbitrary: fc.constantFrom(null, Buffer.alloc(0), Buffer.from('null'), Buffer.from('[]')) },
)
