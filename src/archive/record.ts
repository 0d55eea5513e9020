/**
 * The commit log's on-disk format, version 1: one JSON object per file, `_commits/<topic id>/p<n>/<seq>.json`.
 *
 * Numbers run from 1 without a hole and are never used twice. Together the records of a partition tile its offsets:
 * each begins (`first`) where the one before ended (`next`). Three kinds:
 *
 *   claim  an owner takes the partition over; covers nothing (`first` = `next`); its number is the owner's fence
 *   batch  `files` hold the events and the quarantined messages of `[first, next)`; `summary` counts them
 *   gap    `[first, next)` was lost to the log's retention and explicitly accepted
 *
 * events + quarantined + skipped = next - first, in every batch. A record of another version or kind is refused, never
 * skipped: it may change what the others mean.
 */
import { z } from 'zod'
import { MusicFakerError } from '../errors.ts'
import { QUARANTINE_REASONS } from '../event.ts'
import { type Summary, summarySchema } from '../stats/summary.ts'

export const RECORD_FORMAT = 1

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
  format: z.literal(RECORD_FORMAT),
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
  summary: summarySchema,
})

export type ClaimRecord = z.infer<typeof claimSchema>
export type GapRecord = z.infer<typeof gapSchema>
export type BatchRecord = Omit<z.infer<typeof batchSchema>, 'summary'> & { summary: Summary }
export type CommitRecord = ClaimRecord | GapRecord | BatchRecord

const recordSchema = z.discriminatedUnion('kind', [claimSchema, gapSchema, batchSchema])

export function encodeRecord(record: CommitRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

/**
 * Reads a record.
 * @param path names the record in errors
 * @throws COMMIT_UNKNOWN_FORMAT for another version or kind, COMMIT_CORRUPT for anything else that is not a record
 */
export function decodeRecord(bytes: Uint8Array, path: string): CommitRecord {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw new MusicFakerError('COMMIT_CORRUPT', `commit record ${path} is not valid JSON`, {
      cause,
      next: 'Run: music-faker verify',
    })
  }
  const { format, kind } = (json ?? {}) as { format?: unknown; kind?: unknown }
  if (typeof format === 'number' && (format !== RECORD_FORMAT || !['claim', 'batch', 'gap'].includes(String(kind)))) {
    throw new MusicFakerError(
      'COMMIT_UNKNOWN_FORMAT',
      `commit record ${path} has format ${format} and kind ${JSON.stringify(kind)}, which this version does not know`,
      { next: 'Use the version of music-faker that wrote this lake, or a newer one.' },
    )
  }
  const result = recordSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new MusicFakerError(
      'COMMIT_CORRUPT',
      `commit record ${path} is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      { next: 'Run: music-faker verify' },
    )
  }
  return result.data
}

/** The number of quarantined messages of a batch, or of totals, over all reasons. */
export function quarantinedCount(record: Pick<BatchRecord, 'quarantined'>): number {
  let total = 0
  for (const n of Object.values(record.quarantined)) total += n
  return total
}
