/** A record batch that is small as it is sent and stored, and huge once it is unfolded. */
import { createZstdCompress, constants as zlib } from 'node:zlib'
import { Connection, crc32c, createAPI, produceV11, Writer } from '@platformatic/kafka'

const PRODUCE_KEY = 0
const PRODUCE_VERSION = 11
const ACKS_ALL = -1
const TIMEOUT_MS = 60_000
const ZSTD = 4
const BATCH_HEADER = 61
const PIECE = Buffer.alloc(1_048_576)

/** Appends one message whose value is so many zero bytes, compressed by zstd. Gives the bytes that went to the broker. */
export async function appendBomb(broker: string, topic: string, partition: number, bytes: number): Promise<number> {
  const batch = await bombBatch(bytes)
  const [host, port] = broker.split(':') as [string, string]
  const connection = new Connection('bomber', { requestTimeout: TIMEOUT_MS })
  await connection.connect(host, Number(port))
  try {
    await produce.async(connection, topic, partition, batch)
  } finally {
    await connection.close()
  }
  return batch.length
}

async function bombBatch(bytes: number): Promise<Buffer> {
  const body = await compressed(record(bytes))
  const batch = Buffer.alloc(BATCH_HEADER)
  batch.writeInt32BE(BATCH_HEADER - 12 + body.length, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(ZSTD, 21)
  const now = BigInt(Date.now())
  batch.writeBigInt64BE(now, 27)
  batch.writeBigInt64BE(now, 35)
  // No producer id, epoch or sequence.
  batch.fill(0xff, 43, 57)
  batch.writeInt32BE(1, 57)
  const whole = Buffer.concat([batch, body])
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
  return whole
}

/** A record without key and headers; see `src/log/kafka-headers.ts`. */
function* record(bytes: number): Generator<Buffer> {
  const head = Buffer.concat([Buffer.from([0, 0, 0]), varint(-1), varint(bytes)])
  yield Buffer.concat([varint(head.length + bytes + 1), head])
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, Math.min(left, PIECE.length))
  yield Buffer.from([0])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value) >= 0n ? BigInt(value) * 2n : BigInt(value) * -2n - 1n
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

async function compressed(pieces: Iterable<Buffer>): Promise<Buffer> {
  const stream = createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: 1 } })
  const writing = (async () => {
    for (const piece of pieces) {
      if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve))
    }
    stream.end()
  })()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  await writing
  return Buffer.concat(chunks)
}

const produce = createAPI<[string, number, Buffer], produceV11.ProduceResponse>(
  PRODUCE_KEY,
  PRODUCE_VERSION,
  (topic, partition, batch) =>
    Writer.create()
      .appendString(null)
      .appendInt16(ACKS_ALL)
      .appendInt32(TIMEOUT_MS)
      .appendArray([topic], (writer, name) => {
        writer.appendString(name).appendArray([partition], (w, number) => {
          w.appendInt32(number)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch)
        })
      })
      .appendTaggedFields(),
  produceV11.parseResponse,
)
