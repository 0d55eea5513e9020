import { crc32 } from 'node:zlib'
import type { LakeFile } from '../archive/files.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'

const LF = 0x0a

/**
 * The lines of a file, in blocks that each end with a line break.
 * @throws COMMIT_CORRUPT after the last block when the file is not what its record says; LAKE_NOT_FOUND where it is gone:
 *   joined with others since it was listed, or lost; what the lake throws
 */
export async function* wholeLines(lake: LakeStorage, file: LakeFile): AsyncGenerator<Buffer> {
  let [crc, bytes] = [0, 0]
  let rest: Uint8Array = new Uint8Array()
  for await (const chunk of contents(lake, file.path)) {
    crc = crc32(chunk, crc)
    bytes += chunk.byteLength
    const whole =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk])
    const end = whole.lastIndexOf(LF) + 1
    rest = whole.subarray(end)
    if (end > 0) yield whole.subarray(0, end)
  }
  if (bytes === file.bytes && rest.length === 0 && crc === Number.parseInt(file.crc32, 16)) return
  throw new MusicFakerError('COMMIT_CORRUPT', `${file.path} is not what its commit record says`, {
    next: 'Run: music-faker verify --deep, then: music-faker repair --deep',
  })
}

async function* contents(lake: LakeStorage, path: string): AsyncIterable<Uint8Array> {
  try {
    yield* lake.stream(path)
  } catch (error) {
    throw hasCode(error, 'LAKE_NOT_FOUND') ? missing(path, error) : error
  }
}

/** For a file that is still not there after another look at what was committed. */
export function missing(path: string, cause: unknown): MusicFakerError {
  return new MusicFakerError('LAKE_NOT_FOUND', `${path} is gone, though a commit record names it`, {
    cause,
    next: 'Run: music-faker verify, then: music-faker repair',
  })
}
