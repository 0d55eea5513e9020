/**
 * Part of dashboard.ts: writes one partition's commit log as an archiver leaves it after so many commits, one a second until
 * now: two checkpoints and the records after them. It has no data files, of which the dashboard reads none. Arguments: the
 * partition and how many commits; prints how many events they hold.
 *
 * The records that are long gone are never written: what a checkpoint keeps of a minute does not depend on how many
 * commits it was, so each minute is summed up as one.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CHECKPOINT_FORMAT, encodeCheckpoint } from '../src/archive/checkpoint.ts'
import { CHECKPOINT_ROWS, fold } from '../src/archive/fold.ts'
import {
  checkpointName,
  checkpointsFolder,
  lakeRoot,
  partitionCommits,
  partitionStaging,
  recordName,
} from '../src/archive/layout.ts'
import { type BatchRecord, encodeRecord, RECORD_FORMAT } from '../src/archive/record.ts'
import { loadConfig } from '../src/config.ts'
import { Generator } from '../src/generate/generator.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { FINE_MINUTES } from '../src/stats/cells.ts'
import { Recent } from '../src/stats/recent.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { Totals } from '../src/stats/totals.ts'

/** Commits between two checkpoints, as of an archiver. */
const FOLD_EVERY = 128
/** Records after the newest checkpoint: there are up to 127, so half of that. */
const SINCE = 64
const COMMITS_PER_MINUTE = 60
/** In three partitions, a thousand a second. */
const EVENTS_PER_COMMIT = 333
/** Of the minutes that are only in a checkpoint: more than it keeps rows of, of the newest and of those before. */
const EVENTS_PER_MINUTE = { fine: CHECKPOINT_ROWS.fine + 100, older: CHECKPOINT_ROWS.older * 2 }
/** More than are counted exactly. */
const PEOPLE = { listeners: 200_000, artists: 50_000 }

const [partition = 0, count = 0] = process.argv.slice(2).map(Number)
const { config } = loadConfig({}, process.env)
const log = await openLog(config)
const { topicId } = await log.describe()
await log.close()
const lake = await openLake(config)
const root = lakeRoot(config.topic)
const commits = partitionCommits(root, topicId, partition)
const generator = new Generator({ seed: 42 + partition, ...PEOPLE })
const now = Date.now()
const folded = Math.max(0, count - FOLD_EVERY - SINCE)
let next = 0
if (folded > 0) await writeCheckpoint()
for (let seq = folded + 1; seq <= count; seq++) {
  write(`${commits}/${recordName(seq)}`, encodeRecord(batch(seq, timeOf(seq), EVENTS_PER_COMMIT)))
}
const staging = `${partitionStaging(root, topicId, partition)}/1`
const { signal } = new AbortController()
if (folded > 0) {
  const owner = { fence: 1, isOwner: async () => true }
  const options = { lake, log: commits, staging, ...owner, signal, onRetry: () => undefined }
  await fold(options, folded + FOLD_EVERY, FOLD_EVERY)
}
await lake.close()
console.log(next)

/** The checkpoint that an archiver would have made of the commits until then. */
async function writeCheckpoint(): Promise<void> {
  const totals = new Totals(CHECKPOINT_ROWS)
  const recent = new Recent()
  for (let seq = 1; seq <= folded; seq += COMMITS_PER_MINUTE) {
    const last = Math.min(folded, seq + COMMITS_PER_MINUTE - 1)
    const isFine = folded - seq < FINE_MINUTES * COMMITS_PER_MINUTE
    const record = batch(last, timeOf(seq), EVENTS_PER_MINUTE[isFine ? 'fine' : 'older'])
    totals.add(record)
    recent.add(record)
  }
  const { topic } = config
  const head = { format: CHECKPOINT_FORMAT, topic, topicId, partition, seq: folded, base: 0, next, fence: 1 } as const
  const checkpoint = {
    ...{ ...head, owner: 'bench', committedAt: new Date(timeOf(folded)).toISOString(), manifests: [] },
    totals: { ...totals.encode(), records: folded },
    recent: recent.encode(),
  }
  write(`${checkpointsFolder(commits)}/${checkpointName(folded)}`, await encodeCheckpoint(checkpoint))
}

function timeOf(seq: number): number {
  return now - (count - seq) * (60_000 / COMMITS_PER_MINUTE)
}

function batch(seq: number, time: number, events: number): BatchRecord {
  const first = next
  next += events
  const builder = new SummaryBuilder()
  for (let n = 0; n < events; n++) builder.add(generator.next(time), Math.floor(time / 60_000))
  const at = new Date(time).toISOString()
  return {
    ...{ format: RECORD_FORMAT, kind: 'batch', seq, fence: 1, owner: 'bench', id: randomUUID() },
    ...{ topic: config.topic, topicId, partition, first, next, committedAt: at, readAt: at },
    ...{ files: [], events, quarantined: {}, skipped: 0, summary: builder.build() },
  }
}

function write(path: string, bytes: Uint8Array): void {
  const file = join(config.dataDir, 'lake', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}
