import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type GroupMember,
  share,
  shareTopics,
} from '../../src/log/kafka-assign.ts'

const members = fc
  .array(
    fc.record({ held: fc.uniqueArray(fc.nat(25), { maxLength: 20 }), generation: fc.integer({ min: -1, max: 3 }) }),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) => list.map((member, i) => ({ ...member, id: `member-${i}` })))

it('gives every partition to exactly one member, evenly, whatever the members claim', () => {
  fc.assert(
    fc.property(members, fc.integer({ min: 0, max: 20 }), (list, partitions) => {
      const shares = share(list, partitions)
      const given = [...shares.values()].flat().sort((a, b) => a - b)
      expect(given).toEqual(Array.from({ length: partitions }, (_, partition) => partition))
      const sizes = [...shares.values()].map((held) => held.length)
      expect(shares.size).toBe(list.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
  )
})

it('moves no more partitions than an even share needs, when members come and go', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 40 }),
      (before, after, partitions) => {
        const newcomers = (count: number, from: number) =>
          Array.from({ length: count }, (_, i) => ({
            id: `m${String(from + i).padStart(2, '0')}`,
            held: [],
            generation: -1,
          }))
        const first = share(newcomers(before, 0), partitions)
        const stayed = [...first].slice(0, after).map(([id, held]) => ({ id, held, generation: 1 }))
        const second = share([...stayed, ...newcomers(Math.max(after - before, 0), before)], partitions)
        const kept = stayed.reduce(
          (sum, { id, held }) => sum + held.filter((p) => second.get(id)!.includes(p)).length,
          0,
        )
        // Members that stay give up only what they hold beyond their share; the largest shares go to who held most.
        const sizes = [...second.values()].map((held) => held.length).sort((a, b) => b - a)
        const held = stayed.map((member) => member.held.length).sort((a, b) => b - a)
        expect(kept).toBe(held.reduce((sum, size, i) => sum + Math.min(size, sizes[i]!), 0))
      },
    ),
  )
})

it('believes the later of two that claim the same partition', () => {
  const shares = share(
    [
      { id: 'a', held: [0, 1], generation: 4 },
      { id: 'b', held: [0, 1], generation: 5 },
    ],
    2,
  )
  expect(shares.get('b')).toEqual([0])
  expect(shares.get('a')).toEqual([1])
})

it('shares each topic among the members that archive it, by the most partitions that one has seen', () => {
  const member = (id: string, topic: string, partitions: number): GroupMember => ({
    id,
    topic,
    partitions,
    held: [],
    generation: -1,
  })
  const shares = shareTopics([member('a', 'one', 3), member('b', 'two', 2), member('c', 'one', 4)])
  expect(shares.get('b')).toEqual([0, 1])
  expect([...shares.get('a')!, ...shares.get('c')!].sort()).toEqual([0, 1, 2, 3])
})

it('carries a description and a share through the bytes of the group protocol', () => {
  const member: GroupMember = { id: 'm', topic: 'music_events', partitions: 12, held: [3, 5], generation: 7 }
  expect(decodeSubscription('m', encodeSubscription(member))).toEqual(member)
  expect(decodeAssignment('music_events', encodeAssignment('music_events', [0, 9]))).toEqual([0, 9])
  expect(decodeAssignment('other', encodeAssignment('music_events', [0, 9]))).toEqual([])
  expect(decodeAssignment('music_events', Buffer.alloc(0))).toEqual([])
})
