import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Agenda } from '../../src/generate/agenda.ts'

const LISTENERS = 20
const SLOT_MS = 500

const listener = fc.nat(LISTENERS - 1)
const step = fc.oneof(
  fc.record({ kind: fc.constant('plan' as const), who: listener, inMs: fc.oneof(fc.nat(2_000), fc.nat(4_000_000)) }),
  fc.record({ kind: fc.constant('drop' as const), who: listener, inMs: fc.constant(0) }),
  fc.record({
    kind: fc.constant('take' as const),
    who: fc.constant(0),
    inMs: fc.oneof(fc.nat(3_000), fc.nat(10_000_000)),
  }),
)

it('gives each plan once, when its time has come and in the order of their times, but for those that were dropped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const agenda = new Agenda(LISTENERS)
      const plans = new Map<number, number>()
      let now = Date.UTC(2025, 6, 3, 20)
      expect(agenda.take(now)).toBe(-1)
      for (const { kind, who, inMs } of steps) {
        if (kind === 'plan' && !plans.has(who)) {
          agenda.plan(who, now + inMs)
          plans.set(who, Math.floor((now + inMs) / SLOT_MS))
        } else if (kind === 'drop' && plans.delete(who)) agenda.drop(who)
        else if (kind === 'take') {
          now += inMs
          const slot = Math.floor(now / SLOT_MS)
          for (let taken = agenda.take(now); taken >= 0; taken = agenda.take(now)) {
            expect(plans.get(taken)).toBe(Math.min(...plans.values()))
            expect(plans.get(taken)).toBeLessThan(slot)
            plans.delete(taken)
          }
          expect([...plans.values()].filter((planned) => planned < slot)).toEqual([])
        }
      }
    }),
  )
})
