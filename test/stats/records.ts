/** Events, records and lakes for the tests of statistics. */
import fc from 'fast-check'
import { partitionCommits, recordName } from '../../src/archive/layout.ts'
import {
  type BatchRecord,
  type ClaimRecord,
  type CommitRecord,
  encodeRecord,
  type GapRecord,
  RECORD_FORMAT,
} from '../../src/archive/record.ts'
import { formatTimestamp, type MusicEvent } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { type Summary, SummaryBuilder } from '../../src/stats/summary.ts'

export const ROOT = '/music_events'
/** 2025-07-03T20:00:00Z */
export const T0 = Date.UTC(2025, 6, 3, 20)

export function eventOf(fields: Partial<MusicEvent> = {}, at = T0): MusicEvent {
  return {
    user: 'eric04',
    artist: 'Carol Moore',
    track: 'MediumAquaMarine Nights - Live',
    timestamp: formatTimestamp(at),
    genre: 'Jazz',
    duration: 146,
    platform: 'Spotify',
    device: 'Desktop',
    action: 'like',
    country: 'FR',
    ...fields,
  }
}

export function minuteOf(event: MusicEvent): number {
  return Math.floor(Date.parse(`${event.timestamp.slice(0, 19)}Z`) / 60_000)
}

export function summaryOf(events: Iterable<MusicEvent>): Summary {
  const builder = new SummaryBuilder()
  for (const event of events) builder.add(event, minuteOf(event))
  return builder.build()
}

/** Few values of each field, so that they meet again; dates over three days. */
export const anyEvent: fc.Arbitrary<MusicEvent> = fc
  .record({
    user: fc.integer({ min: 0, max: 30 }).map((n) => `listener ${n}`),
    artist: fc.constantFrom('Boston', 'Nina', '__proto__', 'Zo\u00eb \u{1f3b5}', '\ud800', '12'),
    track: fc.constantFrom('Boston', 'Intro', 'constructor', '2:x', '"quoted"\n'),
    genre: fc.constantFrom('Rock', 'Jazz', '__proto__', 'toString'),
    duration: fc.integer({ min: 1, max: 86_400 }),
    platform: fc.constantFrom('Spotify', 'Deezer'),
    device: fc.constantFrom('Mobile', 'Desktop'),
    action: fc.constantFrom('play', 'skip'),
    country: fc.constantFrom('FR', 'US', 'JP'),
    at: fc.integer({ min: T0, max: T0 + 3 * 86_400_000 }),
  })
  .map(({ at, ...fields }) => eventOf(fields, at))

interface Place {
  seq: number
  first: number
  partition?: number
  topicId?: string
  at?: number
}

function head({ seq, first, partition = 0, topicId = 'topic-a', at = T0 + seq * 1000 }: Place) {
  return {
    format: RECORD_FORMAT,
    seq,
    fence: 1,
    owner: 'archiver-1',
    id: `${topicId}-${partition}-${seq}`,
    topic: 'music_events',
    topicId,
    partition,
    first,
    committedAt: new Date(at).toISOString(),
  } as const
}

export function claim(place: Place): ClaimRecord {
  return { ...head(place), kind: 'claim', next: place.first }
}

export function gap(place: Place, offsets: number): GapRecord {
  return { ...head(place), kind: 'gap', next: place.first + offsets }
}

export function batch(place: Place, events: MusicEvent[], parts: Partial<BatchRecord> = {}): BatchRecord {
  const quarantined = Object.values(parts.quarantined ?? {}).reduce((sum, n) => sum + n, 0)
  const file = {
    staged: '/s',
    path: `/f${place.seq}`,
    day: '2025-07-03',
    bytes: events.length * 200,
    crc32: '00000000',
  }
  return {
    ...head(place),
    kind: 'batch',
    next: place.first + events.length + quarantined + (parts.skipped ?? 0),
    files: [{ ...file, events: events.length }],
    events: events.length,
    quarantined: {},
    skipped: 0,
    summary: summaryOf(events),
    ...parts,
  }
}

export function recordPath({ topicId, partition, seq }: Pick<CommitRecord, 'topicId' | 'partition' | 'seq'>): string {
  return `${partitionCommits(ROOT, topicId, partition)}/${recordName(seq)}`
}

export async function put(lake: LakeStorage, ...records: CommitRecord[]): Promise<void> {
  for (const record of records) await lake.write(recordPath(record), encodeRecord(record))
}
