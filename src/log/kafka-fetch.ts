/**
 * The Fetch request (version 17) for one partition, with an answer whose records stay bytes: the library's own parser
 * makes an object of every record.
 */
import { createAPI, fetchV17, type Reader } from '@platformatic/kafka'
import type { AbortedTransaction } from './kafka-headers.ts'

export interface FetchRequest {
  topicId: string
  partition: number
  leaderEpoch: number
  offset: number
  maxBytes: number
  /** How long the broker may wait for the first byte. */
  maxWaitMs: number
}

export interface FetchResponse {
  /** Number of a protocol error; 0 for none. */
  errorCode: number
  /** Offsets from here on belong to open transactions. */
  lastStableOffset: number
  aborted: AbortedTransaction[]
  /** Record batches, the last of which may be cut short. */
  records: Buffer
}

const FETCH_KEY = 1
const FETCH_VERSION = 17
const READ_COMMITTED = 1
const MIN_BYTES = 1
/** Each request stands alone: sessions save bytes only where one request asks for many partitions. */
const NO_SESSION = 0
const FINAL_EPOCH = -1
const NO_EPOCH = -1
const NO_RACK = ''

const api = createAPI<[FetchRequest], FetchResponse>(
  FETCH_KEY,
  FETCH_VERSION,
  createRequest,
  (_id, _key, _version, r) => parseResponse(r),
)

/** Rejects with the library's errors when there is no answer; an error within the answer is its `errorCode`. */
export const fetchRecords = api.async

function createRequest(request: FetchRequest): ReturnType<typeof fetchV17.createRequest> {
  const { topicId, partition, leaderEpoch, offset, maxBytes, maxWaitMs } = request
  const wanted = {
    partition,
    currentLeaderEpoch: leaderEpoch,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: NO_EPOCH,
    partitionMaxBytes: maxBytes,
  }
  const topics = [{ topicId, partitions: [wanted] }]
  return fetchV17.createRequest(
    maxWaitMs,
    MIN_BYTES,
    maxBytes,
    READ_COMMITTED,
    NO_SESSION,
    FINAL_EPOCH,
    topics,
    [],
    NO_RACK,
  )
}

/** The layout is spelled out beside the library's own parser, `fetch-v17`. */
function parseResponse(reader: Reader): FetchResponse {
  reader.skip(4) // throttle time
  const answer: FetchResponse = {
    errorCode: reader.readInt16(),
    lastStableOffset: 0,
    aborted: [],
    records: Buffer.alloc(0),
  }
  reader.skip(4) // session
  reader.readArray((r) => {
    r.readUUID()
    r.readArray((partition) => {
      partition.skip(4) // partition number
      const errorCode = partition.readInt16()
      if (answer.errorCode === 0) answer.errorCode = errorCode
      partition.skip(8) // high watermark
      answer.lastStableOffset = Number(partition.readInt64())
      partition.skip(8) // log start offset
      answer.aborted = readAborted(partition)
      partition.skip(4) // preferred replica
      answer.records = readRecordSet(partition)
    })
  })
  return answer
}

function readAborted(reader: Reader): AbortedTransaction[] {
  const aborted = reader.readNullableArray((r) => ({
    producerId: r.readInt64(),
    firstOffset: Number(r.readInt64()),
  }))
  return aborted ?? []
}

function readRecordSet(reader: Reader): Buffer {
  // A compact length is one more than the length; 0 stands for null.
  const length = Math.max(reader.readUnsignedVarInt() - 1, 0)
  const records = reader.buffer.slice(reader.position, reader.position + length)
  reader.skip(length)
  return records
}
