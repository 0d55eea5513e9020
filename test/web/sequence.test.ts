import { expect, it } from 'vitest'
import { follows } from '../../web/data/sequence.ts'

it('a delta follows the message whose number is one less, in the same run of the server', () => {
  expect(follows('ab-12-8', 'ab-12-7')).toBe(true)
  expect(follows('a-10', 'a-9')).toBe(true)
  expect(follows('a-9', 'a-7')).toBe(false)
  expect(follows('a-7', 'a-7')).toBe(false)
  expect(follows('b-8', 'a-7')).toBe(false)
  expect(follows('a-1', '')).toBe(false)
  expect(follows('', '')).toBe(false)
})
