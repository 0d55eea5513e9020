import fc from 'fast-check'
import { expect, it } from 'vitest'
import { share } from '../../src/log/sqlite-share.ts'

/** Rounds after which all must rest: those who hold too much release, and the others take what came free by then. */
const ROUNDS = 4

const states = fc
  .record({ partitions: fc.integer({ min: 1, max: 24 }), count: fc.integer({ min: 1, max: 8 }) })
  .chain(({ partitions, count }) => {
    const members = Array.from({ length: count }, (_, i) => `m${i}`)
    return fc.record({
      partitions: fc.constant(partitions),
      members: fc.constant(members),
      // Some held by members, some free, some by one that is gone.
      owners: fc
        .array(fc.constantFrom(...members, 'gone', undefined), { minLength: partitions, maxLength: partitions })
        .map((list) => new Map(list.flatMap((owner, partition) => (owner ? [[partition, owner] as const] : [])))),
      turns: fc.array(fc.constantFrom(...members), { minLength: 0, maxLength: 40 }),
    })
  })

it('whoever acts in whatever order, the partitions end up shared evenly, and then rest', () => {
  fc.assert(
    fc.property(states, ({ partitions, members, owners, turns }) => {
      const now = new Map(owners)
      const act = (me: string) => {
        const { release, take } = share({ partitions, members, owners: now }, me)
        for (const partition of release) {
          expect(now.get(partition), 'releases only its own').toBe(me)
          now.delete(partition)
        }
        for (const partition of take) {
          expect(members, 'takes nothing from a member').not.toContain(now.get(partition))
          now.set(partition, me)
        }
        return release.length + take.length
      }
      for (const me of turns) act(me)
      for (let round = 0; round < ROUNDS; round += 1) members.map(act)
      const counts = members.map((member) => [...now.values()].filter((owner) => owner === member).length)
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(partitions)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      for (const me of members) expect(act(me)).toBe(0)
    }),
  )
})

it('nothing moves that need not: who joins gets only what it is due', () => {
  const owners = new Map([0, 1, 2, 3, 4].map((partition) => [partition, 'a']))
  expect(share({ partitions: 5, members: ['0', 'a'], owners }, 'a')).toEqual({ release: [3, 4], take: [] })
})

it('one that is no member has no share', () => {
  expect(share({ partitions: 3, members: ['a'], owners: new Map() }, 'b')).toEqual({ release: [], take: [] })
})
