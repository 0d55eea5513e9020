import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_NAME } from '../../src/dashboard/api-values.ts'
import { ROWS, TailSample, tails } from '../../src/dashboard/sample.ts'
import { encode } from '../../src/event.ts'
import type { TopicDescription } from '../../src/log/log.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'
import { Flow } from './flow.ts'

const topic = (...marks: [start: number, end: number][]): TopicDescription => ({
  topicId: 'a',
  partitions: new Map(marks.map(([start, end], partition) => [partition, { start, end }])),
})

describe('tails', () => {
  it('takes the end of every partition at first', () => {
    expect(tails(undefined, topic([0, 100], [0, 0], [95, 100]))).toEqual([
      { partition: 0, from: 90, end: 100 },
      { partition: 2, from: 95, end: 100 },
    ])
  })

  it('then only what is new', () => {
    expect(tails(topic([0, 100], [0, 50]), topic([0, 103], [0, 50]))).toEqual([{ partition: 0, from: 100, end: 103 }])
    expect(tails(topic([0, 100]), topic([0, 100]))).toEqual([])
  })

  it('reads few of many partitions, those that moved the most', () => {
    const before = topic(...Array.from({ length: 1_000 }, () => [0, 0] as [number, number]))
    const after = topic(...Array.from({ length: 1_000 }, (_, i) => [0, i] as [number, number]))
    expect(tails(before, after).map(({ partition }) => partition)).toEqual([999, 998, 997, 996, 995, 994, 993, 992])
  })
})

describe('the sample', () => {
  let flow: Flow
  let sample: TailSample
  let now = 0
  /** Two seconds after the last reading, or so many milliseconds. */
  const read = async (laterMs = 2_000) => {
    now += laterMs
    await sample.read(await flow.log.describe(), now, new AbortController().signal)
  }

  beforeEach(async () => {
    now = Date.now()
    flow = await Flow.open()
    sample = new TailSample(flow.log)
  })
  afterEach(() => flow.close())

  it('shows the newest events first, and says how many it stands for', async () => {
    await flow.generate(300)
    await read()
    expect(sample.current(100)).toMatchObject({ standsFor: 0, sampled: 0 })
    expect(sample.current(100).rows).toHaveLength(ROWS)

    const events = await flow.generate(500)
    await read()
    const { rows, standsFor, sampled } = sample.current(ROWS)
    expect([standsFor, sampled]).toEqual([500, ROWS])
    const produced = new Set(events.map(({ user, track }) => `${user}\n${track}`))
    expect(rows.every((row) => produced.has(`${row.user}\n${row.track}`))).toBe(true)
    expect(rows.map(({ timestamp }) => timestamp)).toEqual(
      rows
        .map(({ timestamp }) => timestamp)
        .sort()
        .reverse(),
    )
  })

  it('shows each event once, and goes quiet when nothing comes', async () => {
    await flow.generate(5)
    await read()
    await flow.generate(3)
    await read()
    expect(sample.current(100)).toMatchObject({ standsFor: 3, sampled: 3 })
    await read()
    expect(sample.current(100)).toMatchObject({ standsFor: 0, sampled: 0 })
    expect(new Set(sample.current(100).rows.map(({ id }) => id)).size).toBe(8)
  })

  it('tells of the last second, however often it is read', async () => {
    await read()
    for (const [events, standsFor] of [
      [4, 4],
      [30, 34],
      [5, 39],
      [0, 35],
      [0, 5],
      [0, 0],
    ] as const) {
      await flow.generate(events)
      await read(400)
      expect(sample.current(100).standsFor).toBe(standsFor)
      expect(sample.current(100).sampled).toBeLessThanOrEqual(standsFor)
    }
  })

  it('takes 20 rows in a second, however often it is read: all events if they are no more, else some each time', async () => {
    await read()
    const sampled = async (events: number) => {
      await flow.generate(events)
      await read(250)
      return sample.current(100).sampled
    }
    for (const [events, expected] of [
      [15, 15],
      [0, 15],
      [5, 20],
      [50, 20],
      [50, 10],
      [50, 15],
      [50, 15],
      [50, 20],
      [50, 20],
    ] as const) {
      expect(await sampled(events)).toBe(expected)
    }
    expect(sample.current(1_000).standsFor).toBe(200)
  })

  it('leaves out what is no event, and cuts long names', async () => {
    const [event] = await flow.generate(1)
    await read()
    await flow.appendRaw('{bad', '')
    await flow.append([{ ...event!, artist: 'x'.repeat(50_000) }])
    await read()
    const { rows, standsFor, sampled } = sample.current(1)
    expect([standsFor, sampled]).toEqual([3, 1])
    expect(rows[0]?.artist).toHaveLength(MAX_NAME)
  })

  it('shows nothing of the topic that had this name before', async () => {
    const topic = new MemoryTopic()
    const log = topic.open(1)
    await log.ensureTopic()
    const recreated = new TailSample(log)
    const tracks = async (...added: string[]) => {
      for (const track of added) topic.put(0, encode(eventOf({ track })))
      await recreated.read(await log.describe(), Date.now(), new AbortController().signal)
      return recreated.current(100).rows.map(({ id, track }) => [id, track])
    }
    await tracks('first')
    expect(await tracks('second')).toHaveLength(2)
    expect(recreated.current(100).standsFor).toBe(1)
    topic.recreate()
    expect(await tracks('new')).toEqual([['0-0', 'new']])
    expect(recreated.current(100)).toMatchObject({ standsFor: 0, sampled: 0 })
    topic.recreate()
    expect(await tracks()).toEqual([])
  })

  it('keeps a hundred rows at most', async () => {
    for (let i = 0; i < 8; i++) {
      await flow.generate(30)
      await read()
    }
    expect(sample.current(1_000).rows).toHaveLength(100)
  })
})
