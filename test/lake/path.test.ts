import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkPath, childOf, compareNames, parentOf } from '../../src/lake/path.ts'

const text = fc.string({ unit: 'binary' })

it('compares names as their UTF-8 bytes compare', () => {
  fc.assert(
    fc.property(text, text, text, (common, a, b) => {
      const [x, y] = [common + a, common + b]
      expect(Math.sign(compareNames(x, y))).toBe(Buffer.compare(Buffer.from(x), Buffer.from(y)))
    }),
    { examples: [['', '\u{1f3b5}', '\uff21']] },
  )
})

it('takes a path apart and puts it together again', () => {
  expect(parentOf('/a')).toBe('/')
  expect(parentOf('/a/b=c/d')).toBe('/a/b=c')
  expect(childOf('/', 'a')).toBe('/a')
  expect(childOf('/a', 'b')).toBe('/a/b')
})

it('accepts only paths that stay in the lake', () => {
  const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(names, (segments) => {
      const path = `/${segments.join('/')}`
      const fine = path
        .slice(1)
        .split('/')
        .every((name) => !['', '.', '..'].includes(name) && !/[:\0]/.test(name))
      if (fine) checkPath(path)
      else expect(() => checkPath(path)).toThrow(/is not a path in the lake/)
    }),
    { examples: [[['a', '..', 'b']], [['..']], [['a', '.']], [['...']]] },
  )
})
