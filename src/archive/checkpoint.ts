/**
 * A checkpoint sums up a partition's records from 1 to its number, so that nobody has to read them again: a gzipped
 * line of JSON, `checkpoints/<seq>.json.gz` in the folder of the commit log, format 3, and after the line the columns of
 * `totals.cells` (`../stats/cells-state.ts`) as they are: as JSON they would take most of the time that opening a lake takes.
 * It is created as records are: under its
 * number, once, by a rename that never overwrites.
 *
 * All files of the records it sums up were published before it was created. `base` is the checkpoint it was made from, and
 * that one's number is the *floor*: records up to it are removed, and their numbers mean nothing any more, whatever comes
 * to be found under them. See docs/ARCHITECTURE.md.
 */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { type EncodedTotals, totalsStateSchema } from '../stats/totals-state.ts'
import { baseName, checkpointName, checkpointSeq, checkpointsFolder } from './layout.ts'
import { manifestSchema } from './manifest.ts'
import { RECORD_KINDS } from './record.ts'

/**
 * Of the formats that are still read, 1 is from before files were joined: nothing is crossed out in its manifests. 1 and 2
 * have no bytes after the line.
 */
export const CHECKPOINT_FORMAT = 3
const KNOWN_FORMATS = [1, 2, CHECKPOINT_FORMAT] as const

/** Beyond what totals can grow to, so that a damaged file cannot fill the memory. */
const LARGEST = 268_435_456

const LF = 0x0a
/** Given between threads at a time: by Node's own 16 KiB a checkpoint would be some hundred pieces. */
const CHUNK_BYTES = 1_048_576
const [zip, unzip] = [promisify(gzip), promisify(gunzip)]

const count = z.number().int().nonnegative()

const commitLineSchema = z.strictObject({
  seq: count,
  topicId: z.string(),
  partition: count,
  kind: z.enum(RECORD_KINDS),
  first: count,
  next: count,
  events: count,
  quarantined: count,
  files: count,
  bytes: count,
  committedAt: z.iso.datetime(),
})
const quarantineFileSchema = z.strictObject({
  path: z.string(),
  messages: count,
  bytes: count,
  topicId: z.string(),
  partition: count,
  committedAt: z.iso.datetime(),
})

const checkpointSchema = z.strictObject({
  format: z.literal(KNOWN_FORMATS),
  topic: z.string(),
  topicId: z.string(),
  partition: count,
  /** The number of the last record that is summed up. */
  seq: z.number().int().positive(),
  /** The number of the checkpoint that this one was made from; 0 for none. */
  base: count,
  /** The first offset that the records do not cover. */
  next: count,
  /** Of the last record, as is what follows. */
  fence: z.number().int().positive(),
  owner: z.string(),
  committedAt: z.iso.datetime(),
  totals: totalsStateSchema,
  /** The files, in the order of their records. */
  manifests: z.array(manifestSchema),
  /** The newest commits, quarantine files and files of events, newest first. */
  recent: z.strictObject({
    commits: z.array(commitLineSchema),
    quarantine: z.array(quarantineFileSchema),
    files: z.array(z.strictObject({ path: z.string(), events: count, bytes: count, committedAt: z.number().int() })),
  }),
})
/** What is on disk, the columns in their place. */
export type EncodedCheckpoint = Omit<z.input<typeof checkpointSchema>, 'totals'> & { totals: EncodedTotals }
export type Checkpoint = z.output<typeof checkpointSchema>

/** Compresses beside the thread: a checkpoint may have millions of bytes. */
export async function encodeCheckpoint(checkpoint: EncodedCheckpoint): Promise<Buffer> {
  const { totals } = checkpoint
  const { columns, ...cells } = totals.cells
  const line = `${JSON.stringify({ ...checkpoint, totals: { ...totals, cells } })}\n`
  return zip(Buffer.concat([Buffer.from(line), columns]), { level: 1, chunkSize: CHUNK_BYTES })
}

/**
 * Reads a checkpoint.
 * @param path names it in errors
 * @throws COMMIT_UNKNOWN_FORMAT for another version, COMMIT_CORRUPT for anything else that is not a checkpoint
 */
export async function decodeCheckpoint(bytes: Uint8Array, path: string): Promise<Checkpoint> {
  let json: { format?: unknown; totals?: { cells?: object } } | null
  let columns: Uint8Array
  try {
    const content = await unzip(bytes, { maxOutputLength: LARGEST, chunkSize: CHUNK_BYTES })
    const end = content.indexOf(LF) + 1
    json = JSON.parse(content.toString('utf8', 0, end))
    columns = content.subarray(end)
  } catch (cause) {
    throw damaged(path, 'not gzipped JSON', cause)
  }
  const { format, totals } = json ?? {}
  if (typeof format === 'number' && !KNOWN_FORMATS.some((known) => known === format)) {
    throw new MusicFakerError(
      'COMMIT_UNKNOWN_FORMAT',
      `checkpoint ${path} has format ${format}, which this version does not know`,
      { next: 'Use the version of music-faker that wrote this lake, or a newer one.' },
    )
  }
  if (format === CHECKPOINT_FORMAT && totals?.cells) Object.assign(totals.cells, { columns })
  const result = checkpointSchema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw damaged(path, `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
}

function damaged(path: string, detail: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', `checkpoint ${path} is damaged: ${detail}`, {
    next: 'Run: music-faker verify',
    ...(cause !== undefined && { cause }),
  })
}

function checkpointPath(log: string, seq: number): string {
  return `${checkpointsFolder(log)}/${checkpointName(seq)}`
}

/** @throws LAKE_NOT_FOUND, COMMIT_CORRUPT, COMMIT_UNKNOWN_FORMAT, and what the lake throws */
export async function readCheckpoint(lake: LakeStorage, log: string, seq: number): Promise<Checkpoint> {
  const path = checkpointPath(log, seq)
  const checkpoint = await decodeCheckpoint(await lake.read(path), path)
  if (checkpoint.seq === seq && log.endsWith(`/${checkpoint.topicId}/p${checkpoint.partition}`)) return checkpoint
  throw damaged(path, `it is number ${checkpoint.seq} of ${checkpoint.topicId} p${checkpoint.partition}`)
}

/** The numbers of the checkpoints of a commit log, ascending: a few. @param log the folder of the partition's commit log */
export async function checkpointNumbers(lake: LakeStorage, log: string): Promise<number[]> {
  const numbers: number[] = []
  for await (const { path } of lake.list(checkpointsFolder(log))) {
    const seq = checkpointSeq(baseName(path))
    if (seq !== undefined) numbers.push(seq)
  }
  return numbers
}

/** The number of the newest checkpoint, 0 where there is none. */
export async function lastFolded(lake: LakeStorage, log: string): Promise<number> {
  return (await checkpointNumbers(lake, log)).at(-1) ?? 0
}

/**
 * The newest checkpoint, or undefined where there is none. A damaged one is passed over: the records since the one before
 * it are still there.
 * @param onDamaged told of each that is
 * @throws COMMIT_UNKNOWN_FORMAT, and what the lake throws
 */
export async function newestCheckpoint(
  lake: LakeStorage,
  log: string,
  onDamaged: (path: string, error: MusicFakerError) => void = () => undefined,
): Promise<Checkpoint | undefined> {
  const numbers = await checkpointNumbers(lake, log)
  for (const seq of numbers.toReversed()) {
    try {
      return await readCheckpoint(lake, log, seq)
    } catch (error) {
      if (hasCode(error, 'COMMIT_CORRUPT')) onDamaged(checkpointPath(log, seq), error)
      // Removed since the listing: there are newer ones now.
      else if (hasCode(error, 'LAKE_NOT_FOUND')) return newestCheckpoint(lake, log, onDamaged)
      else throw error
    }
  }
  return undefined
}
