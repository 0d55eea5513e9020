/** What the log port promises about messages: appended, they are read back as they were. Run by `log.ts`. */
import { expect } from 'vitest'
import type { LogMessage } from '../../src/log/log.ts'
import type { LogBench } from './log.ts'
import { bytesOf, drain, drainTopic, ended, message, readerOf, settled } from './log-reading.ts'

export function messageCases({ test, patience, newTopic, openTopic }: LogBench): void {
  test('everything appended is read back: exact bytes, each key in order and in one partition', async () => {
    const log = await openTopic(3)
    const appended: LogMessage[] = []
    for (let lot = 0; lot < 5; lot += 1) {
      const messages = Array.from({ length: 100 }, (_, i) => message(`user${i % 17}`, `user${i % 17} ${lot} ${i}`))
      appended.push(...messages)
      await log.append(messages)
    }
    const read = await drainTopic(log)
    const partitionOf = new Map<string, number>()
    for (const [partition, values] of read) {
      for (const value of values) {
        const key = value.toString().split(' ')[0]!
        expect(partitionOf.get(key) ?? partition, `partition of ${key}`).toBe(partition)
        partitionOf.set(key, partition)
      }
    }
    expect(new Set(partitionOf.values()).size, 'partitions in use').toBeGreaterThan(1)
    const inAppendOrder = (partition: number) =>
      appended.filter(({ key }) => partitionOf.get(key) === partition).map(({ value }) => value.toString())
    for (const [partition, values] of read) expect(values.map(String)).toEqual(inAppendOrder(partition))
  })

  test('offsets are dense from 0, batches tile them, and describe gives their end', async () => {
    const log = await openTopic(2)
    for (let lot = 0; lot < 4; lot += 1) {
      await log.append(Array.from({ length: 25 }, (_, i) => message(`k${i}`, `${lot}/${i}`)))
    }
    const { partitions } = await log.describe()
    let total = 0
    for (const [partition, { start, end }] of partitions) {
      expect(start).toBe(0)
      total += end
      const read = await drain(log, partition, 0, end)
      expect(read.offsets).toEqual(Array.from({ length: end }, (_, offset) => offset))
      expect(read.batches.at(-1)?.end ?? 0).toBe(end)
    }
    expect(total).toBe(100)
  })

  test('values of any bytes come back as they were: binary, Unicode, line breaks, empty', async () => {
    const log = await openTopic(1)
    const values = [
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      Buffer.from('Beyoncé — 椎名林檎 🎧 \u0000 "quoted" \\ end'),
      Buffer.alloc(0),
      Buffer.from('two\r\nlines\n'),
      Buffer.from([0xff, 0xfe, 0x80]),
    ]
    await log.append(values.map((value, i) => ({ key: `clé ${i} 🎧`, value })))
    const read = await drain(log, 0, 0, values.length)
    expect(read.values).toEqual(values)
    expect(read.batches.flatMap(({ starts }) => [...starts]).every((start) => start >= 0)).toBe(true)
  })

  test('appending nothing is done at once', async () => {
    const log = await openTopic(1)
    await log.append([])
    expect((await log.describe()).partitions.get(0)).toEqual({ start: 0, end: 0 })
  })

  test('overlapping appends of one log object keep their order', async () => {
    const log = await openTopic(1)
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append([message('k', `${i}a`), message('k', `${i}b`)])))
    const read = await drain(log, 0, 0, 40)
    expect(read.values.map(String)).toEqual(Array.from({ length: 20 }, (_, i) => [`${i}a`, `${i}b`]).flat())
  })

  test('two log objects appending at once lose and double nothing', async () => {
    const topic = newTopic()
    const logs = [await openTopic(3, topic), await openTopic(3, topic)]
    await Promise.all(
      logs.map(async (log, who) => {
        for (let lot = 0; lot < 20; lot += 1) {
          await log.append(Array.from({ length: 50 }, (_, i) => message(`u${i}`, `${who} ${lot} ${i}`)))
        }
      }),
    )
    const values = [...(await drainTopic(logs[0]!)).values()].flat().map(String)
    expect(values).toHaveLength(2_000)
    expect(new Set(values).size).toBe(2_000)
  })

  test('reading starts in the middle, inside what was appended as one', async () => {
    const log = await openTopic(1)
    await log.append(Array.from({ length: 100 }, (_, i) => message('k', `${i}`)))
    const read = await drain(log, 0, 37, 100)
    expect(read.values.map(String)).toEqual(Array.from({ length: 63 }, (_, i) => `${i + 37}`))
  })

  test('an empty read waits, then returns an empty batch', async () => {
    const log = await openTopic(1)
    await log.append([message('k', 'v')])
    const reader = await readerOf(log, 0, 1)
    const began = performance.now()
    const batch = await reader.read({ maxBytes: 1_000_000, maxWaitMs: 300 })
    expect(performance.now() - began).toBeGreaterThan(200)
    expect(batch).toMatchObject({ partition: 0, first: 1, next: 1, count: 0, end: 1 })
    await reader.close()
  })

  test('a waiting read is woken by an append of another log object', async () => {
    const topic = newTopic()
    const [log, other] = [await openTopic(1, topic), await openTopic(1, topic)]
    const reader = await readerOf(log, 0, 0)
    const empty = await reader.read({ maxBytes: 1_000_000, maxWaitMs: 1 })
    expect(empty.count).toBe(0)
    const waiting = reader.read({ maxBytes: 1_000_000, maxWaitMs: 10 * patience })
    await other.append([message('k', 'wake')])
    const batch = await settled(waiting, patience, 'the read')
    expect(batch).toMatchObject({ first: 0, next: 1, count: 1, end: 1 })
    expect(Buffer.from(batch.data.subarray(batch.starts[0], batch.ends[0])).toString()).toBe('wake')
    await reader.close()
  })

  test('maxBytes bounds a batch, and a larger message still comes', async () => {
    const log = await openTopic(1)
    const values: Buffer[] = []
    for (let lot = 0; lot < 20; lot += 1) {
      const messages = Array.from({ length: 50 }, (_, i) => message('k', `${lot}/${i} `.padEnd(1_000, 'x')))
      values.push(...messages.map(({ value }) => Buffer.from(value)))
      await log.append(messages)
    }
    const large = Buffer.alloc(600_000, 'y')
    await log.append([{ key: 'k', value: large }, message('k', 'after')])
    values.push(large, Buffer.from('after'))

    const maxBytes = 100_000
    const read = await drain(log, 0, 0, values.length, maxBytes)
    expect(Buffer.concat(read.values).equals(Buffer.concat(values))).toBe(true)
    for (const batch of read.batches) {
      if (batch.first + batch.count <= 1_000) expect(bytesOf(batch)).toBeLessThanOrEqual(4 * maxBytes)
    }
  })

  test('abort ends a waiting read', async () => {
    const log = await openTopic(1)
    const reader = await readerOf(log, 0, 0)
    const stop = new AbortController()
    const waiting = reader.read({ maxBytes: 1_000, maxWaitMs: 10 * patience, signal: stop.signal })
    stop.abort()
    await settled(ended(waiting), patience, 'the read')
    await reader.close()
  })
}
