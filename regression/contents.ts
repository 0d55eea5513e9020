/** What a log and a lake hold, read message by message and line by line: whatever their size, little of it at a time. */

import { decode } from '../src/event.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog, ReadFrom } from '../src/log/log.ts'
import { filesBelow } from '../test/archive/lake-contents.ts'

const READ = { maxBytes: 4_194_304, maxWaitMs: 10_000 }
const LF = 0x0a
/** How many of what differs is shown. */
const SHOWN = 5

/** A message as the archive has to take it. */
export type LogEntry =
  /** An event, as the line that the lake has to hold. Lasts until the next entry is asked for. */
  | { line: Uint8Array }
  /** No event: `partition/offset`. */
  | { invalid: string }

/** Every message that the log holds now, partition by partition. */
export async function* entriesOf(log: EventLog): AsyncGenerator<LogEntry> {
  const { topicId, partitions } = await log.describe()
  for (const [partition, { start, end }] of partitions) {
    yield* entriesBetween(log, { topicId, partition, from: start }, end)
  }
}

async function* entriesBetween(log: EventLog, from: ReadFrom, end: number): AsyncGenerator<LogEntry> {
  const { partition } = from
  const reader = log.open(from)
  try {
    for (let position = from.from; position < end; ) {
      const { first, next, count, data, starts, ends, offsetDeltas } = await reader.read(READ)
      for (let i = 0; i < count; i++) {
        const value = starts[i]! < 0 ? null : data.subarray(starts[i], ends[i])
        const decoded = decode(value, Date.now())
        yield decoded.ok ? { line: decoded.line } : { invalid: `${partition}/${first + offsetDeltas[i]!}` }
      }
      position = next
    }
  } finally {
    await reader.close()
  }
}

/** Every line of the published data files, without its line feed. Lasts until the next one is asked for. */
export async function* dataLines(lake: LakeStorage, root: string): AsyncGenerator<Uint8Array> {
  for await (const folder of lake.list(root)) {
    if (!folder.path.startsWith(`${root}/_`)) yield* linesBelow(lake, folder.path)
  }
}

/** Every line of the files below a folder. @throws Error for a file that does not end with a line feed */
export async function* linesBelow(lake: LakeStorage, folder: string): AsyncGenerator<Uint8Array> {
  for await (const { path } of filesBelow(lake, folder)) {
    let rest: Uint8Array = Buffer.alloc(0)
    for await (const chunk of lake.stream(path)) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let start = 0
      for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
        yield bytes.subarray(start, end)
        start = end + 1
      }
      rest = bytes.subarray(start)
    }
    if (rest.length > 0) throw new Error(`${path} does not end with a line break`)
  }
}

/** What the multisets `found` and `expected` do not have in common, the first few of each. */
export function difference(found: readonly string[], expected: readonly string[]) {
  const surplus = new Map<string, number>()
  for (const line of found) surplus.set(line, (surplus.get(line) ?? 0) + 1)
  for (const line of expected) surplus.set(line, (surplus.get(line) ?? 0) - 1)
  const where = (wanted: (count: number) => boolean) =>
    [...surplus].filter(([, count]) => wanted(count)).slice(0, SHOWN)
  return { missing: where((count) => count < 0), tooMany: where((count) => count > 0) }
}
