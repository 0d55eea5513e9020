import { describe, expect, it } from 'vitest'
import { advance, ProductionRate } from '../../src/dashboard/rate.ts'
import type { TopicDescription } from '../../src/log/log.ts'

const topic = (topicId: string, ...ends: number[]): TopicDescription => ({
  topicId,
  partitions: new Map(ends.map((end, partition) => [partition, { start: 0, end }])),
})

describe('the rate of production', () => {
  it('is unknown after one reading', () => {
    const rate = new ProductionRate()
    rate.add(0, topic('a', 100))
    expect(rate.current()).toEqual({ perSecond: null, history: [] })
  })

  it('is the mean of the last five seconds, over all partitions', () => {
    const rate = new ProductionRate()
    for (const [second, end] of [0, 1_000, 1_010, 1_020, 1_030, 1_040, 1_050].entries()) {
      rate.add(second * 1_000, topic('a', end, end))
    }
    expect(rate.current()).toEqual({ perSecond: 20, history: [2_000, 20, 20, 20, 20, 20] })
  })

  it('counts by the time that passed, not by readings', () => {
    const rate = new ProductionRate()
    rate.add(0, topic('a', 0))
    rate.add(4_000, topic('a', 100))
    expect(rate.current().perSecond).toBe(25)
  })

  it('keeps a minute', () => {
    const rate = new ProductionRate()
    for (let second = 0; second < 200; second++) rate.add(second * 1_000, topic('a', second * second))
    const { history } = rate.current()
    expect(history).toHaveLength(60)
    expect(history.at(-1)).toBe(199 ** 2 - 198 ** 2)
  })

  it('does not take the backlog of an outage for a burst', () => {
    const rate = new ProductionRate()
    rate.add(0, topic('a', 0))
    rate.add(1_000, topic('a', 10))
    rate.interrupted()
    expect(rate.current().perSecond).toBeNull()
    rate.add(60_000, topic('a', 1_000_000))
    expect(rate.current()).toEqual({ perSecond: null, history: [10] })
    rate.add(61_000, topic('a', 1_000_007))
    expect(rate.current()).toEqual({ perSecond: 7, history: [10, 7] })
  })

  it('begins anew with a topic that was created again', () => {
    const rate = new ProductionRate()
    rate.add(0, topic('a', 0))
    rate.add(1_000, topic('a', 500))
    rate.add(2_000, topic('b', 3))
    expect(rate.current().perSecond).toBeNull()
    rate.add(3_000, topic('b', 8))
    expect(rate.current().perSecond).toBe(5)
  })

  it('counts a partition that is new from its beginning', () => {
    expect(advance(topic('a', 5), topic('a', 7, 4))).toBe(6)
  })
})
