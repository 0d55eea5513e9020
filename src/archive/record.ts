/**
 * The commit log's on-disk format, version 2: one JSON object per file, `_commits/<topic id>/p<n>/<seq>.json`. Its last
 * key is `crc32`, of all bytes before that key, so that one flipped bit does not pass for another offset. Version 1, which
 * is still read, has neither that nor `readAt`.
 *
 * Numbers run from 1 without a hole and are never used twice. Together the records of a partition tile its offsets:
 * each begins (`first`) where the one before ended (`next`). Seven kinds, of which the last four, like claims, cover nothing:
 *
 *   claim       an owner takes the partition over; covers nothing (`first` = `next`); its number is the owner's fence
 *   batch       `files` hold the events and the quarantined messages of `[first, next)`; `summary` counts them
 *   gap         `[first, next)` was lost to the log's retention and explicitly accepted
 *   compaction  `joined` takes the place of `files`, whose lines it holds
 *   stop        the compaction before it is to be given up; see `join.ts`
 *   void        it was given up: `joined`, a single one of its files or all of them, takes the place of `files`
 *   retention   `files` were removed because they were old enough
 *
 * events + quarantined + skipped = next - first, in every batch. A record of another version or kind is refused, never
 * skipped: it may change what the others mean.
 */
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { MusicFakerError } from '../errors.ts'
import { QUARANTINE_REASONS } from '../event.ts'
import { type Summary, summarySchema } from '../stats/summary.ts'
import { crcText } from './crc32.ts'

export const RECORD_FORMAT = 2
const KNOWN_FORMATS = [1, RECORD_FORMAT] as const
export const RECORD_KINDS = ['claim', 'batch', 'gap', 'compaction', 'stop', 'void', 'retention'] as const
const CHECKSUM = /,"crc32":"([0-9a-f]{8})"\}\n$/
const CHECKSUM_BYTES = ',"crc32":"01234567"}\n'.length

const count = z.number().int().nonnegative()

const fileSchema = z.strictObject({
  /** Where it was written before the commit. */
  staged: z.string(),
  /** Where it is published. */
  path: z.string(),
  /** UTC day of its events, YYYY-MM-DD; null for the quarantine file. */
  day: z.string().nullable(),
  /** Lines in the file: events, or quarantined messages. */
  events: count,
  bytes: count,
  /** CRC-32 (IEEE, as in gzip) of the whole file, 8 hex digits. */
  crc32: z.string().regex(/^[0-9a-f]{8}$/),
})
export type CommittedFile = z.infer<typeof fileSchema>

const head = {
  format: z.literal(KNOWN_FORMATS),
  seq: z.number().int().positive(),
  /** The number of the claim under which this was written. */
  fence: z.number().int().positive(),
  /** Who wrote it: one id per archiver process. */
  owner: z.string().min(1),
  /** Of this very attempt: tells after a time-out whether the record under the number is ours. */
  id: z.string().min(1),
  topic: z.string(),
  topicId: z.string(),
  partition: count,
  first: count,
  next: count,
  /** ISO 8601, UTC, by the writer's clock. */
  committedAt: z.iso.datetime(),
}

const claimSchema = z.strictObject({ ...head, kind: z.literal('claim') })
const gapSchema = z.strictObject({ ...head, kind: z.literal('gap') })
const batchSchema = z.strictObject({
  ...head,
  kind: z.literal('batch'),
  files: z.array(fileSchema),
  events: count,
  /** Messages by reason; reasons that did not occur are absent. */
  quarantined: z.partialRecord(z.enum(QUARANTINE_REASONS), count),
  /** Offsets that hold no message: transaction markers, aborted or compacted messages. */
  skipped: count,
  /**
   * ISO 8601, UTC: the moment against which future dates were held, and which quarantine lines name. The files are a
   * function of it and of what the log holds in `[first, next)`.
   */
  readAt: z.iso.datetime().optional(),
  summary: summarySchema,
})

const moment = z.number().int().nonnegative()
/**
 * A batch of which a joined file holds events: its offsets `[first, next)`, and the moment that it went by (`readAt`, epoch
 * milliseconds; null where its record did not say).
 */
export const partSchema = z.tuple([count, count, moment.nullable()])
export type Part = z.infer<typeof partSchema>

/** A file that holds the lines of others, in the order of their offsets. */
const joinedSchema = z.strictObject({
  ...fileSchema.omit({ staged: true }).shape,
  /** Where it was written before the record was. Absent where the lake appends files to each other, and copies nothing. */
  staged: z.string().optional(),
  /** Of its lines, in their order. */
  parts: z.array(partSchema).min(1),
})
export type JoinedFile = z.infer<typeof joinedSchema>

const replacedSchema = z.strictObject({
  ...fileSchema.pick({ path: true, events: true, bytes: true, crc32: true }).shape,
  /** How many of the joined file's parts are its own. */
  parts: z.number().int().positive(),
})
export type ReplacedFile = z.infer<typeof replacedSchema>

const compactionSchema = z.strictObject({
  ...head,
  kind: z.literal('compaction'),
  joined: joinedSchema,
  /** The files whose place it takes, of the same folder, in the order of their offsets. */
  files: z.array(replacedSchema).min(2),
})
const stopSchema = z.strictObject({
  ...compactionSchema.shape,
  kind: z.literal('stop'),
  /** The number of the compaction, which is repeated here. */
  of: z.number().int().positive(),
})
const voidSchema = z.strictObject({
  ...head,
  kind: z.literal('void'),
  /** The compaction: its number, how many files it was of, and what they were to be joined to. */
  of: z.strictObject({ seq: z.number().int().positive(), files: count, path: z.string() }),
  files: z.array(replacedSchema).min(1),
  joined: joinedSchema.omit({ staged: true }),
})

const retentionSchema = z.strictObject({
  ...head,
  kind: z.literal('retention'),
  files: z.array(z.strictObject(fileSchema.pick({ path: true, day: true, events: true, bytes: true }).shape)).min(1),
})

export type ClaimRecord = z.infer<typeof claimSchema>
export type GapRecord = z.infer<typeof gapSchema>
export type BatchRecord = Omit<z.infer<typeof batchSchema>, 'summary'> & { summary: Summary }
export type CompactionRecord = z.infer<typeof compactionSchema>
export type StopRecord = z.infer<typeof stopSchema>
export type VoidRecord = z.infer<typeof voidSchema>
export type RetentionRecord = z.infer<typeof retentionSchema>
export type CommitRecord =
  | ClaimRecord
  | GapRecord
  | BatchRecord
  | CompactionRecord
  | StopRecord
  | VoidRecord
  | RetentionRecord

const recordSchema = z.discriminatedUnion('kind', [
  claimSchema,
  gapSchema,
  batchSchema,
  compactionSchema,
  stopSchema,
  voidSchema,
  retentionSchema,
])

/** What a record changes in the set of files that readers of the lake see: these go, and those come. */
export interface FileChange {
  gone: readonly string[]
  come: readonly (CommittedFile | JoinedFile)[]
}

/**
 * A compaction counts only once it is known that no `void` comes after it: not before another record that is no claim and
 * no `stop`.
 * @returns undefined for a record that changes no files
 */
export function fileChange(record: CommitRecord): FileChange | undefined {
  switch (record.kind) {
    case 'batch':
      return { gone: [], come: record.files }
    case 'compaction':
    case 'void':
      return { gone: record.files.map(({ path }) => path), come: [record.joined] }
    case 'retention':
      return { gone: record.files.map(({ path }) => path), come: [] }
    default:
      return undefined
  }
}

/** By how many files and bytes a record makes the lake larger. A void takes back what its compaction took away. */
export function addedTo(record: CommitRecord): { files: number; bytes: number } {
  const sum = (files: readonly { bytes: number }[]) => files.reduce((bytes, file) => bytes + file.bytes, 0)
  switch (record.kind) {
    case 'batch':
      return { files: record.files.length, bytes: sum(record.files) }
    case 'compaction':
      return { files: 1 - record.files.length, bytes: 0 }
    case 'void':
      return { files: record.of.files - record.files.length, bytes: 0 }
    case 'retention':
      return { files: -record.files.length, bytes: -sum(record.files) }
    default:
      return { files: 0, bytes: 0 }
  }
}

export function encodeRecord(record: CommitRecord): Buffer {
  const open = JSON.stringify({ ...record, format: RECORD_FORMAT }).slice(0, -1)
  return Buffer.from(`${open},"crc32":"${checksum(Buffer.from(open))}"}\n`)
}

/**
 * Reads a record.
 * @param path names the record in errors
 * @throws COMMIT_UNKNOWN_FORMAT for another version or kind, COMMIT_CORRUPT for anything else that is not a record
 */
export function decodeRecord(bytes: Uint8Array, path: string): CommitRecord {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const says = CHECKSUM.exec(buffer.subarray(-CHECKSUM_BYTES).toString('latin1'))?.[1]
  if (says !== undefined && says !== checksum(buffer.subarray(0, -CHECKSUM_BYTES))) {
    throw corrupt(`commit record ${path} does not match its checksum`)
  }
  const json = parse(buffer, path)
  const { format, kind } = json
  if (typeof format === 'number' && !(isKnown(format) && RECORD_KINDS.some((known) => known === kind))) {
    throw new MusicFakerError(
      'COMMIT_UNKNOWN_FORMAT',
      `commit record ${path} has format ${format} and kind ${JSON.stringify(kind)}, which this version does not know`,
      { next: 'Use the version of music-faker that wrote this lake, or a newer one.' },
    )
  }
  if (format === RECORD_FORMAT && says === undefined) throw corrupt(`commit record ${path} has lost its checksum`)
  delete json.crc32
  const result = recordSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw corrupt(`commit record ${path} is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  }
  return result.data
}

function parse(buffer: Buffer, path: string): Record<string, unknown> {
  try {
    return (JSON.parse(buffer.toString('utf8')) ?? {}) as Record<string, unknown>
  } catch (cause) {
    throw corrupt(`commit record ${path} is not valid JSON`, cause)
  }
}

function corrupt(message: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('COMMIT_CORRUPT', message, {
    ...(cause !== undefined && { cause }),
    next: 'Run: music-faker verify, then: music-faker repair',
  })
}

function isKnown(format: number): boolean {
  return KNOWN_FORMATS.some((known) => known === format)
}

function checksum(bytes: Uint8Array): string {
  return crcText(crc32(bytes))
}

/** The number of quarantined messages of a batch, or of totals, over all reasons. */
export function quarantinedCount(record: Pick<BatchRecord, 'quarantined'>): number {
  let total = 0
  for (const n of Object.values(record.quarantined)) total += n
  return total
}
