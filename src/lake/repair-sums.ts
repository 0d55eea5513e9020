/** What files of the lake hold. */
import { crc32 } from 'node:zlib'
import { crcText } from '../archive/crc32.ts'
import type { CommittedFile } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import type { LakeStorage } from './storage.ts'

const LF = 0x0a

/** Length and CRC-32 of a file; undefined where it is missing. */
export async function checksumOf(
  lake: LakeStorage,
  path: string,
): Promise<Pick<CommittedFile, 'bytes' | 'crc32'> | undefined> {
  let [bytes, crc] = [0, 0]
  try {
    for await (const chunk of lake.stream(path)) {
      bytes += chunk.length
      crc = crc32(chunk, crc)
    }
  } catch (error) {
    if (hasCode(error, 'LAKE_NOT_FOUND')) return undefined
    throw error
  }
  return { bytes, crc32: crcText(crc) }
}

/** Whether the file is there as `expected` says, to the last byte. */
export async function isSound(
  lake: LakeStorage,
  path: string,
  expected: Pick<CommittedFile, 'bytes' | 'crc32'>,
): Promise<boolean> {
  const sum = await checksumOf(lake, path)
  return sum?.bytes === expected.bytes && sum.crc32 === expected.crc32
}

/**
 * The moment that a batch went by, as the lines of its quarantine say; without one the stamp in a name is near enough.
 * @param files of the batch
 * @returns epoch milliseconds; `now` when there is no file
 */
export async function readAtOf(
  lake: LakeStorage,
  files: readonly { path: string; at: number; day: string | null }[],
  now: number,
): Promise<number> {
  const quarantine = files.find(({ day }) => day === null)
  const said = quarantine && momentIn(await firstLine(lake, quarantine.path))
  return said ?? files[0]?.at ?? now
}

function momentIn(line: string): number | undefined {
  const at = Date.parse(/"at":"([^"]*)"/.exec(line)?.[1] ?? '')
  return Number.isNaN(at) ? undefined : at
}

async function firstLine(lake: LakeStorage, path: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of lake.stream(path)) {
    chunks.push(chunk)
    if (chunk.includes(LF)) break
  }
  return Buffer.concat(chunks).toString().split('\n', 1)[0] ?? ''
}
