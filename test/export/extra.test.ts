import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FIELDS, type MusicEvent } from '../../src/event.ts'
import { extraOf } from '../../src/export/extra.ts'

const EVENT = {
  ...{ user: 'u', artist: 'a "b" {', track: 't\\', timestamp: '2025-07-03T20:07:50', genre: 'g', duration: 1 },
  ...{ platform: 'p:,', device: 'd]', action: 'like', country: 'FR' },
}

const extra = (line: string) => extraOf(JSON.parse(line) as MusicEvent, Buffer.from(line))

/** The event with `more` behind its fields. */
const lineWith = (more: string) => `${JSON.stringify(EVENT).slice(0, -1)}${more}}`

it.each(['12345678901234567890', '9007199254740993', '1e400', '-0', '1.0', '0.1000000000000000055511151231257827'])(
  'leaves %s as it is, also within',
  (number) => {
    expect(extra(lineWith(`,"id":${number},"all":[${number},{"x":${number}}]`))).toBe(
      `{"id":${number},"all":[${number},{"x":${number}}]}`,
    )
  },
)

it('is of any value the same value, however it is spaced', () => {
  const names = fc.string({ unit: 'binary' }).filter((name) => !(FIELDS as readonly string[]).includes(name))
  const fields = fc.dictionary(names, fc.jsonValue({ stringUnit: 'binary' }), { minKeys: 1, noNullPrototype: true })
  fc.assert(
    fc.property(fields, fc.constantFrom(0, 1, '\t'), (more, space) => {
      const of = (...events: object[]) => JSON.stringify(Object.assign({}, ...events), null, space)
      expect(JSON.parse(extra(of(more, EVENT)) ?? '')).toEqual(JSON.parse(of(more)))
      expect(JSON.parse(extra(of(EVENT, more)) ?? '')).toEqual(JSON.parse(of(more)))
    }),
  )
})

it('is none where there are no further fields, and the last of those of one name', () => {
  expect(extra(lineWith(''))).toBeNull()
  expect(extra(lineWith(',"user":"again"'))).toBeNull()
  expect(extra(lineWith(',"x":1,"\\u0078":[2] , "user":"again"'))).toBe('{"x":[2]}')
})

it('holds what is nested deeper than a stack', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  expect(extra(lineWith(`,"deep":${deep}`))).toBe(`{"deep":${deep}}`)
})
