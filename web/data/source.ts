/**
 * One view's figures from the server: its stream, and a plain refresh every 5 s while the stream is down.
 *
 * The browser's own reconnecting is not used: it neither tells when it will try again nor notices a connection that went
 * silent without closing.
 */
import type { Delta, Snapshot } from '../../src/dashboard/api.ts'
import { backoff } from './backoff.ts'
import { follows } from './sequence.ts'
import type { Connection } from './status.ts'

/** The server sends something every second; after so long without, the connection is taken for dead. */
export const SILENCE_MS = 5_000
const REFRESH_MS = 5_000
const BEAT_MS = 500

/** What came, and the id that the next delta must follow; no id where it came by a plain refresh. */
export type Heard = { kind: 'snapshot'; id: string; data: Snapshot } | { kind: 'delta'; id: string; data: Delta }

export interface SourceListener {
  heard(message: Heard): void
  connection(connection: Connection): void
}

export class Source {
  readonly #query: string
  readonly #listener: SourceListener
  readonly #timer: ReturnType<typeof setInterval>
  #connection: Connection = { stream: 'connecting', retryAt: 0, refreshed: undefined }
  #stream: EventSource | undefined
  #lastId = ''
  #heardAt = 0
  #attempt = 0
  #refreshAt = 0
  #refreshing = false
  #closed = false

  /** @param query of the view, without `?` */
  constructor(query: string, listener: SourceListener) {
    this.#query = query
    this.#listener = listener
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
    this.#connect()
  }

  get connection(): Connection {
    return this.#connection
  }

  /** Tries again at once, instead of when the wait is over. */
  retry(): void {
    if (this.#stream === undefined) this.#connect()
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#stream?.close()
  }

  #connect(): void {
    this.#stream?.close()
    this.#heardAt = Date.now()
    const stream = new EventSource(this.#address('/api/live', this.#lastId))
    this.#stream = stream
    this.#set({})
    stream.addEventListener('snapshot', (message) => this.#heard('snapshot', message))
    stream.addEventListener('delta', (message) => this.#heard('delta', message))
    stream.addEventListener('error', () => {
      if (this.#stream === stream) this.#disconnected()
    })
  }

  #heard(kind: 'snapshot' | 'delta', { data, lastEventId: id }: MessageEvent<string>): void {
    if (this.#closed) return
    this.#heardAt = Date.now()
    if (kind === 'delta' && !follows(id, this.#lastId)) {
      // Some were missed: without an id, the server begins with a snapshot.
      this.#lastId = ''
      this.#connect()
      return
    }
    this.#attempt = 0
    this.#lastId = id
    if (this.#connection.stream !== 'open') this.#set({ stream: 'open', refreshed: undefined })
    this.#listener.heard({ kind, id, data: JSON.parse(data) } as Heard)
  }

  #disconnected(): void {
    this.#stream?.close()
    this.#stream = undefined
    if (this.#connection.stream === 'open') this.#refreshAt = 0
    this.#set({ stream: 'waiting', retryAt: Date.now() + backoff(this.#attempt) * 1_000 })
    this.#attempt++
  }

  #beat(): void {
    const now = Date.now()
    const { stream, retryAt } = this.#connection
    if (this.#stream !== undefined) {
      if (now - this.#heardAt > SILENCE_MS) this.#disconnected()
    } else if (now >= retryAt) this.#connect()
    if (stream === 'waiting' && now >= this.#refreshAt) void this.#refresh()
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    this.#refreshAt = Date.now() + REFRESH_MS
    try {
      const signal = AbortSignal.timeout(REFRESH_MS)
      const response = await fetch(this.#address('/api/snapshot'), { cache: 'no-store', signal })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const data = (await response.json()) as Snapshot
      if (this.#closed || this.#connection.stream === 'open') return
      // A refresh is whole, and newer than what the id stands for.
      this.#lastId = ''
      this.#listener.heard({ kind: 'snapshot', id: '', data })
      this.#set({ refreshed: true })
    } catch {
      if (!this.#closed && this.#connection.stream !== 'open') this.#set({ refreshed: false })
    } finally {
      this.#refreshing = false
    }
  }

  #address(path: string, last = ''): string {
    const query = new URLSearchParams(this.#query)
    if (last !== '') query.set('last', last)
    const text = query.toString()
    return text === '' ? path : `${path}?${text}`
  }

  #set(change: Partial<Connection>): void {
    this.#connection = { ...this.#connection, ...change }
    this.#listener.connection(this.#connection)
  }
}
