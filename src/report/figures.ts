/** Where the figures of a report come from: the records' summaries, or, for one day, that day's events. */
import { committedFiles } from '../archive/files.ts'
import { type BatchRecord, RECORD_FORMAT } from '../archive/record.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import { wholeLines } from '../export/lines.ts'
import { EventRow } from '../export/row.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { LakeFollower } from '../stats/follower.ts'
import { SummaryBuilder } from '../stats/summary.ts'
import { Totals } from '../stats/totals.ts'

const LF = 0x0a
const ATTEMPTS = 5

export interface FigureOptions {
  lake: LakeStorage
  root: string
  signal: AbortSignal
  /** Told the number of events read, often; never without a day. */
  onProgress?: (events: number) => void
}

/**
 * Totals of the whole lake, from checkpoints and records: no event is read.
 * @throws COMMIT_CORRUPT when a record cannot be read, since the totals would lack what follows; what the lake throws
 */
export async function lakeTotals({ lake, root, signal }: FigureOptions): Promise<Totals> {
  const follower = new LakeFollower({ lake, root })
  await follower.refresh(signal)
  const [problem] = follower.problems()
  if (problem) {
    throw new MusicFakerError('COMMIT_CORRUPT', `the commit log of partition ${problem.partition} cannot be read`, {
      next: 'Run: music-faker verify',
    })
  }
  return follower.totals
}

/**
 * Totals of the events of one UTC day, which are read; quarantined messages have no day and are not in them.
 * Memory does not grow with the events.
 * @throws COMMIT_CORRUPT when a file is not what its record says; what `committedFiles` and the lake throw
 */
export async function dayTotals(day: string, options: FigureOptions): Promise<Totals> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await sumOfDay(day, options)
    } catch (error) {
      // Joined with others since it was listed: begin anew.
      if (!hasCode(error, 'LAKE_NOT_FOUND') || attempt === ATTEMPTS) throw error
    }
  }
}

async function sumOfDay(day: string, { lake, root, signal, onProgress }: FigureOptions): Promise<Totals> {
  const summary = new SummaryBuilder()
  const record = { kind: 'batch', quarantined: {}, skipped: 0, committedAt: new Date(0).toISOString() } as const
  const files: BatchRecord['files'] = []
  const row = new EventRow()
  let events = 0
  for await (const file of committedFiles(lake, root)) {
    if (file.day !== day) continue
    row.path = file.path
    for await (const block of wholeLines(lake, file)) {
      signal.throwIfAborted()
      for (let start = 0, end = 0; start < block.length; start = end + 1) {
        end = block.indexOf(LF, start)
        row.read(block, start, end, summary)
        events++
      }
      onProgress?.(events)
    }
    const { path, bytes, crc32 } = file
    files.push({ staged: '', path, day, events: file.events, bytes, crc32 })
  }
  const totals = new Totals()
  const place = { topic: root.slice(1), topicId: 'day', partition: 0, seq: 1, fence: 1, owner: 'report', id: 'report' }
  totals.add({
    format: RECORD_FORMAT,
    ...place,
    ...record,
    first: 0,
    next: events,
    events,
    files,
    summary: summary.build(),
  })
  return totals
}
