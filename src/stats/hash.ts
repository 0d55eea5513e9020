/**
 * The hash under the distinct-count sketches: the first 64 bits of MurmurHash3_x86_128 (Austin Appleby, public domain,
 * github.com/aappleby/smhasher) over the text's UTF-16 code units as little-endian bytes. The seed is 0; for the title of
 * a track it is the first word of the artist's hash, and the artist's second word is added to the second.
 *
 * It is on disk in every commit record and can never change. Only 32-bit integer arithmetic is used, so it is the same
 * on every platform, and code units rather than UTF-8, so that a lone surrogate (`"\ud800"` in JSON) counts as itself.
 * Elsewhere: Python's mmh3.hash_bytes(text.encode('utf-16-le'), seed, x64arch=False)[:8], two little-endian words.
 *
 * Words are signed here: V8 keeps a signed 32-bit number in place, and makes an object of an unsigned one above 2^31.
 *
 * It is fast and spreads evenly, but has no secret: a producer who sets out to can make values collide, and so be
 * counted as fewer than they are.
 */
import type { EventBytes } from '../event-bytes.ts'

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** The code units that are being hashed, read out of a string first. */
let units = new Uint16Array(1024)

/** Hashes `text` into `out[0]` (first word) and `out[1]` (second): no object is made for a hash. */
export function hash64(text: string, out: Int32Array, seed = 0): void {
  const { length } = text
  if (length > units.length) units = new Uint16Array(length)
  const into = units
  for (let i = 0; i < length; i++) into[i] = text.charCodeAt(i)
  hashUnits(into, length, out, seed)
}

/** Hashes the text of an event's field as `hash64` does, without making it where it is ASCII. */
export function hashField(event: EventBytes, field: number, out: Int32Array, seed = 0): void {
  if (!event.isAscii(field)) {
    hash64(event.text(field), out, seed)
    return
  }
  const start = event.starts[field] as number
  hashAscii(event.view, start, (event.ends[field] as number) - start, out, seed)
}

/** Hashes a track, given its artist's hash and its title. */
export function hashTrack(artistFirst: number, artistSecond: number, title: string, out: Int32Array): void {
  hash64(title, out, artistFirst)
  out[1] = ((out[1] as number) + artistSecond) | 0
}

function hashUnits(units: Uint16Array, length: number, out: Int32Array, seed: number): void {
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  let at = 0

  for (const end = length - (length % 8); at < end; at += 8) {
    h1 = (Math.imul(rotl(h1 ^ scramble(word(units, at), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0
    h2 = (Math.imul(rotl(h2 ^ scramble(word(units, at + 2), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0
    h3 = (Math.imul(rotl(h3 ^ scramble(word(units, at + 4), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0
    h4 = (Math.imul(rotl(h4 ^ scramble(word(units, at + 6), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0
  }

  const left = length - at
  if (left > 6) h4 ^= scramble(unit(units, at + 6), C4, 18, C1)
  if (left > 4) h3 ^= scramble(left > 5 ? word(units, at + 4) : unit(units, at + 4), C3, 17, C4)
  if (left > 2) h2 ^= scramble(left > 3 ? word(units, at + 2) : unit(units, at + 2), C2, 16, C3)
  if (left > 0) h1 ^= scramble(left > 1 ? word(units, at) : unit(units, at), C1, 15, C2)

  finish(h1, h2, h3, h4, length, out)
}

/** As `hashUnits`, of the code units that ASCII bytes stand for. Up to three bytes after them are read, too. */
function hashAscii(view: DataView, start: number, length: number, out: Int32Array, seed: number): void {
  let h1 = seed | 0
  let h2 = h1
  let h3 = h1
  let h4 = h1
  let at = start
  let left = length

  for (; left >= 8; left -= 8, at += 8) {
    const low = view.getInt32(at, true)
    const high = view.getInt32(at + 4, true)
    h1 = (Math.imul(rotl(h1 ^ scramble(firstTwo(low), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0
    h2 = (Math.imul(rotl(h2 ^ scramble(lastTwo(low), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0
    h3 = (Math.imul(rotl(h3 ^ scramble(firstTwo(high), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0
    h4 = (Math.imul(rotl(h4 ^ scramble(lastTwo(high), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0
  }

  // Zeros in place of what is beyond the end scramble to zero, and change nothing.
  if (left > 4) {
    const high = view.getInt32(at + 4, true) & (0xffffff >>> ((7 - left) * 8))
    h4 ^= scramble(lastTwo(high), C4, 18, C1)
    h3 ^= scramble(firstTwo(high), C3, 17, C4)
  }
  if (left > 0) {
    const word = view.getInt32(at, true)
    const low = left >= 4 ? word : word & (0xffffff >>> ((3 - left) * 8))
    h2 ^= scramble(lastTwo(low), C2, 16, C3)
    h1 ^= scramble(firstTwo(low), C1, 15, C2)
  }
  finish(h1, h2, h3, h4, length, out)
}

function finish(h1: number, h2: number, h3: number, h4: number, length: number, out: Int32Array): void {
  const bytes = length * 2
  const sum = (h1 ^ bytes) + (h2 ^ bytes) + (h3 ^ bytes) + (h4 ^ bytes)
  const f1 = avalanche(sum | 0)
  const f2 = avalanche(((h2 ^ bytes) + sum) | 0)
  const f3 = avalanche(((h3 ^ bytes) + sum) | 0)
  const f4 = avalanche(((h4 ^ bytes) + sum) | 0)
  const first = (f1 + f2 + f3 + f4) | 0
  out[0] = first
  out[1] = (f2 + first) | 0
}

/** The code units of the first two bytes of a little-endian word, as one. */
function firstTwo(bytes: number): number {
  return (bytes & 0xff) | ((bytes & 0xff00) << 8)
}

/** The same of the last two. */
function lastTwo(bytes: number): number {
  return ((bytes >>> 16) & 0xff) | ((bytes >>> 8) & 0xff0000)
}

function unit(units: Uint16Array, at: number): number {
  return units[at] as number
}

/** Two code units as one little-endian word. */
function word(units: Uint16Array, at: number): number {
  return unit(units, at) | (unit(units, at + 1) << 16)
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
