/** The files that an import takes: those that the Python version wrote, `batch_YYYYMMDD_HHMMSS.jsonl`, JSON lines without offsets. */
import { createHash } from 'node:crypto'
import { baseName } from '../archive/layout.ts'
import type { LakeStorage } from '../lake/storage.ts'

const NAME = /^batch_\d{8}_\d{6}\.jsonl$/
/** Sixteen times the longest event. What comes after so much without a line break may be anything, and of any size. */
export const LONGEST_LINE = 16_777_216
const LF = 0x0a

/** The paths of such files at and below a place, in the order of the listing; names beginning with `_` or `.` are passed over. */
export async function* sourcesBelow(storage: LakeStorage, path: string): AsyncGenerator<string> {
  const entry = await storage.stat(path)
  if (entry?.kind === 'file') {
    if (NAME.test(baseName(path))) yield path
    return
  }
  for await (const child of storage.list(path)) {
    if (/^[_.]/.test(baseName(child.path))) continue
    if (child.kind === 'directory') yield* sourcesBelow(storage, child.path)
    else if (NAME.test(baseName(child.path))) yield child.path
  }
}

/** Blocks of whole lines; a last line that was cut off is ended, and the end of one beyond LONGEST_LINE is left out. */
export async function* linesOf(storage: LakeStorage, path: string): AsyncGenerator<Buffer> {
  let begun: Uint8Array[] = []
  let held = 0
  for await (const chunk of storage.stream(path)) {
    const end = chunk.lastIndexOf(LF) + 1
    // As many chunks as a line may have are put together once: each time one comes, it would cost their square.
    if (end > 0) {
      const start = held < LONGEST_LINE ? 0 : chunk.indexOf(LF)
      yield Buffer.concat([...begun, chunk.subarray(start, end)])
      begun = []
      held = 0
    }
    if (held >= LONGEST_LINE || end === chunk.length) continue
    begun.push(chunk.slice(end))
    held += chunk.length - end
  }
  if (held > 0) yield Buffer.concat([...begun, Buffer.of(LF)])
}

/** Counts and hashes a file as `linesOf` gives it. */
export class LineDigest {
  lines = 0
  readonly #hash = createHash('sha256')

  add(block: Buffer): void {
    this.#hash.update(block)
    for (let at = block.indexOf(LF); at >= 0; at = block.indexOf(LF, at + 1)) this.lines++
  }

  /** Hex. To be called once. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}
