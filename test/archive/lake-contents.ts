/** Reading back what an archiver left in a lake. */
import { baseName, partitionCommits, recordSeq, SEAL } from '../../src/archive/layout.ts'
import { type CommitRecord, decodeRecord } from '../../src/archive/record.ts'
import type { LakeEntry, LakeStorage } from '../../src/lake/storage.ts'

/** Every file below a folder but the seals of days, which readers skip. */
export async function* filesBelow(lake: LakeStorage, folder: string): AsyncGenerator<LakeEntry> {
  for await (const entry of lake.list(folder)) {
    if (entry.kind === 'directory') yield* filesBelow(lake, entry.path)
    else if (baseName(entry.path) !== SEAL) yield entry
  }
}

/** The lines of every published data file, by its path. */
export async function dataFiles(lake: LakeStorage, root: string): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>()
  for await (const folder of lake.list(root)) {
    if (folder.path.startsWith(`${root}/_`)) continue
    for await (const file of filesBelow(lake, folder.path)) files.set(file.path, await linesOf(lake, file.path))
  }
  return files
}

export interface QuarantineLine {
  partition: number
  offset: number
  reason: string
  detail: string
  bytes: string | null
}

export async function quarantined(lake: LakeStorage, root: string): Promise<QuarantineLine[]> {
  const lines: QuarantineLine[] = []
  for await (const file of filesBelow(lake, `${root}/_quarantine`)) {
    for (const line of await linesOf(lake, file.path)) lines.push(JSON.parse(line))
  }
  return lines
}

export async function records(
  lake: LakeStorage,
  root: string,
  topicId: string,
  partition: number,
): Promise<CommitRecord[]> {
  const found: CommitRecord[] = []
  for await (const { path } of lake.list(partitionCommits(root, topicId, partition))) {
    if (recordSeq(baseName(path)) === undefined) continue
    found.push(decodeRecord(await lake.read(path), path))
  }
  return found
}

async function linesOf(lake: LakeStorage, path: string): Promise<string[]> {
  const text = Buffer.from(await lake.read(path)).toString()
  if (!text.endsWith('\n')) throw new Error(`${path} does not end with a line break`)
  return text.slice(0, -1).split('\n')
}
