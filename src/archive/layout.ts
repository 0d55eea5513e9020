/**
 * Names in the lake. Everything below one root, `/<topic>`:
 *
 *   year=2025/month=07/day=03/batch_20250703_200803_p0_0-4999.jsonl   events of one UTC day; stamp of the commit (UTC)
 *   _quarantine/day=2025-07-03/batch_20250703_200803_p0_0-4999.jsonl  day of the commit (UTC)
 *   _commits/<topic id>/p0/00000000000000000042.json                  one record per number, one folder per partition
 *   _staging/<topic id>/p0/<fence>/...                                written, not yet committed
 *
 * Spark, Hive, Trino and DuckDB skip names that begin with `_`.
 */

const SEQ_DIGITS = 20

export function lakeRoot(topic: string): string {
  return `/${topic}`
}

export function commitsFolder(root: string): string {
  return `${root}/_commits`
}

export function quarantineFolder(root: string): string {
  return `${root}/_quarantine`
}

export function stagingFolder(root: string): string {
  return `${root}/_staging`
}

export function partitionCommits(root: string, topicId: string, partition: number): string {
  return `${commitsFolder(root)}/${topicId}/p${partition}`
}

export function partitionStaging(root: string, topicId: string, partition: number): string {
  return `${stagingFolder(root)}/${topicId}/p${partition}`
}

/** The name of record `seq`: fixed width, so that byte order is numeric order. */
export function recordName(seq: number): string {
  return `${String(seq).padStart(SEQ_DIGITS, '0')}.json`
}

/** The number in a record's name, or undefined for any other name. */
export function recordSeq(name: string): number | undefined {
  return /^\d{20}\.json$/.test(name) ? Number(name.slice(0, SEQ_DIGITS)) : undefined
}

/** The partition in a folder name such as `p12`, or undefined for any other name. */
export function partitionNumber(name: string): number | undefined {
  return /^p(0|[1-9]\d*)$/.test(name) ? Number(name.slice(1)) : undefined
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `YYYYMMDD_HHMMSS` in UTC. */
export function stamp(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '_')
}

/** `day` is YYYY-MM-DD. */
export function dayFolder(root: string, day: string): string {
  const [year, month, date] = day.split('-')
  return `${root}/year=${year}/month=${month}/day=${date}`
}

/** Where the events of one day of a batch are published. `first` and `last` are the batch's offsets, inclusive. */
export function dataFile(
  root: string,
  day: string,
  at: number,
  partition: number,
  first: number,
  last: number,
): string {
  return `${dayFolder(root, day)}/batch_${stamp(at)}_p${partition}_${first}-${last}.jsonl`
}

/** Where the quarantined messages of a batch are published. */
export function quarantineFile(root: string, at: number, partition: number, first: number, last: number): string {
  const day = new Date(at).toISOString().slice(0, 10)
  return `${quarantineFolder(root)}/day=${day}/batch_${stamp(at)}_p${partition}_${first}-${last}.jsonl`
}
