import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_NAME } from '../../src/dashboard/api-values.ts'
import { clip } from '../../src/dashboard/text.ts'

describe('clip', () => {
  it('leaves a short name alone', () => {
    expect(clip('Carol Moore')).toBe('Carol Moore')
    expect(clip('x'.repeat(MAX_NAME))).toBe('x'.repeat(MAX_NAME))
  })

  it('shows that a long one was cut', () => {
    expect(clip('x'.repeat(10_000))).toBe(`${'x'.repeat(MAX_NAME - 1)}…`)
  })

  it('never makes half a character', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '𝄞', '🎵'), minLength: MAX_NAME / 2, maxLength: MAX_NAME })
    fc.assert(
      fc.property(text, (text) => {
        const clipped = clip(text)
        expect(clipped.length).toBeLessThanOrEqual(MAX_NAME)
        expect(clipped.isWellFormed()).toBe(true)
      }),
    )
  })
})
