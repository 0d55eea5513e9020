/** Which files to join: pure decisions, no I/O. */
import { combineCrc32, crcText } from './crc32.ts'
import { joinedName } from './layout.ts'
import type { ManifestEntry } from './manifest.ts'
import type { JoinedFile, Part, ReplacedFile } from './record.ts'

/** What one joined file may have. */
export interface JoinLimits {
  bytes: number
  /** Batches that it holds events of: what a record and, on HDFS, a file's list of blocks has to bear. */
  parts: number
  /** Files that are put together at a time: for so long a commit may have to wait. */
  files: number
  /** Characters of their paths: HDFS takes them in one line of a request, which may have 64 KiB. */
  characters: number
}

export const JOIN_LIMITS: JoinLimits = { bytes: 134_217_728, parts: 4_096, files: 256, characters: 32_768 }

/**
 * Runs of neighbours to be joined, of the files of one folder and partition.
 *
 * No file is more than two thirds of what it is joined into. So each time a byte is copied, it comes into a file at least half
 * as large again: that is at most 29 times from a file of one kilobyte to one of 128 MB, and where files are of one size, as
 * they mostly are, twice or three times. What is left alone are files that are nearly full, and between two of them at most
 * some dozen, each smaller than half of the one before.
 *
 * @param files in the order of their offsets
 */
export function planJoins(files: readonly ManifestEntry[], limits: JoinLimits = JOIN_LIMITS): ManifestEntry[][] {
  const runs: ManifestEntry[][] = []
  let run: ManifestEntry[] = []
  let size = { bytes: 0, parts: 0, files: 0, characters: 0 }
  for (const file of files) {
    const own = {
      bytes: file.bytes,
      parts: partsOf(file).length,
      files: 1,
      characters: encodeURIComponent(file.path).length,
    }
    const sum = add(size, own)
    const last = run.at(-1)
    // Earlier versions joined files on both sides of one: its offsets lie within theirs, so that they stay apart.
    const within = last !== undefined && file.first < last.next
    if (within || NAMES.some((name) => sum[name] > limits[name])) {
      runs.push(...worthwhile(run))
      run = []
      size = own
    } else size = sum
    run.push(file)
  }
  return [...runs, ...worthwhile(run)]
}

const NAMES = ['bytes', 'parts', 'files', 'characters'] as const

function add(a: JoinLimits, b: JoinLimits): JoinLimits {
  return {
    bytes: a.bytes + b.bytes,
    parts: a.parts + b.parts,
    files: a.files + b.files,
    characters: a.characters + b.characters,
  }
}

/** The run, if its largest file is no more than two thirds of it; else what is worthwhile on either side of that one. */
function worthwhile(run: ManifestEntry[]): ManifestEntry[][] {
  if (run.length < 2) return []
  let [sum, largest] = [0, 0]
  for (const [i, { bytes }] of run.entries()) {
    sum += bytes
    if (bytes > run[largest]!.bytes) largest = i
  }
  if (run[largest]!.bytes * 3 <= sum * 2) return [run]
  return [...worthwhile(run.slice(0, largest)), ...worthwhile(run.slice(largest + 1))]
}

/** Each run that would be joined until nothing is worth it any more: joined files are joined with each other. */
export function joinedInTheEnd(files: readonly ManifestEntry[], limits: JoinLimits = JOIN_LIMITS): ManifestEntry[][] {
  const left = [...files]
  const all: ManifestEntry[][] = []
  for (let runs = planJoins(left, limits); runs.length > 0; runs = planJoins(left, limits)) {
    for (const run of runs) left.splice(left.indexOf(run[0]!), run.length, entryOf(joinedOf(run).joined))
    all.push(...runs)
  }
  return all
}

/** A joined file as manifests have it, but for the number of its record. */
export function entryOf({ staged: _, ...joined }: JoinedFile): ManifestEntry {
  return { ...joined, first: joined.parts[0]![0], next: joined.parts.at(-1)![1], seq: 0 }
}

/** The batches of a file's lines. */
export function partsOf({
  parts,
  first,
  next,
  readAt,
}: Pick<ManifestEntry, 'parts' | 'first' | 'next' | 'readAt'>): Part[] {
  return parts ?? [[first, next, readAt === undefined ? null : Date.parse(readAt)]]
}

/** What a run of files becomes. */
export function joinedOf(run: readonly ManifestEntry[]): { joined: Omit<JoinedFile, 'staged'>; files: ReplacedFile[] } {
  const first = run[0]!
  const parts = run.flatMap(partsOf)
  let [crc, bytes, events] = [0, 0, 0]
  for (const file of run) {
    crc = combineCrc32(crc, Number.parseInt(file.crc32, 16), file.bytes)
    bytes += file.bytes
    events += file.events
  }
  const path = joinedName(first.path, parts.at(-1)![1])
  const joined = { path, day: first.day, events, bytes, crc32: crcText(crc), parts }
  const files = run.map((file) => {
    const { path, events, bytes, crc32 } = file
    return { path, events, bytes, crc32, parts: partsOf(file).length }
  })
  return { joined, files }
}
