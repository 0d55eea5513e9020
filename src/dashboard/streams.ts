/** The streams of `GET /api/live`: one for each view that somebody watches. */
import type { ServerResponse } from 'node:http'
import { MusicFakerError } from '../errors.ts'
import { LiveStream } from './stream.ts'
import type { ViewQuery } from './view.ts'
import { keyOf, type Views } from './views.ts'

/**
 * Views that are streamed at a time: each costs a summing up and a text whenever something changed. And clients of all
 * streams together.
 */
const LIMITS = { views: 32, clients: 5_000 }

export class LiveStreams {
  readonly #views: Views
  readonly #freshen: (() => Promise<void>) | undefined
  readonly #limits: typeof LIMITS
  readonly #streams = new Map<string, LiveStream>()
  /** Deltas that clients of streams missed which have ended. */
  #skippedBefore = 0
  #closed = false

  /** @param freshen as of LiveStream */
  constructor(views: Views, limits = LIMITS, freshen?: () => Promise<void>) {
    this.#views = views
    this.#freshen = freshen
    this.#limits = limits
  }

  get clients(): number {
    return this.#sum((stream) => stream.clients)
  }

  /** Views that somebody watches. */
  get views(): number {
    return this.#streams.size
  }

  /** Deltas that clients missed because their sockets were backed up. */
  get skipped(): number {
    return this.#skippedBefore + this.#sum((stream) => stream.skipped)
  }

  /** @throws BUSY when there are too many clients or views already */
  admit(query: ViewQuery): void {
    const { views, clients } = this.#limits
    const next = 'Try again later: /api/snapshot answers meanwhile.'
    if (this.clients >= clients) {
      throw new MusicFakerError('BUSY', `${clients} clients are streamed to already`, { next })
    }
    if (!this.#streams.has(keyOf(query)) && this.#streams.size >= views) {
      throw new MusicFakerError('BUSY', `${views} different views are streamed already`, { next })
    }
  }

  /** Takes over a response whose head is written. @param last id of the last message that the client saw */
  attach(response: ServerResponse, last: string | undefined, query: ViewQuery): void {
    if (this.#closed) {
      response.end()
      return
    }
    const key = keyOf(query)
    let stream = this.#streams.get(key)
    if (!stream) {
      // Looked up each time: Views forgets, and reckons no more with, what nobody asks it for.
      stream = new LiveStream(() => this.#views.get(query).sections(), this.#freshen)
      this.#streams.set(key, stream)
    }
    stream.attach(response, last)
    response.on('close', () => this.#left(key))
  }

  /** Ends every stream at once; those that come later end at once, too. */
  close(): void {
    this.#closed = true
    for (const stream of this.#streams.values()) stream.close()
    this.#streams.clear()
  }

  #left(key: string): void {
    const stream = this.#streams.get(key)
    if (!stream || stream.clients > 0) return
    this.#skippedBefore += stream.skipped
    stream.close()
    this.#streams.delete(key)
  }

  #sum(of: (stream: LiveStream) => number): number {
    let sum = 0
    for (const stream of this.#streams.values()) sum += of(stream)
    return sum
  }
}
