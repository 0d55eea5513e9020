/**
 * What is known of one listener or artist: read from the newest files of the lake, so many bytes at most and for so long at
 * most that it costs the same however large the lake is. The answer says how far back it looked.
 */
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { DataFile } from '../stats/follower.ts'
import type { Lookup } from './api-lookup.ts'
import { Found, type Subject } from './found.ts'
import { iso } from './sections.ts'

/** What one search may read. */
const LIMITS = { bytes: 67_108_864, ms: 2_000 }
const FILES_AT_ONCE = 8
/** Searches at a time; more would each get less of the bytes and the time. */
const SEARCHES_AT_ONCE = 2
/** Who asks the same again within it is given the same. */
const REMEMBERED_MS = 5_000
const REMEMBERED = 64
const LF = 0x0a

/** What was read so far; the last file of it perhaps in part. */
interface Read {
  files: number
  bytes: number
  events: number
}

export class Lookups {
  readonly #lake: LakeStorage
  readonly #files: () => readonly DataFile[]
  readonly #limits: typeof LIMITS
  readonly #answers = new Map<string, { at: number; answer: Promise<Lookup> }>()
  #running = 0

  /** @param files the newest data files of the lake, newest first */
  constructor(lake: LakeStorage, files: () => readonly DataFile[], limits = LIMITS) {
    this.#lake = lake
    this.#files = files
    this.#limits = limits
  }

  /**
   * Takes the limit of time at most, and the call of the lake that is under way then.
   * @param name as rows show it, which may be cut
   * @throws BUSY when others are being looked up; COMMIT_CORRUPT for a line that is no event; what the lake throws
   */
  find(subject: Subject, name: string): Promise<Lookup> {
    const key = `${subject} ${name}`
    const known = this.#answers.get(key)
    if (known && performance.now() - known.at < REMEMBERED_MS) return known.answer
    if (this.#running >= SEARCHES_AT_ONCE) {
      throw new MusicFakerError('BUSY', 'other names are being looked up', { next: 'Ask again in a second.' })
    }
    this.#running++
    const answer = this.#search(subject, name).finally(() => this.#running--)
    this.#answers.delete(key)
    this.#answers.set(key, { at: performance.now(), answer })
    answer.catch(() => this.#answers.delete(key))
    if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value as string)
    return answer
  }

  async #search(subject: Subject, name: string): Promise<Lookup> {
    const began = performance.now()
    const found = new Found(subject, name)
    const queue = this.#files()[Symbol.iterator]()
    const read: Read = { files: 0, bytes: 0, events: 0 }
    let oldest: number | null = null
    let cut = false
    const spent = () => read.bytes >= this.#limits.bytes || performance.now() - began >= this.#limits.ms
    const worker = async () => {
      for (const file of queue) {
        if (spent()) {
          cut = true
          return
        }
        read.files++
        oldest = Math.min(oldest ?? file.committedAt, file.committedAt)
        if (!(await this.#readFile(file.path, found, read, spent))) cut = true
      }
    }
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker))
    const seconds = Math.round(performance.now() - began) / 1_000
    return { ...found.read(), lookedBack: { ...read, from: iso(oldest), complete: !cut, seconds } }
  }

  /** @returns false when it was not read to its end */
  async #readFile(path: string, found: Found, read: Read, spent: () => boolean): Promise<boolean> {
    let rest: Uint8Array = new Uint8Array()
    try {
      for await (const chunk of this.#lake.stream(path)) {
        const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
        const end = bytes.lastIndexOf(LF) + 1
        // As it is read: a file may be larger than all that may be.
        read.bytes += chunk.length
        read.events += found.scan(bytes.subarray(0, end), path)
        rest = bytes.subarray(end)
        if (spent()) return false
      }
      return true
    } catch (error) {
      // Merged into another file since it was committed.
      if (hasCode(error, 'LAKE_NOT_FOUND')) return false
      throw error
    }
  }
}
