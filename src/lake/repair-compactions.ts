/**
 * Compactions whose records are lost. What such a record said is proven by what is there: a joined file that no record names
 * and that holds, to the last byte, the files that are gone from beside it, one after the other.
 */

import type { Joining } from '../archive/commits.ts'
import { FileChanges } from '../archive/file-changes.ts'
import { joinedOf } from '../archive/join-plan.ts'
import { baseName, readBatchName, recordSeq } from '../archive/layout.ts'
import type { ManifestEntry } from '../archive/manifest.ts'
import { decodeRecord } from '../archive/record.ts'
import { parentOf } from './path.ts'
import type { Stray } from './repair-draft.ts'
import { foldedFiles } from './repair-folded.ts'
import { isSound } from './repair-sums.ts'
import type { LakeStorage } from './storage.ts'
import type { Problem } from './verify-report.ts'

/**
 * @param strays files that no record names
 * @returns by the folder of the commit log; without those that cannot be proven
 * @throws COMMIT_CORRUPT when a record or manifest that names a missing file is damaged; what the lake throws
 */
export async function lostCompactions(
  lake: LakeStorage,
  problems: readonly Problem[],
  strays: readonly Stray[],
): Promise<Map<string, Joining[]>> {
  const missing = await missingFiles(lake, problems)
  const lost = new Map<string, Joining[]>()
  for (const [log, files] of missing) {
    const found: Joining[] = []
    for (const { path, first, next } of strays) {
      const within = files.filter(
        (file) => parentOf(file.path) === parentOf(path) && file.first >= first && file.next <= next,
      )
      if (within.length < 2) continue
      const joining = joinedOf(within.sort((a, b) => a.first - b.first))
      if (joining.joined.path === path && (await isSound(lake, path, joining.joined))) found.push(joining)
    }
    if (found.length > 0) lost.set(log, found)
  }
  return lost
}

/** Whether a file may have been joined to this one, by its name. */
export function mayHold(root: string, stray: Stray, path: string): boolean {
  const file = readBatchName(root, path)
  const isBeside = parentOf(stray.path) === parentOf(path) && stray.partition === file?.partition
  return file !== undefined && isBeside && stray.first <= file.first && stray.next >= file.next
}

/** By the folder of the commit log that names them. */
async function missingFiles(lake: LakeStorage, problems: readonly Problem[]): Promise<Map<string, ManifestEntry[]>> {
  const byRecord = new Map<string, Set<string>>()
  for (const { kind, path, record } of problems) {
    if (kind !== 'file_missing' || record === undefined) continue
    byRecord.set(record, (byRecord.get(record) ?? new Set()).add(path))
  }
  const missing = new Map<string, ManifestEntry[]>()
  for (const [record, wanted] of byRecord) {
    const isFolded = recordSeq(baseName(record)) === undefined
    const log = isFolded ? parentOf(parentOf(record)) : parentOf(record)
    const files = isFolded ? (await foldedFiles(lake, record, wanted)).files : await filesIn(lake, record, wanted)
    missing.set(log, [...(missing.get(log) ?? []), ...files])
  }
  return missing
}

async function filesIn(lake: LakeStorage, record: string, wanted: ReadonlySet<string>): Promise<ManifestEntry[]> {
  const changes = new FileChanges()
  changes.add(decodeRecord(await lake.read(record), record))
  return changes.lines().flatMap((line) => ('gone' in line || !wanted.has(line.path) ? [] : line))
}
