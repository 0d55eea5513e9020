import { createServer } from 'node:net'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka.ts'
import type { LogMessage } from '../../src/log/log.ts'
import { drain, drainTopic, eventually, message, readerOf } from '../contract/log-reading.ts'
import { openBench } from './kafka-bench.ts'
import { makeAnewInKafka } from './made-anew.ts'

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(`kafka log${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  const brokers = skipped ? [] : services.kafka.brokers
  const bench = openBench(brokers)
  afterAll(() => bench.close())

  it('200,000 events appended in overlapping lots arrive once each, every key in its order', async () => {
    const log = await bench.topic(3)
    const [lots, size] = [20, 10_000]
    const lot = (n: number): LogMessage[] =>
      Array.from({ length: size }, (_, i) =>
        message(`user${i % 997}`, `user${i % 997} ${n * size + i} ${'x'.repeat(150)}`),
      )
    await Promise.all(Array.from({ length: lots }, (_, n) => log.append(lot(n))))

    const seen = new Set<string>()
    const lastOf = new Map<string, number>()
    let [arrived, misplaced] = [0, 0]
    for (const values of (await drainTopic(log)).values()) {
      for (const value of values) {
        const [user, number] = value.toString().split(' ') as [string, string]
        arrived++
        seen.add(number)
        if (Number(number) <= (lastOf.get(user) ?? -1)) misplaced++
        lastOf.set(user, Number(number))
      }
    }
    expect([arrived, seen.size, misplaced]).toEqual([lots * size, lots * size, 0])
  })

  it('one append larger than a request may be is sent in several', async () => {
    const log = await bench.topic(2)
    const messages = Array.from({ length: 60_000 }, (_, i) => message(`k${i % 101}`, `${i} ${'y'.repeat(400)}`))
    await log.append(messages)
    const values = [...(await drainTopic(log)).values()].flat().map((value) => Number(value.toString().split(' ')[0]))
    expect(values.sort((a, b) => a - b)).toEqual(messages.map((_, i) => i))
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'reads what another client compressed with %s',
    async (compression) => {
      const log = await bench.topic(1)
      const values = Array.from({ length: 3_000 }, (_, i) => `{"n":${i},"text":"Beyoncé ${'—'.repeat(i % 50)}"}`)
      for (let from = 0; from < values.length; from += 1_000) {
        const messages = values
          .slice(from, from + 1_000)
          .map((value) => ({ topic: log.topic, value: Buffer.from(value) }))
        await bench.producer().send({ messages, compression, acks: -1 })
      }
      const read = await drain(log, 0, 0, values.length)
      expect(read.values.map(String)).toEqual(values)
      const middle = await drain(log, 0, 1_234, values.length, 1_000)
      expect(middle.values.map(String)).toEqual(values.slice(1_234))
    },
  )

  it('a message without a value is a tombstone, one without a key is read', async () => {
    const log = await bench.topic(1)
    const tombstone = { topic: log.topic, key: Buffer.from('k'), value: null as unknown as Buffer }
    await bench.producer().send({ messages: [tombstone, { topic: log.topic, value: Buffer.from('v') }], acks: -1 })
    const reader = await readerOf(log, 0, 0)
    const batch = await reader.read({ maxBytes: 1_000, maxWaitMs: 5_000 })
    expect([batch.count, batch.starts[0], batch.starts[1]! >= 0]).toEqual([2, -1, true])
    await reader.close()
  })

  it('an offset that was removed, or is not there yet, is LOG_OFFSET_GONE and says what is there', async () => {
    const log = await bench.topic(1)
    await log.append(Array.from({ length: 10 }, (_, i) => message('k', `${i}`)))
    await bench.admin.deleteRecords({ topics: [{ name: log.topic, partitions: [{ partition: 0, offset: 4n }] }] })
    expect((await log.describe()).partitions.get(0)).toEqual({ start: 4, end: 10 })
    for (const from of [3, 11]) {
      const reading = (await readerOf(log, 0, from)).read({ maxBytes: 1_000, maxWaitMs: 5_000 })
      await expect(reading).rejects.toMatchObject({
        code: 'LOG_OFFSET_GONE',
        message: expect.stringMatching(new RegExp(`offset ${from} .* offsets 4 to 10`)),
      })
    }
  })

  it('a topic that was deleted and created again is LOG_TOPIC_RECREATED for a reader of the former', async () => {
    const log = await bench.topic(1)
    await log.append([message('k', 'before')])
    const { topicId } = await log.describe()
    const reader = await readerOf(log, 0, 0)
    expect((await reader.read({ maxBytes: 1_000, maxWaitMs: 5_000 })).count).toBe(1)
    // Not yet used when the topic goes.
    const unused = await readerOf(log, 0, 0)
    await makeAnewInKafka(bench.admin, log)
    await log.append([message('k', 'after'), message('k', 'after')])
    for (const each of [reader, unused]) {
      const reading = each.read({ maxBytes: 1_000, maxWaitMs: 10_000 })
      await expect(reading).rejects.toMatchObject({
        code: 'LOG_TOPIC_RECREATED',
        message: expect.stringContaining(topicId),
      })
    }
    expect((await log.describe()).topicId).not.toBe(topicId)
    expect((await drain(log, 0, 0, 2)).values.map(String)).toEqual(['after', 'after'])
  })

  it('a message that the broker finds too large is LOG_REFUSED, and the next append goes through', async () => {
    const log = await bench.topic(1)
    const huge = { key: 'k', value: Buffer.alloc(20_000_000, 'z') }
    await expect(log.append([message('k', 'beside'), huge])).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      next: expect.stringContaining('max.message.bytes'),
    })
    const { end } = (await log.describe()).partitions.get(0)!
    await log.append([message('k', 'after')])
    expect((await drain(log, 0, end, end + 1)).values.map(String)).toEqual(['after'])
  })

  it('messages are kept whatever time their producer gives them: long ago and far ahead', async () => {
    const log = await bench.topic(1)
    const times = [0, Date.UTC(2011, 0), Date.now() + 900_000_000]
    const messages = times.map((time) => ({
      ...{ topic: log.topic, partition: 0, value: Buffer.from(`${time}`), timestamp: BigInt(time) },
    }))
    await bench.producer().send({ messages, acks: -1 })
    expect((await drain(log, 0, 0, 3)).values.map(String)).toEqual(times.map(String))
  })

  it('what is not there is named: a topic on appending, a partition on reading', async () => {
    const topic = 'kafka-nowhere'
    const log = await openKafkaLog({ brokers, topic, partitions: 1, requestTimeout: 30_000, connectTimeout: 10_000 })
    await expect(log.append([message('k', 'v')])).rejects.toMatchObject({ code: 'LOG_TOPIC_MISSING' })
    const none = log.open({ topicId: 'none', partition: 0, from: 0 })
    await expect(none.read({ maxBytes: 1_000, maxWaitMs: 0 })).rejects.toMatchObject({ code: 'LOG_TOPIC_MISSING' })
    await log.close()
    const reading = (await readerOf(await bench.topic(2), 2, 0)).read({ maxBytes: 1_000, maxWaitMs: 0 })
    await expect(reading).rejects.toMatchObject({
      code: 'LOG_UNREACHABLE',
      message: expect.stringContaining('2 partitions'),
    })
  })

  it('a partition is read that was added after the last look at the topic', async () => {
    const log = await bench.topic(1)
    const { topicId } = await log.describe()
    const assignments = [{ brokerIds: [1] }]
    await bench.admin.createPartitions({ topics: [{ name: log.topic, count: 2, assignments }] })
    const messages = [{ topic: log.topic, partition: 1, value: Buffer.from('new') }]
    const producer = bench.producer()
    await eventually(() => producer.send({ messages, acks: -1 }), 10_000)
    const reader = log.open({ topicId, partition: 1, from: 0 })
    expect(await reader.read({ maxBytes: 1_000, maxWaitMs: 10_000 })).toMatchObject({ count: 1, next: 1 })
    await reader.close()
  })

  it('a broker that is gone does not matter while another answers', async () => {
    const dead = await deadAddress()
    const options = { topic: 'any', partitions: 1, requestTimeout: 30_000, connectTimeout: 10_000 }
    const log = await openKafkaLog({ ...options, brokers: [dead, ...brokers] })
    await log.close()
  })
})

describe('no kafka', () => {
  it('opening fails in time and names the brokers', async () => {
    const dead = await deadAddress()
    const began = performance.now()
    const opening = openKafkaLog({
      brokers: [dead],
      topic: 't',
      partitions: 1,
      requestTimeout: 30_000,
      connectTimeout: 600,
    })
    await expect(opening).rejects.toMatchObject({
      code: 'LOG_UNREACHABLE',
      message: expect.stringContaining(dead),
      next: expect.stringContaining('music-faker up'),
    })
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  it('something that answers nothing is given up as well', async () => {
    const mute = createServer(() => undefined)
    const address = await listening(mute)
    const opening = openKafkaLog({
      brokers: [address],
      topic: 't',
      partitions: 1,
      requestTimeout: 30_000,
      connectTimeout: 600,
    })
    await expect(opening).rejects.toMatchObject({ code: 'LOG_UNREACHABLE', message: expect.stringContaining(address) })
    mute.close()
  })
})

/** An address where nothing listens. */
async function deadAddress(): Promise<string> {
  const server = createServer()
  const address = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return address
}

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return `127.0.0.1:${address.port}`
}
