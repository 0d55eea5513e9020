/**
 * Reading a partition's commit log from its head back. Every call may throw what the lake throws, and COMMIT_CORRUPT or
 * COMMIT_UNKNOWN_FORMAT for a record that cannot be trusted.
 */
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { checkpointNumbers, lastFolded } from './checkpoint.ts'
import { baseName, partitionCommits, recordName, recordSeq } from './layout.ts'
import { type BatchRecord, type CommitRecord, type CommittedFile, decodeRecord } from './record.ts'

/** The head of a partition's commit log, or undefined where there is none. Reads one record. */
export async function readHead(
  lake: LakeStorage,
  root: string,
  topicId: string,
  partition: number,
): Promise<CommitRecord | undefined> {
  const folder = partitionCommits(root, topicId, partition)
  for (let before = 0; ; ) {
    let last = 0
    for await (const entry of lake.list(folder)) last = Math.max(last, recordSeq(baseName(entry.path)) ?? 0)
    if (last === 0) return undefined
    const path = `${folder}/${recordName(last)}`
    try {
      const head = await readRecord(lake, path)
      // One that was copied here would have offsets passed over or read twice.
      if (head.seq === last && head.topicId === topicId && head.partition === partition) return head
      throw new MusicFakerError('COMMIT_CORRUPT', `commit record ${path} holds another record`, {
        next: 'Run: music-faker verify, then: music-faker repair',
      })
    } catch (error) {
      // Where others have gone on since the listing, it may have been folded and removed.
      if (!hasCode(error, 'COMMIT_CORRUPT') || last === before) throw error
      before = last
    }
  }
}

/** The newest batch of a partition, unless a gap was recorded after it, or no batch for long. */
export async function lastBatch(
  lake: LakeStorage,
  root: string,
  topicId: string,
  partition: number,
): Promise<BatchRecord | undefined> {
  const folder = partitionCommits(root, topicId, partition)
  const head = await readHead(lake, root, topicId, partition)
  // Records are kept from the base of the newest checkpoint on.
  const floor = (await checkpointNumbers(lake, folder)).at(-2) ?? 0
  const last = await lastAbove(floor, lake, folder, head, ({ kind }) => kind === 'batch' || kind === 'gap')
  return last?.kind === 'batch' ? last : undefined
}

/**
 * Whether every offset below `target` is committed and its files are in their place, whoever did it. An owner that died
 * right after a commit leaves them for the next claim to publish.
 */
export async function isArchived(
  lake: LakeStorage,
  root: string,
  topicId: string,
  partition: number,
  target: number,
): Promise<boolean> {
  const head = await readHead(lake, root, topicId, partition)
  if (!head || head.next < target) return false
  const last = await lastReal(lake, partitionCommits(root, topicId, partition), head)
  const files = last?.kind === 'batch' ? last.files : []
  return (await Promise.all(files.map((file) => isPublished(lake, file)))).every(Boolean)
}

/** A file that is still staged may have found its name taken by one of another lineage: what is there is not it. */
async function isPublished(lake: LakeStorage, { path, staged }: CommittedFile): Promise<boolean> {
  const [there, waiting] = await Promise.all([lake.stat(path), lake.stat(staged)])
  return there !== undefined && waiting === undefined
}

/** The last record that is not a claim, counted back from `head`; undefined where that is folded, and so published. */
export async function lastReal(
  lake: LakeStorage,
  folder: string,
  head: CommitRecord | undefined,
): Promise<CommitRecord | undefined> {
  for (;;) {
    const floor = await lastFolded(lake, folder)
    try {
      return await lastAbove(floor, lake, folder, head, ({ kind }) => kind !== 'claim')
    } catch (error) {
      // Folded twice meanwhile, and removed.
      if (!hasCode(error, 'COMMIT_CORRUPT') || (await lastFolded(lake, folder)) === floor) throw error
    }
  }
}

/** The last record that is wanted, of those after number `floor`. */
async function lastAbove(
  floor: number,
  lake: LakeStorage,
  folder: string,
  head: CommitRecord | undefined,
  isWanted: (record: CommitRecord) => boolean,
): Promise<CommitRecord | undefined> {
  let record = head
  while (record && !isWanted(record) && record.seq > floor + 1) {
    record = await readRecord(lake, `${folder}/${recordName(record.seq - 1)}`)
  }
  return record && record.seq > floor && isWanted(record) ? record : undefined
}

/** @throws COMMIT_CORRUPT also where the record is missing: numbers have no holes */
export async function readRecord(lake: LakeStorage, path: string): Promise<CommitRecord> {
  try {
    return decodeRecord(await lake.read(path), path)
  } catch (cause) {
    if (!hasCode(cause, 'LAKE_NOT_FOUND')) throw cause
    throw new MusicFakerError('COMMIT_CORRUPT', `commit record ${path} is missing`, {
      cause,
      next: 'Run: music-faker verify, then: music-faker repair',
    })
  }
}
