/**
 * The files that a partition's folded records name, in *manifests*: `manifests/<seq>-<id>.jsonl`, written once, one JSON
 * object per line in the order of their paths:
 *
 *   {"path":"/t/year=2025/month=07/day=03/batch_..._p0_0-4999.jsonl","day":"2025-07-03","seq":2,"first":0,"next":5000,"readAt":"2025-07-03T20:08:02.713Z","events":5000,"bytes":1140000,"crc32":"1c2d3e4f"}
 *
 * `seq` is the record that named the file, `[first, next)` and `readAt` are its batch's. `day` is null for a quarantine file,
 * whose `events` are messages. A file that was joined from others has `parts` instead of `readAt`: the batches of its lines.
 *
 * A file that is in an older manifest and was joined into another since is crossed out: {"path":"...","gone":310} names the
 * record that did it. No path is ever used twice, so a path that is crossed out anywhere is not in the lake.
 *
 * Each checkpoint adds a manifest of its own and refers to those before it. Eight of one level are merged into one of the
 * next, so that a checkpoint refers to a few dozen however many files there are, and each line is copied once a level.
 */
import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { MusicFakerError } from '../errors.ts'
import { compareNames } from '../lake/path.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { crcText } from './crc32.ts'
import { manifestName, manifestsFolder } from './layout.ts'
import { partSchema } from './record.ts'

/** Manifests of one level that are merged into one of the next. */
const MERGED = 8
const CHUNK_BYTES = 65_536
const LF = 0x0a

const count = z.number().int().nonnegative()
const checksum = z.string().regex(/^[0-9a-f]{8}$/)

const entrySchema = z.strictObject({
  path: z.string(),
  /** UTC day of its events, YYYY-MM-DD; null for a quarantine file. */
  day: z.string().nullable(),
  /** The record that named it. */
  seq: count,
  /** Its batch holds the offsets `[first, next)`. */
  first: count,
  next: count,
  /** Of its batch, see the record's format. */
  readAt: z.iso.datetime().optional(),
  parts: z.array(partSchema).optional(),
  events: count,
  bytes: count,
  crc32: checksum,
})
export type ManifestEntry = z.infer<typeof entrySchema>

const goneSchema = z.strictObject({ path: z.string(), gone: count })
type Gone = z.infer<typeof goneSchema>
export type ManifestLine = ManifestEntry | Gone

export const manifestSchema = z.strictObject({
  name: z.string(),
  /** 0 for the files of one checkpoint's records, n + 1 for a merge of level n. */
  level: count,
  /** The records whose files these are: `from` to `to`, inclusive. */
  from: z.number().int().positive(),
  to: z.number().int().positive(),
  entries: count,
  bytes: count,
  /** CRC-32 of the manifest. */
  crc32: checksum,
})
/** What a checkpoint says of a manifest. */
export type Manifest = z.infer<typeof manifestSchema>

/** Where manifests are: the folder of a partition's commit log. */
export interface ManifestPlace {
  lake: LakeStorage
  log: string
}

/**
 * Writes a manifest under a name that nobody else uses. When it rejects, something may be left under it.
 * @param lines in the order of their paths
 */
export async function writeManifest(
  { lake, log }: ManifestPlace,
  about: Pick<Manifest, 'level' | 'from' | 'to'>,
  lines: AsyncIterable<ManifestLine> | Iterable<ManifestLine>,
): Promise<Manifest> {
  const manifest: Manifest = { ...about, name: manifestName(about.to, randomUUID()), entries: 0, bytes: 0, crc32: '' }
  let crc = 0
  const body = async function* () {
    let text = ''
    const chunk = () => {
      const bytes = Buffer.from(text)
      text = ''
      crc = crc32(bytes, crc)
      return bytes
    }
    for await (const line of lines) {
      manifest.entries++
      text += `${JSON.stringify(line)}\n`
      if (text.length >= CHUNK_BYTES) yield chunk()
    }
    if (text !== '') yield chunk()
  }
  manifest.bytes = await lake.write(`${manifestsFolder(log)}/${manifest.name}`, body())
  manifest.crc32 = crcText(crc)
  return manifest
}

/**
 * The lines of a manifest, streamed.
 * @throws LAKE_NOT_FOUND when it is gone, as it may be once no recent checkpoint refers to it; COMMIT_CORRUPT when it is
 *   not what was written, after what could be read of it
 */
export async function* readManifest({ lake, log }: ManifestPlace, manifest: Manifest): AsyncGenerator<ManifestLine> {
  const path = `${manifestsFolder(log)}/${manifest.name}`
  let [crc, bytes] = [0, 0]
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of lake.stream(path)) {
    crc = crc32(chunk, crc)
    bytes += chunk.byteLength
    const whole: Buffer = Buffer.concat([rest, chunk])
    const end = whole.lastIndexOf(LF)
    rest = whole.subarray(end + 1)
    if (end < 0) continue
    for (const line of whole.toString('utf8', 0, end).split('\n')) yield parseLine(line, path)
  }
  if (bytes !== manifest.bytes || crc !== Number.parseInt(manifest.crc32, 16)) {
    throw damaged(path, 'its length or checksum is another')
  }
}

function parseLine(line: string, path: string): ManifestLine {
  try {
    const json = JSON.parse(line)
    return 'gone' in json ? goneSchema.parse(json) : entrySchema.parse(json)
  } catch (cause) {
    throw damaged(path, `it has a line ${JSON.stringify(line.slice(0, 100))}`, cause)
  }
}

function damaged(path: string, detail: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `manifest ${path} is damaged: ${detail}`, {
    next: 'Run: music-faker verify',
    ...(cause !== undefined && { cause }),
  })
}

/** The manifests with the last ones merged where there are enough of one level; the rest as they are. */
export async function mergeManifests(place: ManifestPlace, manifests: readonly Manifest[]): Promise<Manifest[]> {
  const last = manifests.slice(-MERGED)
  const [first] = last
  if (last.length < MERGED || !first || last.some(({ level }) => level !== first.level)) return [...manifests]
  const about = { level: first.level + 1, from: first.from, to: last.at(-1)?.to ?? first.to }
  // What is crossed out may be named before these.
  const keep = manifests.length > last.length
  const lines = settled(inOrder(last.map((manifest) => readManifest(place, manifest))), keep)
  const merged = await writeManifest(place, about, lines)
  return mergeManifests(place, [...manifests.slice(0, -MERGED), merged])
}

/**
 * The files that a checkpoint's manifests name and that are in the lake still, in the order of their paths. All manifests
 * are read at once, since a newer one may cross out what an older one names.
 * @param read gives the lines of a manifest, each with whatever else is wanted of it
 */
export async function* liveFiles<T extends ManifestLine>(
  manifests: readonly Manifest[],
  read: (manifest: Manifest) => AsyncGenerator<T>,
): AsyncGenerator<T & ManifestEntry> {
  for await (const line of settled(inOrder(manifests.map(read)), false))
    if (!('gone' in line)) yield line as T & ManifestEntry
}

/** Leaves out each file that is crossed out, and what crosses it out; where it is not named here, that is kept if need be. */
async function* settled<T extends ManifestLine>(lines: AsyncIterable<T>, keep: boolean): AsyncGenerator<T> {
  let path: string | undefined
  let same: T[] = []
  const left = () => {
    const gone = same.find((line) => 'gone' in line)
    if (!gone) return same
    return keep && same.every((line) => 'gone' in line) ? [gone] : []
  }
  for await (const line of lines) {
    if (line.path !== path) {
      yield* left()
      same = []
    }
    path = line.path
    same.push(line)
  }
  yield* left()
}

/** Merges sources that are in the order of their paths. */
async function* inOrder<T extends ManifestLine>(sources: AsyncGenerator<T>[]): AsyncGenerator<T> {
  try {
    const heads = await Promise.all(sources.map((source) => source.next()))
    for (;;) {
      let least = -1
      for (const [i, { done, value }] of heads.entries()) {
        if (!done && (least < 0 || comparePaths(value as T, heads[least]?.value as T) < 0)) least = i
      }
      if (least < 0) return
      yield heads[least]?.value as T
      heads[least] = await (sources[least] as AsyncGenerator<T>).next()
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)))
  }
}

/** The order of the lines of a manifest. */
export function comparePaths(a: Pick<ManifestEntry, 'path'>, b: Pick<ManifestEntry, 'path'>): number {
  return compareNames(a.path, b.path)
}
