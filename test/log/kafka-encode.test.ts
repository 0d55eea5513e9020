import { Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBatch, fitting, partitionOf, sequenceAfter } from '../../src/log/kafka-encode.ts'
import { RecordRuns } from '../../src/log/kafka-records.ts'
import type { LogMessage } from '../../src/log/log.ts'

const NOW = Date.UTC(2026, 1, 3)
const IDENTITY = { producerId: 4_611_686_018_427_387_904n, epoch: 3, sequence: 2_147_483_647 }

const message: fc.Arbitrary<LogMessage> = fc.record({
  key: fc.string({ unit: 'binary', maxLength: 40 }),
  value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
})

describe('encoding a record batch', () => {
  it('is read back as it was, by the library and by our own reader', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 50 }), (messages) => {
        const bytes = encodeBatch(messages, IDENTITY, NOW)
        const batch = readRecordsBatch(Reader.from(bytes))
        expect(batch).toMatchObject({
          producerId: IDENTITY.producerId,
          producerEpoch: IDENTITY.epoch,
          firstSequence: IDENTITY.sequence,
          attributes: 0,
          length: bytes.length - 12,
          lastOffsetDelta: messages.length - 1,
          maxTimestamp: BigInt(NOW),
        })
        const read = batch.records.map(({ key, value, timestampDelta, offsetDelta, headers }) => ({
          key: key!.toString(),
          value: Buffer.from(value!),
          timestamp: Number(batch.firstTimestamp + timestampDelta),
          offsetDelta,
          headers,
        }))
        expect(read).toEqual(
          messages.map(({ key, value }, offsetDelta) => ({
            key: Buffer.from(key).toString(),
            value,
            timestamp: NOW,
            offsetDelta,
            headers: [],
          })),
        )
        const from = { topic: 't', partition: 0, position: 0, end: 50, records: bytes, aborted: [] }
        expect(new RecordRuns(from).take(1_000_000).count).toBe(messages.length)
      }),
    )
  })

  it('fills a batch up to the limit, and never leaves a large message behind', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 50 }), fc.nat(3_000), (messages, limit) => {
        let from = 0
        while (from < messages.length) {
          const count = fitting(messages, from, limit)
          expect(count).toBeGreaterThan(0)
          const { length } = encodeBatch(messages.slice(from, from + count), IDENTITY, NOW)
          if (count > 1) expect(length).toBeLessThanOrEqual(limit)
          from += count
        }
        expect(from).toBe(messages.length)
      }),
    )
  })

  it('counts sequence numbers on after the largest from 0', () => {
    expect(sequenceAfter(0, 5)).toBe(5)
    expect(sequenceAfter(2_147_483_647, 1)).toBe(0)
    expect(sequenceAfter(2_147_483_640, 10)).toBe(2)
  })
})

describe('partitions of keys', () => {
  // What org.apache.kafka.common.utils.Utils.murmur2 gives for these keys, from Kafka's own test of it.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('%s has the hash that the Java client gives it', (key, hash) => {
    expect(partitionOf(key, 2 ** 31)).toBe(hash & 0x7fffffff)
  })

  it('lie within the topic, also for long keys and beyond ASCII', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.integer({ min: 1, max: 500 }),
        (key, partitions) => {
          const partition = partitionOf(key, partitions)
          expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
        },
      ),
    )
  })
})
