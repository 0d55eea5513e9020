import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { LakeStorage } from '../lake/storage.ts'

/** One staged file. A small one goes to the lake in one call at the end, a larger one streams from its first chunk on. */
export class StagedFile {
  readonly #lake: LakeStorage
  readonly path: string
  readonly #chunkBytes: number
  #stream: PassThrough | undefined
  #written: Promise<number> | undefined

  /** @param chunkBytes about four times as much is held while the lake is slow */
  constructor(lake: LakeStorage, path: string, chunkBytes: number) {
    this.#lake = lake
    this.path = path
    this.#chunkBytes = chunkBytes
  }

  /** Resolves when more may come. Rejects with the lake's error. */
  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#stream) {
      const stream = new PassThrough({ highWaterMark: this.#chunkBytes })
      // The failure is reported by #written; without a listener it would end the process.
      stream.on('error', () => undefined)
      this.#stream = stream
      this.#written = this.#lake.write(this.path, stream)
      this.#written.catch(() => stream.destroy())
    }
    // The lake may fail while this waits for it to drain: then #written rejects and ends the wait. It may let go of the
    // stream long before, which then fails with an AbortError that tells nothing.
    if (!this.#stream.write(chunk)) {
      await Promise.race([once(this.#stream, 'drain').catch(() => this.#written), this.#written])
    }
    if (this.#stream.destroyed) await this.#written
  }

  /** Ends the file with its last chunk: the lake may still be closing it, until `durable` settles. */
  end(rest: Uint8Array): void {
    if (this.#stream) this.#stream.end(rest)
    else this.#written = this.#lake.write(this.path, rest)
  }

  /** Resolves when an ended file is whole in the lake; rejects with the lake's error. */
  async durable(): Promise<void> {
    await this.#written
  }

  async discard(): Promise<void> {
    this.#stream?.destroy()
    await this.#written?.catch(() => undefined)
    if (this.#written) await this.#lake.remove(this.path)
  }
}
