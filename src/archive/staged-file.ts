import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { LakeStorage } from '../lake/storage.ts'
import { crcText } from './crc32.ts'
import type { CommittedFile } from './record.ts'

const FIRST_CHUNK = 16_384
export const LARGEST_CHUNK = 262_144
const LF = 0x0a

/** One staged file. Small ones go to the lake in one call at the end, larger ones stream from the first full chunk on. */
export class StagedFile {
  readonly #lake: LakeStorage
  readonly #path: string
  readonly #chunkBytes: number
  #chunk = Buffer.allocUnsafe(FIRST_CHUNK)
  #used = 0
  #lines = 0
  #bytes = 0
  #crc = 0
  #stream: PassThrough | undefined
  #written: Promise<number> | undefined

  /** @param chunkBytes what is gathered before it goes to the lake; about four times as much is held while that is slow */
  constructor(lake: LakeStorage, path: string, chunkBytes = LARGEST_CHUNK) {
    this.#lake = lake
    this.#path = path
    this.#chunkBytes = chunkBytes
  }

  /** Adds `data[start, end)` as a line. Gives a promise only when the caller must wait for the lake. */
  append(data: Uint8Array, start = 0, end = data.length): Promise<void> | undefined {
    this.#lines++
    const size = end - start + 1
    if (this.#used + size > this.#chunk.length && this.#chunk.length < this.#chunkBytes) this.#grow(this.#used + size)
    if (this.#used + size <= this.#chunk.length) {
      this.#put(data, start, end)
      return undefined
    }
    const waiting = this.#used > 0 ? this.#send(this.#takeChunk()) : undefined
    this.#chunk = Buffer.allocUnsafe(Math.max(this.#chunkBytes, size))
    this.#put(data, start, end)
    return waiting
  }

  /** Ends the file, and says what the record will: the lake may still be closing it, until `durable` settles. */
  seal(path: string, day: string | null): CommittedFile {
    const rest = this.#takeChunk()
    this.#account(rest)
    if (this.#stream) this.#stream.end(rest)
    else this.#written = this.#lake.write(this.#path, rest)
    return { staged: this.#path, path, day, events: this.#lines, bytes: this.#bytes, crc32: crcText(this.#crc) }
  }

  /** Resolves when a sealed file is whole in the lake; rejects with the lake's error. */
  async durable(): Promise<void> {
    await this.#written
  }

  async discard(): Promise<void> {
    this.#stream?.destroy()
    await this.#written?.catch(() => undefined)
    if (this.#written) await this.#lake.remove(this.#path)
  }

  #put(data: Uint8Array, start: number, end: number): void {
    copyRange(data, start, end, this.#chunk, this.#used)
    this.#used += end - start
    this.#chunk[this.#used++] = LF
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#chunkBytes, Math.max(needed, this.#chunk.length * 4)))
    larger.set(this.#chunk.subarray(0, this.#used))
    this.#chunk = larger
  }

  #takeChunk(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#used)
    this.#used = 0
    return chunk
  }

  #account(chunk: Buffer): void {
    this.#crc = crc32(chunk, this.#crc)
    this.#bytes += chunk.length
  }

  async #send(chunk: Buffer): Promise<void> {
    this.#account(chunk)
    if (!this.#stream) {
      const stream = new PassThrough({ highWaterMark: this.#chunkBytes })
      // The failure is reported by #written; without a listener it would end the process.
      stream.on('error', () => undefined)
      this.#stream = stream
      this.#written = this.#lake.write(this.#path, stream)
      this.#written.catch(() => stream.destroy())
    }
    // The lake may fail while this waits for it to drain: then #written rejects and ends the wait.
    if (!this.#stream.write(chunk)) await Promise.race([once(this.#stream, 'drain'), this.#written])
    if (this.#stream.destroyed) await this.#written
  }
}

function copyRange(data: Uint8Array, start: number, end: number, chunk: Buffer, at: number): void {
  Buffer.prototype.copy.call(data, chunk, at, start, end)
}
