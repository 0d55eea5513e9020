const SIGN = 0x8000_0000

/** 64-bit hashes as they are stored: eight big-endian bytes each, ascending. To be merged they need not be indexed. */
export class SortedHashes {
  readonly #bytes: Buffer

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get size(): number {
    return this.#bytes.length / 8
  }

  forEach(visit: (first: number, second: number) => void): void {
    const view = viewOf(this.#bytes)
    for (let at = 0; at < view.byteLength; at += 8) visit(view.getInt32(at), view.getInt32(at + 4))
  }

  toBytes(): Buffer {
    return this.#bytes
  }

  /** @returns undefined for bytes that are not ascending hashes, each once */
  static fromBytes(bytes: Buffer): SortedHashes | undefined {
    if (bytes.length % 8 !== 0) return undefined
    const view = viewOf(bytes)
    for (let at = 8; at < view.byteLength; at += 8) {
      const first = order(view.getInt32(at), view.getInt32(at - 8))
      if (first < 0 || (first === 0 && order(view.getInt32(at + 4), view.getInt32(at - 4)) <= 0)) return undefined
    }
    return new SortedHashes(bytes)
  }
}

/** As unsigned words, of which V8 would make an object each. */
function order(a: number, b: number): number {
  const x = a ^ SIGN
  const y = b ^ SIGN
  return x < y ? -1 : x === y ? 0 : 1
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
