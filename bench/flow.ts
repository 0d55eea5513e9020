/** What the benchmarks share: filling a log, archiving it, and reading it without archiving. */
import { type ArchiveSummary, archive } from '../src/archive/archiver.ts'
import type { BatchLimits } from '../src/archive/batch.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { Generator } from '../src/generate/generator.ts'
import { produce } from '../src/generate/produce.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import { command, type Measured } from './child.ts'
import type { BenchSite } from './site.ts'

export const EVENTS = 1_000_000
/** What the comparison's other tools were given, too. */
export const LARGE_BATCHES: BatchLimits = { messages: 500_000, bytes: 67_108_864, ageMs: 5_000 }
const LOT = 5_000
const READ_BYTES = 2_097_152

export async function fill(log: EventLog, count = EVENTS): Promise<void> {
  await produce({ log, generator: new Generator({ seed: 42 }), count })
}

/** Fills the topic up to `count` events, where it does not hold them already. */
export async function fillTo(log: EventLog, count = EVENTS): Promise<void> {
  const { partitions } = await log.describe()
  let held = 0
  for (const { start, end } of partitions.values()) held += end - start
  if (held < count) await fill(log, count - held)
}

/** Appends ready-made messages, the same lot again and again: what the log takes when nothing is generated. */
export async function appendReady(log: EventLog, count: number): Promise<void> {
  const generator = new Generator({ seed: 42 })
  const now = Date.now()
  const lot: LogMessage[] = Array.from({ length: LOT }, () => generator.nextMessage(now, 0))
  for (let sent = 0; sent < count; sent += LOT) await log.append(lot)
}

/** Reads every partition to its end and forgets it: what archiving could do at best. */
export async function readAll(log: EventLog): Promise<number> {
  const { topicId, partitions } = await log.describe()
  let read = 0
  await Promise.all(
    [...partitions].map(async ([partition, { start, end }]) => {
      const reader = log.open({ topicId, partition, from: start })
      for (let next = start; next < end; ) {
        const batch = await reader.read({ maxBytes: READ_BYTES, maxWaitMs: 1_000 })
        read += batch.count
        next = batch.next
      }
      await reader.close()
    }),
  )
  return read
}

export function archiveAll({ config, log, lake }: BenchSite, limits = LARGE_BATCHES): Promise<ArchiveSummary> {
  return archive({
    log,
    lake,
    limits,
    root: lakeRoot(config.topic),
    group: freshGroup(),
    once: true,
    acceptGap: false,
    signal: new AbortController().signal,
  })
}

/** Archives the whole topic into an empty lake by a command, from the start of its process to its end. */
export async function archiveCold({ config, lake }: BenchSite, batch = 500_000): Promise<Measured & ArchiveSummary> {
  await lake.remove(lakeRoot(config.topic))
  const args = ['consume', '-m', 'batch', '-b', String(batch), '--once', '--json', '--quiet']
  const measured = await command({ ...config, group: freshGroup() }, args).ended
  return { ...measured, ...(JSON.parse(measured.stdout) as ArchiveSummary) }
}

/** A group that nobody is in yet: an old one would wait for members that have gone. */
function freshGroup(): string {
  return `bench-${process.pid}-${performance.now()}`
}

export function middle<T>(runs: readonly T[], by: (run: T) => number): T {
  return runs.toSorted((a, b) => by(a) - by(b))[runs.length >> 1] as T
}
