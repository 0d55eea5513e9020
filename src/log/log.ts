/**
 * The port to the log that stands between producers and the archive: a partitioned, ordered, durable list of messages.
 * Adapters: `sqlite.ts` (embedded) and `kafka.ts` (cluster). One contract suite, `test/contract/log.ts`, runs on both.
 *
 * Offsets are plain numbers: a partition would need three centuries at a million events a second to pass 2^53, and an
 * adapter that meets such an offset fails with LOG_REFUSED.
 *
 * Every method may throw MusicFakerError: LOG_UNREACHABLE (retryable: the service may come back), LOG_REFUSED,
 * LOG_AUTH, LOG_FORMAT, LOG_TOPIC_MISSING. After `close` every call rejects with LOG_REFUSED.
 */
import type { MusicFakerError } from '../errors.ts'

/** A message to append. */
export interface LogMessage {
  /** Messages with one key keep their order: they go to one partition. */
  key: string
  value: Uint8Array
}

/** Offsets `[start, end)` are readable now. */
export interface Watermarks {
  start: number
  end: number
}

export interface TopicDescription {
  /** Names one life of the topic: deleting and creating it again gives another. Safe as a folder name. */
  topicId: string
  /** By partition number, ascending. */
  partitions: Map<number, Watermarks>
}

/**
 * A run of consecutive offsets `[first, next)` of one partition, without an object per message: message `i` is
 * `data.subarray(starts[i], ends[i])` at offset `first + offsetDeltas[i]`. Offsets of the run that no message has
 * (transaction markers, aborted or compacted messages) are simply absent from `offsetDeltas`.
 */
export interface LogBatch {
  partition: number
  first: number
  next: number
  count: number
  data: Uint8Array
  /** -1 for a tombstone (no value). */
  starts: Int32Array
  ends: Int32Array
  /** Ascending, each in `[0, next - first)`. */
  offsetDeltas: Int32Array
  /**
   * Why the log cannot give these messages. The value of one of them is then what the log holds in place of all, and the
   * others have none.
   */
  refused?: string
  /** The partition's end when this was read: `end - next` messages are still waiting. */
  end: number
}

/** Where a reader begins: offsets are only those of one life of the topic. */
export interface ReadFrom {
  /** As an assignment or a description tells it. */
  topicId: string
  partition: number
  from: number
}

/** Reads one partition in order from a given offset. Not safe for overlapping calls. */
export interface PartitionReader {
  /**
   * The next run, or an empty one (`first === next`) when nothing came within `maxWaitMs`.
   * Holds at most a few times `maxBytes` in memory; a single message larger than that still comes.
   * After a retryable error the call may be repeated: nothing is skipped.
   * @throws LOG_OFFSET_GONE when retention has removed the position; LOG_TOPIC_RECREATED when the topic does not have the
   *   id any more with which the reader was opened
   */
  read(options: { maxBytes: number; maxWaitMs: number; signal?: AbortSignal }): Promise<LogBatch>
  close(): Promise<void>
}

/** One partition, given to this member of a group until `revoked` aborts. */
export interface Assignment {
  topicId: string
  partition: number
  /** Aborts when the partition goes to another member, when membership is lost, and when the join's signal aborts. */
  revoked: AbortSignal
  /** Tells the group how far this partition is archived. A hint that shows lag; never a position to read from. */
  commit(next: number): Promise<void>
}

export interface JoinOptions {
  group: string
  signal: AbortSignal
  onContact?: (failure: MusicFakerError | undefined) => void
}

export interface EventLog {
  readonly topic: string
  /** Creates the topic where it is missing; an existing topic is left as it is. */
  ensureTopic(): Promise<void>
  /** @throws LOG_TOPIC_MISSING */
  describe(): Promise<TopicDescription>
  /**
   * Resolves when every message is durable (Kafka: acks=all, idempotent). On rejection some may be in the log, and
   * appending them again may double them. Overlapping calls are queued: one send is in flight at a time.
   */
  append(messages: readonly LogMessage[]): Promise<void>
  /** Opens a reader at an offset, outside any group. It never reads a topic of another id, whatever the log has met since. */
  open(from: ReadFrom): PartitionReader
  /**
   * Joins a consumer group and yields each partition as it is assigned; again after it was revoked and came back.
   * Ends when `signal` aborts, after leaving the group. Loss of contact is retried within, without end; `onContact` is
   * told of each try that failed, and of nothing wrong as soon as there is contact again.
   */
  join(options: JoinOptions): AsyncIterable<Assignment>
  /** The offsets that a group has committed, by partition; a partition without one is absent. */
  committed(group: string): Promise<Map<number, number>>
  close(): Promise<void>
}
