/** The formats of an export, each as an encoder of rows. */
import { pipeline, Readable, type Transform } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { FIELDS } from '../event.ts'
import { DURATION } from '../event-bytes.ts'
import type { EventRow } from './row.ts'

export const FORMATS = ['parquet', 'csv', 'jsonl.gz', 'jsonl.zst'] as const
export type Format = (typeof FORMATS)[number]

/** Encodes the rows of one file. */
export interface RowEncoder {
  add(row: EventRow): void
  /** The bytes that are ready since the last call; may be none. */
  take(): Uint8Array
  /** The bytes that end the file. No call after it. */
  end(): Uint8Array
}

/** @param format a new encoder for each file; parquet's library is loaded when it is asked for */
export async function encoderOf(format: Format): Promise<RowEncoder> {
  if (format === 'parquet') return new (await import('./parquet.ts')).ParquetRows()
  return format === 'csv' ? new CsvRows() : new JsonLines()
}

/** What the encoder's bytes go through. */
export function compressed(format: Format, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (format === 'jsonl.gz') return through(createGzip({ level: 6 }), bytes)
  if (format === 'jsonl.zst') return through(createZstdCompress(), bytes)
  return bytes
}

function through(transform: Transform, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // A failure of the source destroys the transform with it, and so reaches who reads from that.
  return pipeline(Readable.from(bytes, { objectMode: true }), transform, () => undefined)
}

/** The lines as they are in the lake. */
class JsonLines implements RowEncoder {
  #parts: Uint8Array[] = []

  add({ data, start, end }: EventRow): void {
    // With the line break behind it.
    this.#parts.push(data.subarray(start, end + 1))
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    return bytes
  }

  end(): Uint8Array {
    return this.take()
  }
}

/** RFC 4180, but for line breaks, which are LF: a line of names, then one for each event, and `extra` as the last column. */
class CsvRows implements RowEncoder {
  #text = `${[...FIELDS, 'extra'].join(',')}\n`

  add({ texts, duration, extra }: EventRow): void {
    let line = ''
    for (let field = 0; field < texts.length; field++) {
      line += `${field === DURATION ? duration : csvCell(texts[field] as string)},`
    }
    this.#text += `${line}${extra === null ? '' : csvCell(extra)}\n`
  }

  take(): Uint8Array {
    const bytes = Buffer.from(this.#text)
    this.#text = ''
    return bytes
  }

  end(): Uint8Array {
    return this.take()
  }
}

/** A cell as it is; what a spreadsheet would take for a formula is left to who opens it there. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
