/** Making a file again that was joined from those of several batches: each from the log, one after the other. */
import { combineCrc32, crcText } from '../archive/crc32.ts'
import { readBatchName } from '../archive/layout.ts'
import type { CommittedFile, Part } from '../archive/record.ts'
import { type Holdings, nowhere, type Range, remake } from './repair-files.ts'
import type { LakeStorage } from './storage.ts'

/** A file, and the batches of its lines. */
export interface JoinedBatches {
  topicId: string
  partition: number
  file: CommittedFile
  parts: readonly Part[]
}

/** Offsets to be read again, and the moment that they went by, epoch milliseconds. */
export interface Reading {
  range: Range
  readAt: number
}

/** What is to be read for a joined file, in the order of its lines. */
export function readingsOf(root: string, { topicId, partition, file, parts }: JoinedBatches): Reading[] {
  const named = readBatchName(root, file.path)?.at ?? 0
  return parts.map(([first, next, readAt]) => ({ range: { topicId, partition, first, next }, readAt: readAt ?? named }))
}

/** Length and CRC of what the log makes of the readings for one day, of which nothing is kept. Throws as `remake` does. */
export async function sumOf(
  holdings: Holdings,
  readings: readonly Reading[],
  day: string | null,
): Promise<Pick<CommittedFile, 'bytes' | 'crc32'>> {
  let [crc, bytes] = [0, 0]
  for (const { range, readAt } of readings) {
    const { files } = await remake(holdings, range, readAt, { lake: nowhere(), root: '/', folder: '/' })
    const file = files.find((made) => made.day === day)
    if (!file) continue
    crc = combineCrc32(crc, Number.parseInt(file.crc32, 16), file.bytes)
    bytes += file.bytes
  }
  return { bytes, crc32: crcText(crc) }
}

/** Writes what the log makes of the readings for one day to `path`. Throws as `remake` and the lake do. */
export async function writeAgain(
  holdings: Holdings,
  readings: readonly Reading[],
  day: string | null,
  into: { lake: LakeStorage; root: string; folder: string },
  path: string,
): Promise<void> {
  const { lake, folder } = into
  const body = async function* () {
    for (const [i, { range, readAt }] of readings.entries()) {
      const own = { ...into, folder: `${folder}/${i}` }
      const { files } = await remake(holdings, range, readAt, own)
      const file = files.find((made) => made.day === day)
      if (file) yield* lake.stream(file.staged)
      await lake.remove(own.folder)
    }
  }
  await lake.write(path, body())
}
