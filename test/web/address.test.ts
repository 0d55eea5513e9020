import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FILTERS as API_FILTERS, WINDOWS as API_WINDOWS, MAX_FILTER_VALUES } from '../../src/dashboard/api-view.ts'
import { type Address, FIELDS, FILTERS, read, toggled, viewQuery, WINDOWS, write } from '../../web/data/address.ts'

const HOME: Address = {
  place: { kind: 'home' },
  window: 'all',
  filter: {},
  theme: undefined,
  language: undefined,
  paused: false,
  embed: false,
}
const open = (address: string) => read(new URL(address, 'http://localhost'))

describe('the address of the page', () => {
  it('is short where nothing was chosen', () => {
    expect(write(HOME)).toBe('/')
    expect(open('/')).toEqual(HOME)
  })

  it('holds the whole state', () => {
    const address =
      '/artist/AC%2FDC?window=15m&country=FR&country=DE&genre=R%26B&when=5-18&theme=dark&lang=fr&paused=1&embed=1'
    expect(open(address)).toEqual({
      place: { kind: 'artist', name: 'AC/DC' },
      window: '15m',
      filter: { country: ['FR', 'DE'], genre: ['R&B'], when: ['5-18'] },
      theme: 'dark',
      language: 'fr',
      paused: true,
      embed: true,
    })
  })

  it('gives any state back, whatever the names hold', () => {
    // No path can hold `.` and `..` as a name.
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/^\.\.?$/.test(text))
    const values = fc.uniqueArray(name, { minLength: 1, maxLength: 8 }).map((each) => each.sort())
    const addresses = fc.record({
      place: fc.oneof(
        fc.constant({ kind: 'home' as const }),
        fc.record({ kind: fc.constantFrom('listener' as const, 'artist' as const), name }),
      ),
      window: fc.constantFrom(...WINDOWS),
      filter: fc.record(Object.fromEntries(FIELDS.map((field) => [field, values])), { requiredKeys: [] }),
      theme: fc.constantFrom('light' as const, 'dark' as const, undefined),
      language: fc.constantFrom('en' as const, 'fr' as const, undefined),
      paused: fc.boolean(),
      embed: fc.boolean(),
    })
    fc.assert(
      fc.property(addresses, (address) => {
        expect(open(write(address))).toEqual(address)
      }),
    )
  })

  it('ignores what it does not know, so that a link from another version still opens', () => {
    expect(
      open('/?window=7d&colour=red&theme=blue&lang=ja&paused=yes&country=&when=8-1&when=1-24&when=Friday'),
    ).toEqual(HOME)
    expect(open('/artist/%E0%A4%A')).toEqual(HOME)
    expect(open('/else/where')).toEqual(HOME)
  })

  it('stands names that no address can hold', () => {
    for (const name of ['.', '..']) expect(write({ ...HOME, place: { kind: 'artist', name } })).toBe('/')
    expect(open(write({ ...HOME, place: { kind: 'artist', name: 'a\ud800' } })).place).toEqual({
      kind: 'artist',
      name: 'a\ufffd',
    })
  })

  it('names a view the same way however it was chosen, for one stream to serve it', () => {
    const filter = { genre: ['Rock', 'Jazz'], country: ['FR'] }
    expect(viewQuery({ window: '5m', filter })).toBe('window=5m&country=FR&genre=Jazz&genre=Rock')
    expect(viewQuery({ window: 'all', filter: {} })).toBe('')
  })

  it('has the windows and fields of the API', () => {
    expect([...WINDOWS]).toEqual(Object.keys(API_WINDOWS))
    expect([...FILTERS].sort()).toEqual([...API_FILTERS].sort())
  })
})

describe('a filter', () => {
  it('takes a value in and out', () => {
    const one = toggled({}, 'genre', 'Jazz')
    expect(one).toEqual({ genre: ['Jazz'] })
    expect(toggled(one, 'genre', 'Rock')).toEqual({ genre: ['Jazz', 'Rock'] })
    expect(toggled(one, 'country', 'FR')).toEqual({ genre: ['Jazz'], country: ['FR'] })
    expect(toggled(one, 'genre', 'Jazz')).toEqual({})
  })

  it('holds no more values than the API takes', () => {
    let filter = {}
    for (let i = 0; i < 20; i++) filter = toggled(filter, 'genre', String(i))
    expect(filter).toEqual({ genre: Array.from({ length: MAX_FILTER_VALUES }, (_, i) => String(12 + i)) })
  })
})
