/**
 * `GET /api/live`: server-sent events. A client gets a `snapshot`, then a `delta` when sections changed (at most four a
 * second) and at least one a second, so that silence means a broken connection. Ids are `<run>-<sequence>`; who comes
 * back with the current id goes on with deltas, anyone else gets a snapshot.
 *
 * Nothing is queued for a client: one whose socket has not taken the last message misses deltas, and gets a snapshot
 * once it has. So memory per client is at most one message, and one text serves all clients.
 */
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Delta, Sections, Snapshot } from './api.ts'

const TICK_MS = 250
/** A delta goes out after so long even if nothing changed. */
const BEAT_MS = 1_000
/** A client that has taken nothing for so long is cut off: a browser that wakes up reconnects by itself. */
const STUCK_MS = 30_000
/** How long a browser waits before it reconnects by itself. */
const RETRY_MS = 2_000

interface Client {
  response: ServerResponse
  /** Epoch milliseconds since when it has missed deltas. */
  missedSince: number | undefined
}

export class LiveStream {
  readonly #sections: () => Sections
  readonly #freshen: () => Promise<void>
  readonly #now: () => number
  readonly #run = randomUUID().slice(0, 8)
  readonly #clients = new Set<Client>()
  #timer: NodeJS.Timeout | undefined
  #sent: Sections
  #sentAt = 0
  #sequence = 0
  #skipped = 0
  #closed = false

  /**
   * @param sections what is known now: each section a new object when it changed, the same one when it did not
   * @param freshen called before `sections` is, to look for what has come since; it must not reject
   */
  constructor(sections: () => Sections, freshen = async () => {}, now: () => number = Date.now) {
    this.#sections = sections
    this.#freshen = freshen
    this.#now = now
    this.#sent = sections()
  }

  get clients(): number {
    return this.#clients.size
  }

  /** Deltas that clients missed because their sockets were backed up. */
  get skipped(): number {
    return this.#skipped
  }

  /** Takes over a response whose head is written. @param last id of the last message that the client saw */
  attach(response: ServerResponse, last: string | undefined): void {
    if (this.#closed) {
      response.end()
      return
    }
    // While others are served, what was sent last is new enough; a tick for each who comes would send them deltas too often.
    if (this.#timer === undefined) this.#tick()
    const client: Client = { response, missedSince: undefined }
    this.#clients.add(client)
    response.on('close', () => this.#detach(client))
    response.on('error', () => this.#detach(client))
    response.write(`retry: ${RETRY_MS}\n\n`)
    if (last !== this.#id()) response.write(this.#snapshot())
    if (this.#timer === undefined) this.#tickLater()
  }

  /** Ends every stream at once; those that come later end at once, too. */
  close(): void {
    this.#closed = true
    for (const { response } of this.#clients) response.end()
    this.#clients.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #detach(client: Client): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Deltas are never closer than that, and what they tell of is looked for right before. */
  #tickLater(): void {
    const timer = setTimeout(async () => {
      await this.#freshen()
      if (this.#timer !== timer) return
      this.#tick()
      this.#tickLater()
    }, TICK_MS)
    this.#timer = timer
  }

  #tick(): void {
    const now = this.#now()
    const current = this.#sections()
    const changed = difference(this.#sent, current)
    if (Object.keys(changed).length === 0 && now - this.#sentAt < BEAT_MS) return
    this.#sent = current
    this.#sentAt = now
    this.#sequence++

    const delta = this.#message('delta', { at: iso(now), ...changed } satisfies Delta)
    let snapshot: string | undefined
    for (const client of this.#clients) {
      if (client.response.writableLength > 0) this.#skip(client, now)
      else if (client.missedSince === undefined) client.response.write(delta)
      else {
        snapshot ??= this.#snapshot()
        client.response.write(snapshot)
        client.missedSince = undefined
      }
    }
  }

  #skip(client: Client, now: number): void {
    this.#skipped++
    client.missedSince ??= now
    if (now - client.missedSince > STUCK_MS) client.response.destroy()
  }

  #snapshot(): string {
    return this.#message('snapshot', { at: iso(this.#now()), ...this.#sent } satisfies Snapshot)
  }

  #message(event: 'snapshot' | 'delta', data: Snapshot | Delta): string {
    return `id: ${this.#id()}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  }

  #id(): string {
    return `${this.#run}-${this.#sequence}`
  }
}

/** The sections of `after` that are not the very objects of `before`. */
export function difference(before: Sections, after: Sections): Partial<Sections> {
  const changed = Object.entries(after).filter(([key, value]) => before[key as keyof Sections] !== value)
  return Object.fromEntries(changed)
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
