/** The closing quote of a text of JSON counts with it. */
const QUOTE = 1
const SLOTS = 1024
/** Longer texts are not kept. */
const WORDS = 16

/**
 * Short texts that were met before, with their strings, by the bytes from which they were read. Few values make up most
 * fields of an event: to find one again takes a comparison of some words, where reading it anew looks at every byte, checks
 * it, and makes a string. A place keeps what came last, so memory is bounded whatever comes.
 */
export class KnownTexts {
  /** Each text with its closing quote, as little-endian words; the last one is filled up with zeros. */
  readonly #words = new Int32Array(SLOTS * WORDS)
  /** Bytes with the closing quote; 0 where a place is free. */
  readonly #sizes = new Uint8Array(SLOTS)
  readonly #texts = new Array<string>(SLOTS).fill('')
  /** What `find` found. */
  text = ''
  #place = 0

  /**
   * Looks for a text that begins at `at` of the view, and nothing before `end` is beyond the view.
   * @returns its bytes, without the closing quote that stands after them; 0 where it is not known
   */
  find(view: DataView, at: number, end: number): number {
    // The first eight bytes tell most texts apart; what follows a shorter one is nearly always the same.
    if (at + 4 > end) return 0
    const first = view.getInt32(at, true)
    const second = at + 8 > end ? 0 : view.getInt32(at + 4, true)
    const place = Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0xc2b2ae35) >>> 22
    this.#place = place
    const size = this.#sizes[place] as number
    if (size === 0 || at + ((size + 3) & ~3) > end) return 0
    const words = this.#words
    let word = place * WORDS
    let left = size
    for (let from = at; left >= 4; left -= 4, from += 4) {
      if (view.getInt32(from, true) !== words[word++]) return 0
    }
    if (left > 0 && (view.getInt32(at + size - left, true) & maskOf(left)) !== words[word]) return 0
    this.text = this.#texts[place] as string
    return size - QUOTE
  }

  /** Keeps the text that `find` has just missed. @param length its bytes, after which a quote stands */
  keep(view: DataView, at: number, length: number, text: string): void {
    const size = length + QUOTE
    if (size > WORDS * 4) return
    const place = this.#place
    for (let i = 0; i < size; i += 4) {
      let word = 0
      for (let byte = 0; byte < 4 && i + byte < size; byte++) word |= view.getUint8(at + i + byte) << (byte * 8)
      this.#words[place * WORDS + i / 4] = word
    }
    this.#sizes[place] = size
    this.#texts[place] = text
  }
}

/** The lowest `bytes` of a word, 1 to 3. */
function maskOf(bytes: number): number {
  return (1 << (bytes * 8)) - 1
}
