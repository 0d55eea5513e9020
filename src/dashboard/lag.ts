/** How far each partition of the log is archived. */
import type { TopicDescription } from '../log/log.ts'
import type { Lag, PartitionLag } from './api.ts'

/** Partitions that one answer lists: the ones furthest behind. */
const LISTED = 64

/** What the loop that watches the log last read. */
export interface LogPosition {
  topic: TopicDescription
  /** Offsets that the consumer group has committed, by partition. */
  committed: Map<number, number>
}

/**
 * @param archived the next offset that the lake will take, by partition of this life of the topic
 */
export function partitionLags(position: LogPosition, archived: Map<number, number>): PartitionLag[] {
  return [...position.topic.partitions].map(([partition, { start, end }]) => {
    const next = archived.get(partition) ?? 0
    return {
      partition,
      start,
      // The lake may have been read after the log: what it holds was in the log.
      end: Math.max(end, next),
      archived: next,
      lag: Math.max(0, end - Math.max(next, start)),
      committed: position.committed.get(partition) ?? null,
    }
  })
}

/** @param current whether log and lake both answer: what is waiting is unknown otherwise */
export function lagSection(
  topic: string,
  topicId: string | null,
  lags: readonly PartitionLag[],
  current: boolean,
): Lag {
  const worst = lags.toSorted((a, b) => b.lag - a.lag || a.partition - b.partition).slice(0, LISTED)
  return {
    topic,
    topicId,
    waiting: current ? lags.reduce((sum, { lag }) => sum + lag, 0) : null,
    count: lags.length,
    partitions: worst.sort((a, b) => a.partition - b.partition),
  }
}
