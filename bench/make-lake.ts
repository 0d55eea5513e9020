/**
 * Part of dashboard.ts: writes one partition's commit log as an archiver leaves it, folded into a checkpoint, but without
 * data files, of which the dashboard reads none. Arguments: the partition and how many records.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fold } from '../src/archive/fold.ts'
import { lakeRoot, partitionCommits, partitionStaging, recordName } from '../src/archive/layout.ts'
import { type BatchRecord, encodeRecord, RECORD_FORMAT } from '../src/archive/record.ts'
import { loadConfig } from '../src/config.ts'
import { Generator } from '../src/generate/generator.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { EVENTS_PER_RECORD } from './dashboard.ts'

/** Distinct events of a record: as few, so that the lake fits on a disk and is soon made. */
const DISTINCT = 20
const SUMMARIES = 250
/** Commits between two checkpoints. */
const FOLD_EVERY = 128

const [partition = 0, count = 0] = process.argv.slice(2).map(Number)
const { config } = loadConfig({}, process.env)
const log = await openLog(config)
const { topicId } = await log.describe()
await log.close()
const lake = await openLake(config)
const root = lakeRoot(config.topic)
const commits = partitionCommits(root, topicId, partition)
const now = Date.now()
writeRecords()
const staging = `${partitionStaging(root, topicId, partition)}/1`
const { signal } = new AbortController()
await fold({ lake, log: commits, staging, signal, onRetry: () => undefined }, count, FOLD_EVERY)
await lake.close()

function writeRecords(): void {
  const folder = join(config.dataDir, 'lake', commits)
  mkdirSync(folder, { recursive: true })
  const summaries = makeSummaries()
  for (let seq = 1; seq <= count; seq++) {
    const first = (seq - 1) * EVENTS_PER_RECORD
    const next = first + EVENTS_PER_RECORD
    const at = new Date(now).toISOString()
    const record: BatchRecord = {
      ...{ format: RECORD_FORMAT, kind: 'batch', seq, fence: 1, owner: 'bench', id: `${partition}-${seq}` },
      ...{ topic: config.topic, topicId, partition, first, next, committedAt: at, readAt: at },
      ...{ files: [], events: EVENTS_PER_RECORD, quarantined: {}, skipped: 0 },
      summary: summaries[seq % SUMMARIES]!,
    }
    writeFileSync(join(folder, recordName(seq)), encodeRecord(record))
  }
}

function makeSummaries(): BatchRecord['summary'][] {
  const generator = new Generator({ seed: 42 })
  return Array.from({ length: SUMMARIES }, (_, i) => {
    const builder = new SummaryBuilder()
    const at = now - i * 60_000
    const distinct = Array.from({ length: DISTINCT }, () => generator.next(at))
    for (let n = 0; n < EVENTS_PER_RECORD; n++) builder.add(distinct[n % DISTINCT]!, Math.floor(at / 60_000))
    return builder.build()
  })
}
