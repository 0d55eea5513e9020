import { compressionsAlgorithms, crc32c, createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FetchedRecords } from '../../src/log/kafka-headers.ts'
import { RecordRuns } from '../../src/log/kafka-records.ts'
import type { LogBatch } from '../../src/log/log.ts'

const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
type Compression = (typeof COMPRESSIONS)[number]

interface Message {
  key?: Buffer
  value: Buffer | null
  timestamp: bigint
  headers?: Map<Buffer, Buffer>
}

interface BatchOptions {
  compression?: Compression
  producerId?: bigint
  transactional?: boolean
}

/** A batch as the library writes it, moved to its place in the log. */
function batchAt(offset: number, messages: readonly Message[], options: BatchOptions = {}): Buffer {
  const written = messages.map((message) => ({ ...message, topic: 't' }))
  const { compression = 'none', producerId, transactional } = options
  const batch = createRecordsBatch(written as Parameters<typeof createRecordsBatch>[0], {
    compression,
    ...(producerId === undefined ? {} : { producerId }),
    ...(transactional ? { transactionalId: 'tx' } : {}),
  })
  const { buffer } = batch
  buffer.writeBigInt64BE(BigInt(offset), 0)
  return buffer
}

/** A transaction's end marker: type 0 aborts, 1 commits. */
function markerAt(offset: number, producerId: bigint, type: 0 | 1): Buffer {
  const key = Buffer.from([0, 0, 0, type])
  const marker = batchAt(offset, [{ key, value: Buffer.alloc(6), timestamp: 0n }], { producerId, transactional: true })
  marker.writeInt16BE(marker.readInt16BE(21) | (1 << 5), 21)
  return marker
}

function text(value: string): Message {
  return { value: Buffer.from(value), timestamp: 1n }
}

function fetched(records: Buffer, over: Partial<FetchedRecords> = {}): FetchedRecords {
  return { topic: 'music_events', partition: 2, position: 0, end: 1_000, records, aborted: [], ...over }
}

function take(
  from: FetchedRecords,
  maxBytes = 1_000_000,
): { offsets: number[]; values: (string | null)[]; next: number } {
  const runs = new RecordRuns(from)
  const offsets: number[] = []
  const values: (string | null)[] = []
  let position = from.position
  while (!runs.done) {
    const run = runs.take(maxBytes)
    expect(run.first).toBe(position)
    position = run.next
    for (const [offset, value] of messagesOf(run)) {
      offsets.push(offset)
      values.push(value?.toString() ?? null)
    }
  }
  expect(position).toBe(runs.next)
  return { offsets, values, next: position }
}

function messagesOf(run: LogBatch): [number, Buffer | null][] {
  return Array.from({ length: run.count }, (_, i) => {
    const [start, end] = [run.starts[i]!, run.ends[i]!]
    return [run.first + run.offsetDeltas[i]!, start < 0 ? null : Buffer.from(run.data.subarray(start, end))]
  })
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const message: fc.Arbitrary<Message> = fc.record({
  key: bytes(20),
  value: fc.option(bytes(300)),
  timestamp: fc.bigInt({ min: 0n, max: 2n ** 45n }),
  headers: fc.array(fc.tuple(bytes(5), bytes(9)), { maxLength: 2 }).map((entries) => new Map(entries)),
})

describe('record batches', () => {
  it('gives the offsets and values that the library reads, whatever the compression and the first offset', () => {
    const lots = fc.array(
      fc.tuple(fc.array(message, { minLength: 1, maxLength: 30 }), fc.constantFrom(...COMPRESSIONS)),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(
        lots,
        fc.nat(2 ** 40),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(2_000),
        (lots, base, skip, maxBytes) => {
          const batches: Buffer[] = []
          const expected: [number, Buffer | null][] = []
          let offset = base
          for (const [messages, compression] of lots) {
            const batch = batchAt(offset, messages, { compression })
            for (const record of readRecordsBatch(Reader.from(batch)).records) {
              expected.push([offset + record.offsetDelta, record.value])
            }
            batches.push(batch)
            offset += messages.length
          }
          const position = base + Math.floor(skip * (offset - base))
          const runs = new RecordRuns(fetched(Buffer.concat(batches), { position, end: offset }))
          const got: [number, Buffer | null][] = []
          while (!runs.done) got.push(...messagesOf(runs.take(maxBytes)))
          expect(got).toEqual(expected.filter(([at]) => at >= position))
          expect(runs.next).toBe(offset)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('reads uncompressed batches where they are, without a copy', () => {
    const records = Buffer.concat([batchAt(0, [text('a')]), batchAt(1, [text('b')])])
    const run = new RecordRuns(fetched(records)).take(1_000_000)
    expect(run.count).toBe(2)
    expect(run.data).toBe(records)
  })

  it('leaves a last batch that was cut short for the next fetch', () => {
    const [whole, second] = [batchAt(0, [text('a'), text('b')]), batchAt(2, [text('c')])]
    for (const cut of [1, 20, 61, second.length - 1]) {
      const { values, next } = take(fetched(Buffer.concat([whole, second.subarray(0, cut)])))
      expect([values, next]).toEqual([['a', 'b'], 2])
    }
    expect(new RecordRuns(fetched(whole.subarray(0, 70))).done).toBe(true)
  })

  it('gives a tombstone a start of -1 and an empty value a length of 0', () => {
    const records = batchAt(5, [
      { value: null, timestamp: 1n },
      { value: Buffer.alloc(0), timestamp: 1n },
    ])
    const run = new RecordRuns(fetched(records, { position: 5 })).take(1_000)
    expect([run.starts[0], run.ends[0]]).toEqual([-1, -1])
    expect(run.starts[1]).toBeGreaterThan(0)
    expect(run.ends[1]).toBe(run.starts[1])
  })

  it('leaves out what compaction removed, in a batch and between batches, and moves on over it', () => {
    const thinned = batchAt(10, [text('a'), text('b')])
    // As the broker leaves a batch of offsets 10 to 19 of which only the first two are left.
    thinned.writeInt32BE(9, 23)
    const records = Buffer.concat([thinned, batchAt(50, [text('c')])])
    reseal(records, 0)
    expect(take(fetched(records, { position: 3 }))).toEqual({
      offsets: [10, 11, 50],
      values: ['a', 'b', 'c'],
      next: 51,
    })
  })

  it('bridges a gap wider than 32 bits by a run without messages', () => {
    const far = 2 ** 33
    const { offsets, next } = take(fetched(batchAt(far, [text('a')]), { position: 7, end: far + 1 }))
    expect([offsets, next]).toEqual([[far], far + 1])
  })

  it('never reports an end before the offset it has reached', () => {
    expect(new RecordRuns(fetched(batchAt(0, [text('a')]), { end: 0 })).take(1).end).toBe(1)
  })
})

describe('transactions', () => {
  const [one, two] = [
    { producerId: 1n, transactional: true },
    { producerId: 2n, transactional: true },
  ]

  it('drops aborted messages and every marker, keeps the rest, and ends after the last marker', () => {
    const records = Buffer.concat([
      batchAt(0, [text('plain')]),
      batchAt(1, [text('aborted'), text('aborted')], one),
      batchAt(3, [text('committed')], two),
      markerAt(4, 1n, 0),
      batchAt(5, [text('second try')], one),
      markerAt(6, 2n, 1),
      markerAt(7, 1n, 1),
    ])
    const got = take(fetched(records, { aborted: [{ producerId: 1n, firstOffset: 1 }] }))
    expect(got).toEqual({ offsets: [0, 3, 5], values: ['plain', 'committed', 'second try'], next: 8 })
  })

  it('drops an aborted transaction that began before the fetch, and one whose marker comes after it', () => {
    const begun = Buffer.concat([
      batchAt(100, [text('aborted')], one),
      markerAt(101, 1n, 0),
      batchAt(102, [text('kept')], one),
    ])
    const aborted = [{ producerId: 1n, firstOffset: 40 }]
    expect(take(fetched(begun, { position: 100, aborted })).values).toEqual(['kept'])
    const open = Buffer.concat([batchAt(100, [text('aborted')], one), batchAt(101, [text('kept')], two)])
    expect(take(fetched(open, { position: 100, aborted })).values).toEqual(['kept'])
  })

  it('keeps what a producer committed before the transaction that it aborted', () => {
    const records = Buffer.concat([
      batchAt(0, [text('kept')], one),
      markerAt(1, 1n, 1),
      batchAt(2, [text('aborted')], one),
      markerAt(3, 1n, 0),
    ])
    const aborted = [{ producerId: 1n, firstOffset: 2 }]
    expect(take(fetched(records, { aborted }))).toEqual({ offsets: [0], values: ['kept'], next: 4 })
  })

  it('keeps what a producer wrote outside of transactions', () => {
    const records = batchAt(0, [text('plain')], { producerId: 1n })
    expect(take(fetched(records, { aborted: [{ producerId: 1n, firstOffset: 0 }] })).values).toEqual(['plain'])
  })
})

describe('batches that cannot be read', () => {
  const cases: [string, (batch: Buffer) => void, RegExp][] = [
    ['a flipped bit', (batch) => batch.writeUInt8(batch.at(-3)! ^ 1, batch.length - 3), /offset 12 .* checksum/],
    ['another message format', (batch) => batch.writeInt8(1, 16), /offset 12 is in message format 1/],
    ['an impossible length', (batch) => batch.writeInt32BE(3, 8), /offset 12 .* length/],
    ['a count beyond its offsets', (batch) => batch.writeInt32BE(9, 57), /offset 12 .* count/],
    ['an offset beyond 2^53', (batch) => batch.writeBigInt64BE(2n ** 60n, 0), /2\^53/],
    [
      'more messages than it has bytes for',
      (batch) => {
        batch.writeInt32BE(1_000_000, 23)
        batch.writeInt32BE(1_000_000, 57)
        reseal(batch, 0)
      },
      /offset 12 .* count/,
    ],
    [
      'a record longer than its batch',
      (batch) => {
        batch.writeUInt8(0x7e, 61)
        reseal(batch, 0)
      },
      /offset 12 .* overlap/,
    ],
    [
      'an unknown compression',
      (batch) => {
        batch.writeInt16BE(7, 21)
        reseal(batch, 0)
      },
      /offset 12 .* compression 7/,
    ],
  ]
  it.each(cases)('%s is refused by name', (_what, damage, expected) => {
    const records = batchAt(12, [text('some message'), text('another')])
    damage(records)
    const read = () => take(fetched(records, { position: 12 }))
    expect(read).toThrow(expect.objectContaining({ code: 'LOG_REFUSED', message: expect.stringMatching(expected) }))
  })

  it('a damaged batch is met again, not passed over', () => {
    const records = Buffer.concat([batchAt(0, [text('a')]), batchAt(1, [text('b')], { compression: 'gzip' })])
    records.writeUInt8(0x7e, records.length - 1)
    const runs = new RecordRuns(fetched(records))
    expect(runs.take(1_000).next).toBe(1)
    for (let i = 0; i < 2; i++) expect(() => runs.take(1_000)).toThrow(/offset 1 .* checksum/)
    const overlong = batchAt(0, [text('a')])
    overlong.writeUInt8(0x7e, 61)
    reseal(overlong, 0)
    const broken = new RecordRuns(fetched(overlong))
    for (let i = 0; i < 2; i++) expect(() => broken.take(1_000)).toThrow(/overlap/)
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    '%s that unfolds to more than 64 MiB is given as it is stored, and what stands beside it is read',
    (compression) => {
      const bomb = batchAt(1, [text('with it'), { value: Buffer.alloc(67_200_000), timestamp: 1n }], { compression })
      expect(bomb.length).toBeLessThan(5_000_000)
      const [before, after] = [batchAt(0, [text('a')], { compression }), batchAt(3, [text('b')], { compression })]
      const runs = new RecordRuns(fetched(Buffer.concat([before, bomb, after])))
      expect(messagesOf(runs.take(1e9))).toEqual([[0, Buffer.from('a')]])
      const refused = runs.take(1e9)
      expect(refused.refused).toMatch(/offset 1 of music_events, partition 2, of 2 messages, unfolds .* 67108864 bytes/)
      expect(messagesOf(refused)).toEqual([
        [1, bomb],
        [2, null],
      ])
      expect(runs.take(1e9)).toMatchObject({ first: 3, next: 4, count: 1 })
      // The same from within it, so that what was archived can be made again.
      expect(messagesOf(new RecordRuns(fetched(bomb, { position: 2 })).take(1e9))).toEqual([[2, null]])
    },
  )

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s just below that is read', (compression) => {
    const large = batchAt(0, [{ value: Buffer.alloc(67_000_000), timestamp: 1n }], { compression })
    const run = new RecordRuns(fetched(large)).take(1_000)
    expect(run.ends[0]! - run.starts[0]!).toBe(67_000_000)
  })
})

it('reads snappy in the framing of its Java library', () => {
  const records = batchAt(0, [text('first'), text('second')])
  const body = records.subarray(61)
  const blocks = [body.subarray(0, 9), body.subarray(9)].map((part) => {
    const block = compressionsAlgorithms.snappy.compressSync(part)
    return Buffer.concat([Buffer.from(Uint32Array.of(block.length).buffer).swap32(), block])
  })
  const header = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1')
  const framed = Buffer.concat([records.subarray(0, 61), header, ...blocks])
  framed.writeInt32BE(framed.length - 12, 8)
  framed.writeInt16BE(2, 21)
  reseal(framed, 0)
  expect(take(fetched(framed)).values).toEqual(['first', 'second'])

  // A block that claims to unfold to 100 MB.
  const claim = Buffer.from([0x80, 0xc2, 0xd7, 0x2f])
  const bomb = Buffer.concat([records.subarray(0, 61), header, Buffer.from([0, 0, 0, 4]), claim])
  bomb.writeInt32BE(bomb.length - 12, 8)
  bomb.writeInt16BE(2, 21)
  reseal(bomb, 0)
  expect(new RecordRuns(fetched(bomb)).take(1_000).refused).toMatch(/unfolds to more/)
})

it('a batch that claims more messages than memory holds is refused in runs of bounded size', () => {
  const bomb = batchAt(7, [{ value: Buffer.alloc(67_200_000), timestamp: 1n }], { compression: 'zstd' })
  bomb.writeInt32BE(199_999, 23)
  bomb.writeInt32BE(200_000, 57)
  reseal(bomb, 0)
  const runs = new RecordRuns(fetched(bomb, { position: 7 }))
  const given = Array.from({ length: 4 }, () => runs.take(1_000))
  expect(runs.done).toBe(true)
  expect(given.map(({ first, count }) => [first, count])).toEqual([
    [7, 65_536],
    [65_543, 65_536],
    [131_079, 65_536],
    [196_615, 3_392],
  ])
  expect(given.flatMap(messagesOf).filter(([, value]) => value !== null)).toEqual([[7, bomb]])
  expect(given.at(-1)!.next).toBe(200_007)
})

it('sizes an LZ4 frame of varied text by its blocks', () => {
  const line = (i: number) =>
    `{"user":"user${(i * 7919) % 99991}","artist":"${(i * 31337).toString(36)}","duration":${i % 613}}\n`
  const lines = Buffer.from(Array.from({ length: 100_000 }, (_, i) => line(i)).join(''))
  const textOf = (length: number) => Buffer.concat(Array(16).fill(lines)).subarray(0, length)
  const batch = (length: number) => batchAt(0, [{ value: textOf(length), timestamp: 1n }], { compression: 'lz4' })
  expect(batch(67_000_000).length * 255).toBeGreaterThan(1_000_000_000)
  expect(new RecordRuns(fetched(batch(67_000_000))).take(1_000).count).toBe(1)
  expect(new RecordRuns(fetched(batch(67_200_000))).take(1_000).refused).toMatch(/unfolds to more/)
})

/** Writes the checksum of the batch at `at` anew. */
function reseal(records: Buffer, at: number): void {
  const end = at + 12 + records.readInt32BE(at + 8)
  records.writeUInt32BE(crc32c(records.subarray(at + 21, end)), at + 17)
}
