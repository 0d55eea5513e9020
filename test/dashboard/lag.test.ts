import { describe, expect, it } from 'vitest'
import { lagSection, partitionLags } from '../../src/dashboard/lag.ts'

const topic = (count: number, end: (partition: number) => number) => ({
  topicId: 'a',
  partitions: new Map(Array.from({ length: count }, (_, p) => [p, { start: 2, end: end(p) }])),
})

describe('lag', () => {
  it('is what the log holds and the lake does not, and never negative', () => {
    const position = { topic: topic(3, () => 10), committed: new Map([[0, 7]]) }
    const lags = partitionLags(
      position,
      new Map([
        [0, 8],
        [1, 12],
      ]),
    )
    expect(lags).toEqual([
      { partition: 0, start: 2, end: 10, archived: 8, lag: 2, committed: 7 },
      { partition: 1, start: 2, end: 12, archived: 12, lag: 0, committed: null },
      { partition: 2, start: 2, end: 10, archived: 0, lag: 8, committed: null },
    ])
    expect(lagSection('t', 'a', lags, true)).toMatchObject({ waiting: 10, count: 3 })
    expect(lagSection('t', 'a', lags, false).waiting).toBeNull()
  })

  it('lists the partitions furthest behind, in their order, and counts all', () => {
    const position = { topic: topic(500, (p) => p), committed: new Map() }
    const section = lagSection('t', 'a', partitionLags(position, new Map()), true)
    expect(section.partitions.map(({ partition }) => partition)).toEqual(Array.from({ length: 64 }, (_, i) => 436 + i))
    expect(section).toMatchObject({ count: 500, waiting: (497 * 498) / 2 })
  })
})
