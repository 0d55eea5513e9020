/** What the benchmarks of both profiles share: filling a log, archiving it, and reading it without archiving. */
import { type ArchiveSummary, archive } from '../src/archive/archiver.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { Generator } from '../src/generate/generator.ts'
import { produce } from '../src/generate/produce.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import type { BenchSite } from './site.ts'

export const EVENTS = 1_000_000
const LOT = 5_000
const READ_BYTES = 2_097_152

export async function fill(log: EventLog, count = EVENTS): Promise<void> {
  await produce({ log, generator: new Generator({ seed: 42 }), count })
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
  const { partitions } = await log.describe()
  let read = 0
  await Promise.all(
    [...partitions].map(async ([partition, { start, end }]) => {
      const reader = log.open(partition, start)
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

export function archiveAll({ config, log, lake }: BenchSite): Promise<ArchiveSummary> {
  return archive({
    log,
    lake,
    root: lakeRoot(config.topic),
    group: config.group,
    limits: { messages: 500_000, bytes: config.batchBytes, ageMs: 5_000 },
    once: true,
    acceptGap: false,
    signal: new AbortController().signal,
  })
}
