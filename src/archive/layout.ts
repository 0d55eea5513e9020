/**
 * Names in the lake. Everything below one root, `/<topic>`:
 *
 *   year=2025/month=07/day=03/batch_20250703_200803_p0_0-4999.jsonl   events of one UTC day; stamp of the commit (UTC),
 *                                                                     of a joined file: of the first of its commits
 *   year=2025/month=07/day=03/_SUCCESS                                seals the day, see `seal.ts`
 *   _quarantine/day=2025-07-03/batch_20250703_200803_p0_0-4999.jsonl  day of the commit (UTC)
 *   _commits/<topic id>/p0/00000000000000000042.json                  one record per number, one folder per partition
 *   _commits/<topic id>/p0/checkpoints/00000000000000000128.json.gz   the records up to that number, summed up
 *   _commits/<topic id>/p0/manifests/00000000000000000128-<id>.jsonl  the files that they name
 *   _staging/<topic id>/p0/<fence>/...                                written, not yet committed
 *   _staging/seals/<day>.json                                         the seal of a day that is being renewed
 *   _repair/runs/<run>/...                                            what "repair" was about to do, and what it did
 *   _repair/aside/<run>/...                                           what it moved away, each under its former path
 *   _imports/00000000000000000001.json                                files that "import" takes, each line with its offset
 *   _imports/taken/...                                                those of the lake's own folder, under their former paths
 *
 * Spark, Hive, Trino and DuckDB skip names that begin with `_`.
 */
import { parentOf } from '../lake/path.ts'
import type { LakeStorage } from '../lake/storage.ts'

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

export function repairFolder(root: string): string {
  return `${root}/_repair`
}

export function asideFolder(root: string): string {
  return `${repairFolder(root)}/aside`
}

export function partitionCommits(root: string, topicId: string, partition: number): string {
  return `${commitsFolder(root)}/${topicId}/p${partition}`
}

export function partitionStaging(root: string, topicId: string, partition: number): string {
  return `${stagingFolder(root)}/${topicId}/p${partition}`
}

/** @param log the folder of a partition's commit log */
export function checkpointsFolder(log: string): string {
  return `${log}/checkpoints`
}

/** @param log the folder of a partition's commit log */
export function manifestsFolder(log: string): string {
  return `${log}/manifests`
}

/** The name of record `seq`: fixed width, so that byte order is numeric order. */
export function recordName(seq: number): string {
  return `${digits(seq)}.json`
}

/** The name of the checkpoint that sums up the records up to `seq`. */
export function checkpointName(seq: number): string {
  return `${digits(seq)}.json.gz`
}

/** The number in a checkpoint's name, or undefined for any other name. */
export function checkpointSeq(name: string): number | undefined {
  return /^\d{20}\.json\.gz$/.test(name) ? Number(name.slice(0, SEQ_DIGITS)) : undefined
}

/** The name of a manifest that was written for the checkpoint `seq`. `id` is of one attempt. */
export function manifestName(seq: number, id: string): string {
  return `${digits(seq)}-${id}.jsonl`
}

/** The number in a manifest's name, or undefined for any other name. */
export function manifestSeq(name: string): number | undefined {
  return /^\d{20}-[\w-]+\.jsonl$/.test(name) ? Number(name.slice(0, SEQ_DIGITS)) : undefined
}

function digits(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, '0')
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

/** The path of a file that joins those that follow this one, up to the offset before `next`. */
export function joinedName(path: string, next: number): string {
  return path.replace(/-\d+\.jsonl$/, `-${next - 1}.jsonl`)
}

/** The path of a batch's file with a stamp that is a second later. */
export function laterName(path: string): string {
  return path.replace(/batch_(\d{8}_\d{6})_(?=[^/]*$)/, (_, at: string) => `batch_${stamp(unstamp(at) + 1_000)}_`)
}

/** The reverse of `stamp`: epoch milliseconds. */
function unstamp(text: string): number {
  return Date.parse(text.replace(/^(....)(..)(..)_(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** `day` is YYYY-MM-DD. */
export function dayFolder(root: string, day: string): string {
  const [year, month, date] = day.split('-')
  return `${root}/year=${year}/month=${month}/day=${date}`
}

/** The reverse of `dayFolder`; undefined for any other folder. */
function dayOfFolder(folder: string): string | undefined {
  return /\/year=(\d{4})\/month=(\d\d)\/day=(\d\d)$/.exec(folder)?.slice(1).join('-')
}

/** The UTC day, YYYY-MM-DD, that the file of a path is kept under; of the quarantine, that of its commit. */
export function dayOf(path: string): string | undefined {
  const folder = parentOf(path)
  return dayOfFolder(folder) ?? /\/day=(\d{4}-\d\d-\d\d)$/.exec(folder)?.[1]
}

/** The file that seals a day. */
export const SEAL = '_SUCCESS'

/** The folders of days that a lake has, oldest first. `modified`: when something in it was last made, renamed or removed. */
export async function* dayFolders(lake: LakeStorage, root: string): AsyncGenerator<{ day: string; modified: number }> {
  for await (const year of lake.list(root)) {
    if (!baseName(year.path).startsWith('year=')) continue
    for await (const month of lake.list(year.path)) {
      for await (const { path, modified } of lake.list(month.path)) {
        const day = dayOfFolder(path)
        // Anybody may make a folder, such as day=99.
        if (day !== undefined && !Number.isNaN(Date.parse(day))) yield { day, modified }
      }
    }
  }
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

/** What the name of a batch's file says. */
export interface BatchName {
  /** Epoch milliseconds of its stamp. */
  at: number
  partition: number
  first: number
  /** One after the last offset. */
  next: number
  /** Of its events; null for the quarantine. */
  day: string | null
}

/** Reads the path of a batch's file back; undefined for any other path. */
export function readBatchName(root: string, path: string): BatchName | undefined {
  const inQuarantine = path.startsWith(`${quarantineFolder(root)}/`)
  const file = /\/batch_(\d{8}_\d{6})_p(\d{1,9})_(\d{1,15})-(\d{1,15})\.jsonl$/.exec(path)
  const day = dayOfFolder(parentOf(path))
  if (!file || !(day || inQuarantine)) return undefined
  const [at = '', partition, first, last] = file.slice(1)
  return {
    at: unstamp(at),
    partition: Number(partition),
    first: Number(first),
    next: Number(last) + 1,
    day: day ?? null,
  }
}
