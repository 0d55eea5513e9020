import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Message, mergeByTime, messageJson, messageLine, messagesOf } from '../../src/cli/messages.ts'

const message = (partition: number, offset: number, timestamp: string | null): Message => ({
  partition,
  offset,
  value: timestamp === null ? null : Buffer.from(JSON.stringify({ timestamp })),
})

test('messages are taken out of a batch by their offsets, tombstones as null', () => {
  const data = Buffer.from('onetwo')
  const batch = {
    partition: 2,
    first: 10,
    next: 15,
    count: 3,
    data,
    starts: Int32Array.of(0, -1, 3),
    ends: Int32Array.of(3, -1, 6),
    offsetDeltas: Int32Array.of(0, 1, 4),
    end: 15,
  }
  const messages = messagesOf(batch)
  data.fill(0)
  expect(messages).toEqual([
    { partition: 2, offset: 10, value: Buffer.from('one') },
    { partition: 2, offset: 11, value: null },
    { partition: 2, offset: 14, value: Buffer.from('two') },
  ])
})

test('partitions are merged by timestamp, whatever the length of the fraction', () => {
  const merged = mergeByTime([
    [message(0, 0, '2025-07-03T20:00:00'), message(0, 1, '2025-07-03T20:00:02.5')],
    [message(1, 0, '2025-07-03T20:00:01.123456'), message(1, 1, '2025-07-03T20:00:02.45')],
  ])
  expect(merged.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ])
})

test('merging loses nothing and keeps the order of each partition, also of late and broken messages', () => {
  const timestamps = fc.option(
    fc
      .date({ min: new Date(0), max: new Date(1e12), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 19)),
  )
  const partitions = fc.array(fc.array(timestamps), { maxLength: 4 })
  fc.assert(
    fc.property(partitions, (all) => {
      const input = all.map((list, partition) => list.map((timestamp, i) => message(partition, i, timestamp)))
      const merged = mergeByTime(input)
      for (const [partition, list] of input.entries()) {
        expect(merged.filter((one) => one.partition === partition)).toEqual(list)
      }
      expect(merged).toHaveLength(input.flat().length)
    }),
  )
})

test('JSON keeps text as text, other bytes as base64', () => {
  expect(messageJson({ partition: 1, offset: 2, value: Buffer.from('é') })).toEqual({
    partition: 1,
    offset: 2,
    value: 'é',
  })
  expect(messageJson({ partition: 1, offset: 2, value: null })).toEqual({ partition: 1, offset: 2, value: null })
  expect(messageJson({ partition: 1, offset: 2, value: Buffer.from([0xff, 0xfe]) })).toEqual({
    partition: 1,
    offset: 2,
    base64: '//4=',
  })
})

test('a pipe gets the bytes themselves, a terminal what cannot harm it', () => {
  const value = Buffer.from([0x1b, 0x5b, 0x41, 0xff])
  expect(messageLine({ partition: 0, offset: 0, value }, false)).toEqual(Buffer.from([0x1b, 0x5b, 0x41, 0xff, 0x0a]))
  expect(messageLine({ partition: 0, offset: 0, value }, true)).toBe('\\u001b[A\ufffd\n')
})
