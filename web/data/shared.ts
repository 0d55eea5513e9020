/**
 * One stream for all the tabs that show a view. The tab that holds the view's lock has the stream and passes on what it
 * hears; when it closes, the browser gives the lock to the next. A tab that hears nothing from the holder for a while takes
 * the lock from it: browsers may freeze a tab that is not seen. Where there are no locks (a page that came by plain HTTP
 * from another machine), or the browser refuses locks or channel (site data is blocked), each tab has a stream of its own.
 */
import type { Snapshot } from '../../src/dashboard/api.ts'
import { follows } from './sequence.ts'
import { type Heard, SILENCE_MS, Source, type SourceListener } from './source.ts'
import type { Connection } from './status.ts'

type Passed =
  | { say: 'heard'; message: Heard }
  | { say: 'connection'; connection: Connection }
  /** From a tab that has missed something, or has just come. */
  | { say: 'tell' }
  | { say: 'retry' }

const BEAT_MS = 1_000

export class SharedSource {
  readonly #name: string
  readonly #query: string
  readonly #listener: SourceListener
  readonly #channel: BroadcastChannel | undefined
  readonly #closing = new AbortController()
  readonly #timer: ReturnType<typeof setInterval>
  /** While this tab holds the lock. */
  #own: Source | undefined
  /** The stream cannot be shared: this tab keeps its own, whatever others do. */
  #alone: boolean
  /** Everything heard so far as one snapshot: what a tab that comes later is told. */
  #whole: Snapshot | undefined
  #lastId = ''
  #heardAt = Date.now()

  /** @param query of the view, without `?` */
  constructor(query: string, listener: SourceListener) {
    this.#query = query
    this.#listener = listener
    this.#name = `music-faker ?${query}`
    this.#channel = openChannel(this.#name)
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Passed>) => this.#passed(data))
    this.#timer = setInterval(() => this.#beat(), BEAT_MS)
    this.#alone = this.#channel === undefined || navigator.locks === undefined
    if (this.#alone) this.#hold()
    else {
      this.#say({ say: 'tell' })
      this.#queue()
    }
  }

  retry(): void {
    if (this.#own !== undefined) this.#own.retry()
    else this.#say({ say: 'retry' })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#closing.abort()
    this.#own?.close()
    this.#own = undefined
    this.#channel?.close()
  }

  #queue(steal = false): void {
    const options = steal ? { steal } : { signal: this.#closing.signal }
    navigator.locks
      .request(this.#name, options, () => {
        if (this.#closing.signal.aborted) return
        this.#hold()
        return new Promise<void>((resolve) => this.#closing.signal.addEventListener('abort', () => resolve()))
      })
      .catch((error: unknown) => {
        // Closed, or the lock was taken away: whoever took it passes on from now on.
        this.#own?.close()
        this.#own = undefined
        this.#heardAt = Date.now()
        if (this.#closing.signal.aborted) return
        if (!(error instanceof DOMException && error.name === 'AbortError')) {
          // Refused for good: to ask again would be to ask without end.
          this.#alone = true
          this.#hold()
          return
        }
        // What its own stream said last, it takes for broken, perhaps.
        this.#say({ say: 'tell' })
        // After a theft this tab still stands in the queue.
        if (!steal) this.#queue()
      })
  }

  #hold(): void {
    this.#own = new Source(this.#query, {
      heard: (message) => {
        this.#heard(message)
        this.#say({ say: 'heard', message })
      },
      connection: (connection) => {
        this.#listener.connection(connection)
        this.#say({ say: 'connection', connection })
      },
    })
  }

  #heard(message: Heard): void {
    const whole = message.kind === 'snapshot' ? message.data : this.#whole && { ...this.#whole, ...message.data }
    if (whole === undefined) return
    this.#whole = whole
    this.#lastId = message.id
    this.#listener.heard(message)
  }

  #passed(passed: Passed): void {
    if (this.#own !== undefined) {
      if (passed.say === 'retry') this.#own.retry()
      if (passed.say === 'tell') {
        this.#say({ say: 'connection', connection: this.#own.connection })
        if (this.#whole) this.#say({ say: 'heard', message: { kind: 'snapshot', id: this.#lastId, data: this.#whole } })
      }
      return
    }
    if (passed.say === 'heard') {
      this.#heardAt = Date.now()
      if (passed.message.kind === 'snapshot' || follows(passed.message.id, this.#lastId)) this.#heard(passed.message)
      else this.#say({ say: 'tell' })
    } else if (passed.say === 'connection') {
      this.#heardAt = Date.now()
      this.#listener.connection(passed.connection)
    }
  }

  #beat(): void {
    // The holder speaks at least once a second, or says that its own stream is down.
    if (this.#own?.connection.stream === 'waiting') {
      this.#say({ say: 'connection', connection: this.#own.connection })
    }
    if (this.#own !== undefined || this.#alone) return
    if (Date.now() - this.#heardAt > SILENCE_MS) {
      this.#heardAt = Date.now()
      this.#queue(true)
    }
  }

  #say(passed: Passed): void {
    this.#channel?.postMessage(passed)
  }
}

/** None where the browser blocks site data. */
function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name)
  } catch {
    return undefined
  }
}
