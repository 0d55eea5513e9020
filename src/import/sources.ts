/** The files that an import takes: those that the Python version wrote, `batch_YYYYMMDD_HHMMSS.jsonl`, JSON lines without offsets. */
import { createHash } from 'node:crypto'
import { baseName } from '../archive/layout.ts'
import type { LakeStorage } from '../lake/storage.ts'

const NAME = /^batch_\d{8}_\d{6}\.jsonl$/
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

/** Blocks of whole lines; a last line that was cut off is ended. */
export async function* linesOf(storage: LakeStorage, path: string): AsyncGenerator<Buffer> {
  let rest: Uint8Array = new Uint8Array()
  for await (const chunk of storage.stream(path)) {
    const whole = Buffer.concat([rest, chunk])
    const end = whole.lastIndexOf(LF) + 1
    rest = whole.subarray(end)
    if (end > 0) yield whole.subarray(0, end)
  }
  if (rest.length > 0) yield Buffer.concat([rest, Buffer.of(LF)])
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
