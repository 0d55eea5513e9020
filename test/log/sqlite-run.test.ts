import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, fitting, packRuns, partitionOf, RUN_BYTES, toBatch, unpack } from '../../src/log/sqlite-run.ts'

const messages = fc.array(
  fc.record({ key: fc.string({ unit: 'grapheme' }), value: fc.uint8Array({ maxLength: 40 }) }),
  { minLength: 1, maxLength: 60 },
)

describe('runs', () => {
  it('packed, unpacked and joined from any message on, the values are those appended', () => {
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 4 }), fc.nat(), (list, partitions, seed) => {
        for (const { partition, count, packed } of packRuns(list, partitions)) {
          const expected = list
            .filter(({ key }) => partitionOf(key, partitions) === partition)
            .map(({ value }) => value)
          const run = unpack(100, count, packed)!
          const from = seed % count
          const whole = { run, from: 0, to: count }
          for (const slices of [[{ run, from, to: count }], [{ run, from, to: count }, whole]]) {
            const batch = toBatch(partition, 100 + from, 1_000, slices)
            const values = Array.from({ length: batch.count }, (_, i) =>
              batch.data.slice(batch.starts[i], batch.ends[i]),
            )
            expect(values).toEqual([...expected.slice(from), ...(slices.length === 2 ? expected : [])])
            expect([...batch.offsetDeltas]).toEqual([...values.keys()])
            expect(batch.next - batch.first).toBe(batch.count)
          }
        }
      }),
    )
  })

  it('a run stays within its bytes, but a larger message is a run of its own', () => {
    const value = (bytes: number) => ({ key: 'k', value: new Uint8Array(bytes) })
    const runs = packRuns([value(600_000), value(600_000), value(3_000_000), value(10), value(20)], 1)
    expect(runs.map(({ count }) => count)).toEqual([1, 1, 1, 2])
    for (const { packed } of runs.filter((_, i) => i !== 2)) expect(packed.length).toBeLessThanOrEqual(RUN_BYTES)
  })

  it('cutting keeps every item, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 30 }), (sizes, limit) => {
        const parts = [...cut(sizes, (size) => size, limit)]
        expect(parts.flat()).toEqual(sizes)
        for (const part of parts) {
          expect(part.length === 1 || part.reduce((sum, size) => sum + size, 0) <= limit).toBe(true)
        }
      }),
    )
  })

  it('as many messages fit as have room together', () => {
    const { count, packed } = packRuns(
      [10, 20, 30].map((bytes) => ({ key: 'k', value: new Uint8Array(bytes) })),
      1,
    )[0]!
    const run = unpack(0, count, packed)!
    expect([9, 10, 29, 30, 59, 60, 99].map((room) => fitting(run, 0, room))).toEqual([0, 1, 1, 2, 2, 3, 3])
    expect(fitting(run, 1, 50)).toBe(2)
  })

  it('a row whose index does not fit its bytes is no run', () => {
    const { packed } = packRuns([{ key: 'k', value: new Uint8Array(8) }], 1)[0]!
    expect(unpack(0, 1, packed.subarray(0, packed.length - 1))).toBeUndefined()
    expect(unpack(0, 9, packed)).toBeUndefined()
    expect(unpack(0, 0, packed)).toBeUndefined()
  })

  it('partitions follow CRC-32 of the UTF-8 key, so that another version of this program appends alike', () => {
    // CRC-32 of "123456789" is cbf43926: the check value of its definition.
    expect(partitionOf('123456789', 0xffff_ffff)).toBe(0xcbf4_3926)
  })

  it('keys spread over the partitions', () => {
    const counts = [0, 0, 0]
    for (let user = 0; user < 3_000; user += 1) counts[partitionOf(`user${user}`, 3)]! += 1
    expect(Math.min(...counts)).toBeGreaterThan(800)
  })
})
