import { crc32 } from 'node:zlib'
import { crcText } from '../archive/crc32.ts'
import { baseName, laterName, quarantineFolder, SEAL } from '../archive/layout.ts'
import type { CompactionRecord } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { parentOf } from './path.ts'
import type { LakeEntry, LakeStorage } from './storage.ts'
import type { Named } from './verify-records.ts'
import type { Findings } from './verify-report.ts'

const LF = 0x0a

type Expected = Pick<Named['file'], 'bytes' | 'events' | 'crc32'> & Pick<Named, 'record'>

/**
 * The files that records name, folder by folder. Holds about 200 bytes each, so it takes only so many: beyond that, it
 * lets whole folders go, from the end of their alphabetical order, and `end` says from which on. The rest needs another
 * round.
 */
export class ExpectedFiles {
  readonly #from: string
  readonly #limit: number
  readonly #folders = new Map<string, Map<string, Expected>>()
  #size = 0
  /** Folders from this one on are not held; undefined when all are. */
  end: string | undefined

  /** @param from folders before this one are left out */
  constructor(from: string, limit: number) {
    this.#from = from
    this.#limit = limit
  }

  /** Whether the files of this folder are held. */
  covers(folder: string): boolean {
    return folder >= this.#from && (this.end === undefined || folder < this.end)
  }

  /** False when another record has named the same file. */
  add({ file, record }: Named): boolean {
    const folder = parentOf(file.path)
    if (!this.covers(folder)) return true
    const files = this.#folders.get(folder) ?? new Map<string, Expected>()
    this.#folders.set(folder, files)
    const name = baseName(file.path)
    if (files.has(name)) return false
    const { bytes, events, crc32 } = file
    files.set(name, { bytes, events, crc32, record })
    this.#size++
    while (this.#size > this.#limit && this.#folders.size > 1) this.#letLastFolderGo()
    return true
  }

  /** Takes a file out: what is left in the end was not found. */
  take(path: string): Expected | undefined {
    const files = this.#folders.get(parentOf(path))
    const expected = files?.get(baseName(path))
    files?.delete(baseName(path))
    return expected
  }

  /** A file that was joined into another is not expected any more. False when it was not, though it should have been. */
  replace(path: string): boolean {
    if (!this.covers(parentOf(path))) return true
    if (!this.take(path)) return false
    this.#size--
    return true
  }

  *rest(): Generator<{ path: string; bytes: number; record: string }> {
    for (const [folder, files] of this.#folders) {
      for (const [name, { bytes, record }] of files) yield { path: `${folder}/${name}`, bytes, record }
    }
  }

  #letLastFolderGo(): void {
    let last = ''
    for (const folder of this.#folders.keys()) if (folder > last) last = folder
    this.#size -= this.#folders.get(last)?.size ?? 0
    this.#folders.delete(last)
    this.end = last
  }
}

/**
 * Every file where events or quarantined messages belong: all but what is below other names beginning with `_` or `.`,
 * which readers of the lake skip.
 *
 * @param wanted of a folder of one day: whether to list it
 */
export async function* filesOfLake(
  lake: LakeStorage,
  root: string,
  wanted: (folder: string) => boolean,
): AsyncGenerator<LakeEntry> {
  for await (const entry of lake.list(root)) {
    if (/^[_.]/.test(baseName(entry.path)) && entry.path !== quarantineFolder(root)) continue
    if (entry.kind === 'file') yield entry
    else yield* filesBelow(lake, entry.path, wanted)
  }
}

export async function* filesBelow(
  lake: LakeStorage,
  folder: string,
  wanted: (folder: string) => boolean,
): AsyncGenerator<LakeEntry> {
  for await (const entry of lake.list(folder)) {
    if (entry.kind === 'file') {
      // A seal holds no events, and readers skip it.
      if (baseName(entry.path) !== SEAL) yield entry
    } else if (!baseName(entry.path).startsWith('day=') || wanted(entry.path))
      yield* filesBelow(lake, entry.path, wanted)
  }
}

/** Where a committed file is now. Both looks may miss one that is being renamed between them, so the third decides. */
export async function locate(
  lake: LakeStorage,
  { path, staged }: Pick<Named['file'], 'path' | 'staged'>,
): Promise<LakeEntry | undefined> {
  const inStaging = async () => (staged === undefined ? undefined : lake.stat(staged))
  return (await lake.stat(path)) ?? (await inStaging()) ?? (await lake.stat(path))
}

/**
 * How far the last record's compaction has come. Under way: whoever owns the partition can finish it, or give it up. Broken:
 * neither the joined file is there nor all that it is to be made from.
 */
export async function joinState(
  lake: LakeStorage,
  { joined, files }: CompactionRecord,
): Promise<'done' | 'under way' | 'broken'> {
  const bytesOf = async (path: string) => (await lake.stat(path))?.bytes
  const first = files[0]?.path ?? ''
  const there = await bytesOf(joined.path)
  if (there === joined.bytes) return 'done'
  const moved = await bytesOf(laterName(first))
  if (moved === joined.bytes) return 'under way'
  if (joined.staged !== undefined) return (await bytesOf(joined.staged)) === undefined ? 'broken' : 'under way'
  // The first may have the joined file's name by now, or its third one.
  const named = [there, await bytesOf(first), moved]
  for (const { path } of files.slice(1)) if ((await bytesOf(path)) === undefined) return 'broken'
  return named.includes(files[0]?.bytes) ? 'under way' : 'broken'
}

/**
 * Reads a file whole and compares checksum and number of lines. A file that is missing or of another length is left to
 * the listing to report. Gives the bytes read.
 */
export async function checkContent(
  lake: LakeStorage,
  at: string,
  file: Expected,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<number> {
  let [crc, lines, bytes, last] = [0, 0, 0, LF]
  try {
    for await (const chunk of lake.stream(at)) {
      signal?.throwIfAborted()
      crc = crc32(chunk, crc)
      bytes += chunk.byteLength
      for (let i = chunk.indexOf(LF); i >= 0; i = chunk.indexOf(LF, i + 1)) lines++
      last = chunk.at(-1) ?? last
    }
  } catch (error) {
    if (hasCode(error, 'LAKE_NOT_FOUND')) return 0
    throw error
  }
  if (bytes !== file.bytes) return bytes
  const found = crcText(crc)
  if (found !== file.crc32) {
    findings.add('file_checksum', at, `CRC-32 ${found}, ${file.record} says ${file.crc32}`, file.record)
  } else if (lines !== file.events || last !== LF) {
    const end = last === LF ? '' : ' and an unfinished one'
    findings.add('file_lines', at, `${lines} lines${end}, ${file.record} says ${file.events}`, file.record)
  }
  return bytes
}
