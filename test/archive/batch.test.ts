import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BatchLimits, gatherFor, isFull, waitFor } from '../../src/archive/batch.ts'

const limits: BatchLimits = { messages: 10, bytes: 1_000, ageMs: 500 }

describe('closing a batch', () => {
  it('never closes an empty batch', () => {
    expect(isFull({ messages: 0, bytes: 0, openedAt: undefined }, limits, 1e9)).toBe(false)
  })

  it.each([
    ['messages', { messages: 10, bytes: 1, openedAt: 0 }, 0],
    ['bytes', { messages: 1, bytes: 1_000, openedAt: 0 }, 0],
    ['age', { messages: 1, bytes: 1, openedAt: 0 }, 500],
  ])('closes by %s', (_, state, now) => {
    expect(isFull(state, limits, now)).toBe(true)
  })

  it('stays open below every limit', () => {
    expect(isFull({ messages: 9, bytes: 999, openedAt: 0 }, limits, 499)).toBe(false)
  })

  it('closes sooner where enough has come', () => {
    const realtime: BatchLimits = { ...limits, early: { messages: 5, ageMs: 100 } }
    expect(isFull({ messages: 4, bytes: 1, openedAt: 0 }, realtime, 499)).toBe(false)
    expect(isFull({ messages: 5, bytes: 1, openedAt: 0 }, realtime, 99)).toBe(false)
    expect(isFull({ messages: 5, bytes: 1, openedAt: 0 }, realtime, 100)).toBe(true)
    expect(waitFor({ messages: 4, bytes: 1, openedAt: 0 }, realtime, 40, 1_000)).toBe(460)
    expect(waitFor({ messages: 5, bytes: 1, openedAt: 0 }, realtime, 40, 1_000)).toBe(60)
  })

  it('gathers for a quarter of the age at which it may close, and not beyond it', () => {
    const state = { messages: 1, bytes: 1, openedAt: 0 }
    expect(gatherFor(state, limits, 10)).toBe(125)
    expect(gatherFor(state, limits, 450)).toBe(50)
    expect(gatherFor(state, { ...limits, early: { messages: 5, ageMs: 100 } }, 10)).toBe(25)
  })

  it('waits until exactly when the batch is due, and never longer than asked', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.nat(2_000), fc.integer({ min: 1, max: 1_000 }), (openedAt, later, longest) => {
        const now = openedAt + later
        const state = { messages: 1, bytes: 1, openedAt }
        const wait = waitFor(state, limits, now, longest)
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(longest)
        if (wait < longest) expect(isFull(state, limits, now + wait)).toBe(true)
      }),
    )
    expect(waitFor({ messages: 0, bytes: 0, openedAt: undefined }, limits, 5, 300)).toBe(300)
  })
})
