import type { ManifestEntry, ManifestLine } from './manifest.ts'
import { comparePaths } from './manifest.ts'
import { type CommitRecord, type CommittedFile, fileChange, type JoinedFile } from './record.ts'

/**
 * What records change in the set of a partition's files, in the form of a manifest: the files that came and stayed, and those
 * from before that are gone. A compaction counts once a record has come that is neither a claim nor its `void`.
 */
export class FileChanges {
  readonly #lines = new Map<string, ManifestLine>()
  /** The last record that changes files, while it is not known whether it was given up. */
  #open: CommitRecord | undefined

  /** To be called for each record in turn. */
  add(record: CommitRecord): void {
    if (record.kind === 'claim' || record.kind === 'stop') return
    if (record.kind !== 'void') this.#settle()
    this.#open = record
  }

  /** Whether what comes next cannot give up anything of this. */
  get settled(): boolean {
    return this.#open?.kind !== 'compaction'
  }

  /** In the order of their paths. Every record so far has been published, and stays. */
  lines(): ManifestLine[] {
    this.#settle()
    return [...this.#lines.values()].sort(comparePaths)
  }

  #settle(): void {
    const record = this.#open
    this.#open = undefined
    const change = record && fileChange(record)
    if (!change) return
    for (const path of change.gone) {
      const line = this.#lines.get(path)
      // Named by these records: then nobody needs to know that it was there.
      if (line && !('gone' in line)) this.#lines.delete(path)
      else if (!line) this.#lines.set(path, { path, gone: record.seq })
    }
    for (const file of change.come) this.#lines.set(file.path, entryOf(file, record))
  }
}

function entryOf(file: CommittedFile | JoinedFile, record: CommitRecord): ManifestEntry {
  const { path, day, events, bytes, crc32 } = file
  const size = { events, bytes, crc32 }
  if ('parts' in file) {
    const [first, next] = [file.parts[0]?.[0] ?? 0, file.parts.at(-1)?.[1] ?? 0]
    return { path, day, seq: record.seq, first, next, parts: file.parts, ...size }
  }
  const { seq, first, next } = record
  const readAt = record.kind === 'batch' ? record.readAt : undefined
  return { path, day, seq, first, next, ...(readAt !== undefined && { readAt }), ...size }
}
