/** Making the files of a batch again from the log that it was read from, as the archiver made them. */
import type { BatchContents } from '../archive/commits.ts'
import { StagedBatch } from '../archive/staging.ts'
import { hasCode } from '../errors.ts'
import type { EventLog, LogBatch, TopicDescription } from '../log/log.ts'
import type { LakeStorage } from './storage.ts'

const READ = { maxBytes: 1_048_576, maxWaitMs: 5_000 }
/** The batch is as large as it was: nothing closes it before its last offset. */
const NO_LIMITS = {
  messages: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  ageMs: Number.POSITIVE_INFINITY,
}

/** Offsets `[first, next)` of one partition of one lineage. */
export interface Range {
  topicId: string
  partition: number
  first: number
  next: number
}

/** What the log still holds. */
export class Holdings {
  readonly log: EventLog
  readonly #topicId: string | undefined
  readonly #partitions: TopicDescription['partitions']

  private constructor(log: EventLog, topicId: string | undefined, partitions: TopicDescription['partitions']) {
    this.log = log
    this.#topicId = topicId
    this.#partitions = partitions
  }

  /** A topic that is not there holds nothing. @throws LOG_UNREACHABLE and the like */
  static async of(log: EventLog): Promise<Holdings> {
    try {
      const { topicId, partitions } = await log.describe()
      return new Holdings(log, topicId, partitions)
    } catch (error) {
      if (!hasCode(error, 'LOG_TOPIC_MISSING')) throw error
      return new Holdings(log, undefined, new Map())
    }
  }

  /** Whether the log's topic is this one still, not one made again under its name. */
  isOf(topicId: string): boolean {
    return topicId === this.#topicId
  }

  /** Why the log cannot give the range, or undefined when it can. */
  lacks({ topicId, partition, first, next }: Range): string | undefined {
    if (!this.isOf(topicId)) return `the log has no topic ${topicId} any more`
    const { start, end } = this.#partitions.get(partition) ?? { start: 0, end: 0 }
    if (first >= start && next <= end) return undefined
    return `of offsets ${first} to ${next - 1} of partition ${partition} the log holds ${start >= end ? 'none' : `${start} to ${end - 1} only`}`
  }
}

/**
 * Reads the range and writes its files below `folder`; their `path`s are made up.
 *
 * @param readAt epoch milliseconds: the moment that the batch went by
 * @throws LOG_OFFSET_GONE when retention was faster
 */
export async function remake(
  { log }: Holdings,
  { topicId, partition, first, next }: Range,
  readAt: number,
  into: { lake: LakeStorage; root: string; folder: string },
): Promise<BatchContents> {
  const staged = new StagedBatch({ ...into, partition, batch: first }, first)
  const reader = log.open({ topicId, partition, from: first })
  try {
    while (staged.next < next) {
      const batch = upTo(await reader.read(READ), next)
      if (batch.next > batch.first) await staged.take({ batch, index: 0 }, NO_LIMITS, readAt)
    }
    const { contents, durable } = await staged.seal(readAt)
    await durable
    return contents
  } catch (error) {
    await staged.discard()
    throw error
  } finally {
    await reader.close()
  }
}

/** The part of a run of messages that lies before `next`. */
function upTo(batch: LogBatch, next: number): LogBatch {
  if (batch.next <= next) return batch
  let count = 0
  while (count < batch.count && batch.first + batch.offsetDeltas[count]! < next) count++
  return { ...batch, count, next }
}

/** Takes files and keeps nothing of them: to learn what they would be. */
export function nowhere(): LakeStorage {
  const none = async () => {}
  return {
    write: async (_, body) => {
      let bytes = 0
      for await (const chunk of body instanceof Uint8Array ? [body] : body) bytes += chunk.length
      return bytes
    },
    stat: none as LakeStorage['stat'],
    async *list() {},
    async *stream() {},
    read: async () => new Uint8Array(),
    rename: none,
    remove: none,
    close: none,
  }
}
