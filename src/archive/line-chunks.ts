import { crc32 } from 'node:zlib'

const FIRST_CHUNK = 16_384
export const LARGEST_CHUNK = 262_144
const LF = 0x0a

/** The lines of one file, gathered into chunks to be written to the lake one after the other, and summed up. */
export class LineChunks {
  readonly #chunkBytes: number
  #chunk = Buffer.allocUnsafeSlow(FIRST_CHUNK)
  #used = 0
  lines = 0
  /** Of the chunks given out so far, as `crc` is. */
  bytes = 0
  crc = 0

  /** @param chunkBytes a chunk holds as much, or a single line that is longer */
  constructor(chunkBytes = LARGEST_CHUNK) {
    this.#chunkBytes = chunkBytes
  }

  /** Adds `data[start, end)` as a line. @returns the chunk before it, when that is full; its memory is the caller's then */
  append(data: Uint8Array, start = 0, end = data.length): Buffer | undefined {
    this.lines++
    const size = end - start + 1
    if (this.#used + size > this.#chunk.length && this.#chunk.length < this.#chunkBytes) this.#grow(this.#used + size)
    if (this.#used + size <= this.#chunk.length) {
      this.#put(data, start, end)
      return undefined
    }
    const full = this.#used > 0 ? this.rest() : undefined
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, size))
    this.#put(data, start, end)
    return full
  }

  /** What has been gathered since the last chunk: at the end, the last one. */
  rest(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#used)
    this.#used = 0
    this.crc = crc32(chunk, this.crc)
    this.bytes += chunk.length
    return chunk
  }

  #put(data: Uint8Array, start: number, end: number): void {
    Buffer.prototype.copy.call(data, this.#chunk, this.#used, start, end)
    this.#used += end - start
    this.#chunk[this.#used++] = LF
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#chunkBytes, Math.max(needed, this.#chunk.length * 4)))
    larger.set(this.#chunk.subarray(0, this.#used))
    this.#chunk = larger
  }
}
