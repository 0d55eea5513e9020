import { afterAll, describe, expect, inject, it } from 'vitest'
import type { EventLog } from '../../src/log/log.ts'
import { drain, eventually, message, readerOf } from '../contract/log-reading.ts'
import { openBench } from './kafka-bench.ts'

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(`kafka transactions${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  const bench = openBench(skipped ? [] : services.kafka.brokers)
  afterAll(() => bench.close())

  // The library cannot use a transactional id twice.
  const begin = (transactionalId: string) => bench.producer({ idempotent: true, transactionalId }).beginTransaction()
  const send = (transaction: Awaited<ReturnType<typeof begin>>, log: EventLog, values: string[]) =>
    transaction.send({ messages: values.map((value) => ({ topic: log.topic, value: Buffer.from(value) })) })

  it('only what was committed is read, offsets tile, and the end is reached, whatever a fetch may bring', async () => {
    const log = await bench.topic(1)
    const expected: string[] = []
    for (let round = 0; round < 6; round++) {
      const [kept, dropped] = [await begin(`${log.topic}-a${round}`), await begin(`${log.topic}-b${round}`)]
      for (let part = 0; part < 3; part++) {
        const values = Array.from({ length: 40 }, (_, i) => `kept ${round} ${part} ${i} ${'x'.repeat(80)}`)
        await send(kept, log, values)
        expected.push(...values)
        await send(
          dropped,
          log,
          values.map((value) => `dropped ${value}`),
        )
        const plain = `plain ${round} ${part}`
        await log.append([message('k', plain)])
        expected.push(plain)
      }
      // The orders of the markers differ, and the last round ends in an abort.
      if (round % 2 === 0) await kept.commit()
      await dropped.abort()
      if (round % 2 === 1) await kept.commit()
    }
    // A transaction is over before its marker is written: of 6 that were committed and 6 aborted, beside 18 messages in none.
    const { start, end } = await eventually(async () => {
      const marks = (await log.describe()).partitions.get(0)!
      expect(marks.end).toBe(2 * (expected.length - 18) + 18 + 12)
      return marks
    }, 10_000)
    for (const maxBytes of [1_000, 6_000, 1_000_000]) {
      const read = await drain(log, 0, start, end, maxBytes)
      expect(read.values.map(String)).toEqual(expected)
      expect(read.batches.at(-1)).toMatchObject({ next: end, end })
    }
    // From every offset on, also from within a transaction that is later aborted.
    for (let from = start; from < end; from += 37) {
      const read = await drain(log, 0, from, end)
      expect(read.values.map(String)).toEqual(expected.slice(expected.length - read.values.length))
      expect(read.offsets.every((offset) => offset >= from)).toBe(true)
    }
  })

  it('an open transaction holds the end back until it is decided', async () => {
    const log = await bench.topic(1)
    await log.append([message('k', 'before')])
    const transaction = await begin(`${log.topic}-open`)
    await send(transaction, log, ['within'])
    await log.append([message('k', 'after')])
    expect((await log.describe()).partitions.get(0)).toEqual({ start: 0, end: 1 })
    const reader = await readerOf(log, 0, 0)
    expect(await reader.read({ maxBytes: 1_000, maxWaitMs: 5_000 })).toMatchObject({ count: 1, next: 1, end: 1 })
    expect(await reader.read({ maxBytes: 1_000, maxWaitMs: 100 })).toMatchObject({ count: 0, first: 1, next: 1 })
    await transaction.commit()
    const rest = await drain(log, 0, 1, 3)
    expect(rest.values.map(String)).toEqual(['within', 'after'])
    expect((await reader.read({ maxBytes: 1_000, maxWaitMs: 5_000 })).count).toBeGreaterThan(0)
    await reader.close()
  })
})
