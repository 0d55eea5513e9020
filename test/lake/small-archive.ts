/** A small lake on disk, written by the real commit protocol, for tests that then damage it. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CommitLog } from '../../src/archive/commits.ts'
import { dataFile, partitionCommits, quarantineFile, recordName } from '../../src/archive/layout.ts'
import { type BatchRecord, type CommittedFile, decodeRecord, encodeRecord } from '../../src/archive/record.ts'
import { encode, type MusicEvent } from '../../src/event.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { SummaryBuilder } from '../../src/stats/summary.ts'

export const ROOT = '/music_events'
export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const TOPIC = 'music_events'
const START = Date.UTC(2025, 6, 3, 20, 0, 0)

export interface Batch {
  /** Events by day of July 2025. */
  days: Record<number, number>
  quarantined?: number
  skipped?: number
}

export class SmallArchive {
  readonly folder: string
  readonly lake: LakeStorage
  #now = START

  private constructor(folder: string, lake: LakeStorage) {
    this.folder = folder
    this.lake = lake
  }

  static async create(wrap: (lake: LakeStorage) => LakeStorage = (lake) => lake): Promise<SmallArchive> {
    const folder = await mkdtemp(join(tmpdir(), 'music-faker-verify-'))
    return new SmallArchive(folder, wrap(openLocalLake({ folder })))
  }

  async destroy(): Promise<void> {
    await rm(this.folder, { recursive: true })
  }

  /** Takes a partition over, as an archiver process of its own. `foldEvery` as many records it writes a checkpoint. */
  claim(partition: number, topicId = TOPIC_ID, foldEvery?: number, lake = this.lake): Promise<CommitLog> {
    return CommitLog.claim({
      lake,
      root: ROOT,
      topic: TOPIC,
      topicId,
      partition,
      owner: randomUUID(),
      clock: () => this.#now,
      signal: new AbortController().signal,
      onRetry: () => undefined,
      onUnfolded: (error) => {
        throw error
      },
      ...(foldEvery !== undefined && { foldEvery }),
    })
  }

  /** Commits a batch of made-up events that follows what the log covers. */
  async commit(log: CommitLog, partition: number, { days, quarantined = 0, skipped = 0 }: Batch): Promise<BatchRecord> {
    this.#now += 1_000
    const summary = new SummaryBuilder()
    const events = Object.values(days).reduce((sum, n) => sum + n, 0)
    const next = log.next + events + quarantined + skipped
    const files: CommittedFile[] = []
    for (const [date, count] of Object.entries(days)) {
      const day = `2025-07-${date.padStart(2, '0')}`
      const lines = Array.from({ length: count }, (_, i) => {
        const event = eventOf(day, i)
        summary.add(event, Math.floor(Date.parse(`${event.timestamp}Z`) / 60_000))
        return encode(event).toString()
      })
      files.push(await this.#stage(log, dataFile(ROOT, day, this.#now, partition, log.next, next - 1), day, lines))
    }
    if (quarantined > 0) {
      const path = quarantineFile(ROOT, this.#now, partition, log.next, next - 1)
      files.push(
        await this.#stage(
          log,
          path,
          null,
          Array.from({ length: quarantined }, (_, i) => `{"offset":${i}}`),
        ),
      )
    }
    return log.commit({
      next,
      files,
      events,
      quarantined: quarantined > 0 ? { bad_json: quarantined } : {},
      skipped,
      summary: summary.build(),
    })
  }

  async #stage(log: CommitLog, path: string, day: string | null, lines: string[]): Promise<CommittedFile> {
    const body = Buffer.from(`${lines.join('\n')}\n`)
    const staged = `${log.staging}/${randomUUID()}.jsonl`
    const bytes = await this.lake.write(staged, body)
    return { staged, path, day, events: lines.length, bytes, crc32: crc32(body).toString(16).padStart(8, '0') }
  }

  /** Where a file of the lake is on disk. */
  at(path: string): string {
    return join(this.folder, path)
  }

  record(partition: number, seq: number, topicId = TOPIC_ID): string {
    return `${partitionCommits(ROOT, topicId, partition)}/${recordName(seq)}`
  }

  /** Changes a record in place, as no archiver would. */
  async rewrite(path: string, change: (record: BatchRecord) => void): Promise<void> {
    const record = decodeRecord(await readFile(this.at(path)), path) as BatchRecord
    change(record)
    await writeFile(this.at(path), encodeRecord(record))
  }
}

function eventOf(day: string, i: number): MusicEvent {
  return {
    user: `user${i}`,
    artist: 'Carol Moore',
    track: 'MediumAquaMarine Nights - Live',
    timestamp: `${day}T20:07:50.691643`,
    genre: 'Jazz',
    duration: 146,
    platform: 'Spotify',
    device: 'Desktop',
    action: 'like',
    country: 'FR',
  }
}
