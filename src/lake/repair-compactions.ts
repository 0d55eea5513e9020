/**
 * Compactions whose records are lost. What such a record said is proven by what is there: a joined file that no record names
 * and that holds, to the last byte, the files that are gone from beside it, one after the other.
 */

import type { Joining } from '../archive/commits.ts'
import { readIfThere } from '../archive/create.ts'
import { FileChanges } from '../archive/file-changes.ts'
import { joinedOf } from '../archive/join-plan.ts'
import { readBatchName } from '../archive/layout.ts'
import type { ManifestEntry } from '../archive/manifest.ts'
import { parentOf } from './path.ts'
import type { Stray } from './repair-draft.ts'
import { foldedFiles, isManifest, logOf } from './repair-folded.ts'
import { isSound } from './repair-sums.ts'
import type { LakeStorage } from './storage.ts'
import type { Problem } from './verify-report.ts'

/**
 * @param strays files that no record names
 * @returns by the folder of the commit log; without those that cannot be proven
 * @throws COMMIT_CORRUPT when a record that names a missing file is damaged; what the lake throws
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
  const folded = new Map<string, Set<string>>()
  for (const [record, wanted] of byRecord) {
    const log = logOf(record)
    const files = isManifest(record) ? undefined : await filesIn(lake, record, wanted)
    if (files) missing.set(log, [...(missing.get(log) ?? []), ...files])
    else folded.set(log, new Set([...(folded.get(log) ?? []), ...wanted]))
  }
  for (const [log, wanted] of folded) {
    const { files } = await foldedFiles(lake, log, wanted)
    missing.set(log, [...(missing.get(log) ?? []), ...files])
  }
  return missing
}

/** Undefined when the record is not there, as where it was folded meanwhile. */
async function filesIn(
  lake: LakeStorage,
  path: string,
  wanted: ReadonlySet<string>,
): Promise<ManifestEntry[] | undefined> {
  const record = await readIfThere(lake, path)
  if (!record) return undefined
  const changes = new FileChanges()
  changes.add(record)
  return changes.lines().flatMap((line) => ('gone' in line || !wanted.has(line.path) ? [] : line))
}
