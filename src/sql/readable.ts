import { decodeArchived, encode, FIELDS, type MusicEvent } from '../event.ts'
import { EventBytes } from '../event-bytes.ts'

const LF = 0x0a

/**
 * Whether DuckDB has refused a line as JSON. Some it refuses are events: where a text has half of a surrogate pair as an
 * escape, also in a further field, or where one of the ten fields stands twice.
 */
export function isRefusedLine(error: unknown): boolean {
  return /(Malformed JSON|JSON transform error) in file "/.test((error as Error).message)
}

/**
 * The same events as lines that DuckDB reads: what is not plainly one is written again, its ten fields alone, as `decode`
 * finds them. Half a pair becomes U+FFFD, as it does in an export.
 * @param lines whole ones
 * @throws COMMIT_CORRUPT for what is no event
 */
export function readable(lines: Buffer): Buffer {
  const plain = new EventBytes()
  const parts: Uint8Array[] = []
  let written = 0
  for (let start = 0, end = 0; start < lines.length; start = end + 1) {
    end = lines.indexOf(LF, start)
    if (plain.read(lines, start, end)) continue
    parts.push(lines.subarray(written, start), rewritten(lines.subarray(start, end)))
    written = end
  }
  return Buffer.concat([...parts, lines.subarray(written)])
}

function rewritten(line: Buffer): Buffer {
  const { event } = decodeArchived(line, 'the lake')
  const fields = FIELDS.map((name) => {
    const value = event[name]
    return [name, typeof value === 'string' ? value.toWellFormed() : value]
  })
  return encode(Object.fromEntries(fields) as MusicEvent)
}
