import type { Prepare } from './sqlite-file.ts'
import type { Topic } from './sqlite-topic.ts'

/** Runs that one commit removes at most: many more than come between two commits, and few enough to take no time. */
const RUNS_AT_ONCE = 256

/**
 * Removes a partition's oldest runs once the file holds more than it is to keep: only messages that every group which ever
 * committed to the partition has archived. The file does not get smaller, but what is freed is used again. Within a
 * transaction.
 * @param keepBytes of the whole file
 */
export function removeArchived(sql: Prepare, { key }: Topic, partition: number, keepBytes: number): void {
  let excess = usedBytes(sql) - keepBytes
  if (excess <= 0) return
  const { archived } = sql('SELECT min(next_offset) AS archived FROM committed WHERE topic = ? AND partition = ?').get(
    key,
    partition,
  ) as { archived: number | null }
  const runs = sql(
    'SELECT base, count, length(packed) AS bytes FROM runs WHERE topic = ? AND partition = ? ORDER BY base LIMIT ?',
  ).all(key, partition, RUNS_AT_ONCE) as unknown as { base: number; count: number; bytes: number }[]
  let first: number | undefined
  for (const { base, count, bytes } of runs) {
    if (excess <= 0 || base + count > (archived ?? 0)) break
    first = base + count
    excess -= bytes
  }
  if (first === undefined) return
  sql('DELETE FROM runs WHERE topic = ? AND partition = ? AND base < ?').run(key, partition, first)
  sql('UPDATE partitions SET first_offset = ? WHERE topic = ? AND number = ?').run(first, key, partition)
}

/** Of the pages that hold something. */
function usedBytes(sql: Prepare): number {
  const pragma = (name: string) => Object.values(sql(`PRAGMA ${name}`).get() ?? {})[0] as number
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}
