/**
 * The hash under the distinct-count sketches: the first 64 bits of MurmurHash3_x86_128 (Austin Appleby, public domain,
 * github.com/aappleby/smhasher) over the text's UTF-16 code units as little-endian bytes. The seed is 0; for the title of
 * a track it is the first word of the artist's hash, and the artist's second word is added to the second.
 *
 * It is on disk in every commit record and can never change. Only 32-bit integer arithmetic is used, so it is the same
 * on every platform, and code units rather than UTF-8, so that a lone surrogate (`"\ud800"` in JSON) counts as itself.
 * Elsewhere: Python's mmh3.hash_bytes(text.encode('utf-16-le'), seed, x64arch=False)[:8], two little-endian words.
 *
 * It is fast and spreads evenly, but has no secret: a producer who sets out to can make values collide, and so be
 * counted as fewer than they are.
 */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** Hashes `text` into `out[0]` (first word) and `out[1]` (second): no object is made for a hash. */
export function hash64(text: string, out: Uint32Array, seed = 0): void {
  const units = text.length
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  let at = 0

  for (const end = units - (units % 8); at < end; at += 8) {
    h1 = Math.imul(rotl(h1 ^ scramble(word(text, at), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b
    h2 = Math.imul(rotl(h2 ^ scramble(word(text, at + 2), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747
    h3 = Math.imul(rotl(h3 ^ scramble(word(text, at + 4), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35
    h4 = Math.imul(rotl(h4 ^ scramble(word(text, at + 6), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17
  }

  const left = units - at
  if (left > 6) h4 ^= scramble(text.charCodeAt(at + 6), C4, 18, C1)
  if (left > 4) h3 ^= scramble(left > 5 ? word(text, at + 4) : text.charCodeAt(at + 4), C3, 17, C4)
  if (left > 2) h2 ^= scramble(left > 3 ? word(text, at + 2) : text.charCodeAt(at + 2), C2, 16, C3)
  if (left > 0) h1 ^= scramble(left > 1 ? word(text, at) : text.charCodeAt(at), C1, 15, C2)

  const bytes = units * 2
  const sum = (h1 ^ bytes) + (h2 ^ bytes) + (h3 ^ bytes) + (h4 ^ bytes)
  const f1 = avalanche(sum | 0)
  const f2 = avalanche(((h2 ^ bytes) + sum) | 0)
  const f3 = avalanche(((h3 ^ bytes) + sum) | 0)
  const f4 = avalanche(((h4 ^ bytes) + sum) | 0)
  out[0] = f1 + f2 + f3 + f4
  out[1] = f2 + (out[0] as number)
}

/** Hashes a track, given its artist's hash and its title. */
export function hashTrack(artistFirst: number, artistSecond: number, title: string, out: Uint32Array): void {
  hash64(title, out, artistFirst)
  out[1] = (out[1] as number) + artistSecond
}

/** Two code units as one little-endian word. */
function word(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
}

function rotl(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function scramble(k: number, a: number, by: number, b: number): number {
  return Math.imul(rotl(Math.imul(k, a), by), b)
}

function avalanche(h: number): number {
  let x = h ^ (h >>> 16)
  x = Math.imul(x, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
