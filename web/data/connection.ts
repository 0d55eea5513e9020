/**
 * Keeps the page up to date: by the server's stream, and by a plain refresh every 5 s while the stream is down.
 *
 * The browser's own reconnecting is not used: it neither tells when it will try again nor notices a connection that went
 * silent without closing.
 */
import { signal } from '@preact/signals'
import type { Delta, Snapshot } from '../../src/dashboard/api.ts'
import { backoff } from './backoff.ts'
import type { Connection } from './status.ts'
import { take, tick } from './store.ts'

/** The server sends something every second; after so long without, the connection is taken for dead. */
const SILENCE_MS = 5_000
const REFRESH_MS = 5_000

export const connection = signal<Connection>({ stream: 'connecting', retryAt: 0, refreshed: undefined })
/** The browser's clock, ticking: what countdowns are measured by. */
export const browserNow = signal(Date.now())

let source: EventSource | undefined
let lastId = ''
let heardAt = 0
let attempt = 0
let refreshAt = 0
let refreshing = false

/** Call once. */
export function start(): void {
  connect()
  setInterval(beat, 500)
  window.addEventListener('online', connectNow)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') connectNow()
  })
}

/** Tries again at once, instead of when the wait is over. */
export function connectNow(): void {
  if (connection.value.stream === 'waiting') connect()
}

function connect(): void {
  heardAt = Date.now()
  const stream = new EventSource(lastId === '' ? '/api/live' : `/api/live?last=${encodeURIComponent(lastId)}`)
  source = stream
  set({ stream: connection.value.stream === 'waiting' ? 'waiting' : 'connecting' })
  stream.addEventListener('snapshot', heard)
  stream.addEventListener('delta', heard)
  stream.addEventListener('error', () => {
    if (source === stream) disconnected()
  })
}

function heard(message: MessageEvent<string>): void {
  heardAt = Date.now()
  attempt = 0
  lastId = message.lastEventId
  if (connection.value.stream !== 'open') set({ stream: 'open', refreshed: undefined })
  take(JSON.parse(message.data) as Snapshot | Delta)
}

function disconnected(): void {
  source?.close()
  source = undefined
  if (connection.value.stream === 'open') refreshAt = 0
  set({ stream: 'waiting', retryAt: Date.now() + backoff(attempt) * 1_000 })
  attempt++
}

function beat(): void {
  browserNow.value = Date.now()
  tick()
  if (source !== undefined) {
    if (Date.now() - heardAt > SILENCE_MS) disconnected()
  } else if (Date.now() >= connection.value.retryAt) connect()
  if (connection.value.stream !== 'open' && Date.now() >= refreshAt && connection.value.retryAt > 0) void refresh()
}

async function refresh(): Promise<void> {
  if (refreshing) return
  refreshing = true
  refreshAt = Date.now() + REFRESH_MS
  try {
    const response = await fetch('/api/snapshot', { cache: 'no-store', signal: AbortSignal.timeout(REFRESH_MS) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    take((await response.json()) as Snapshot)
    // A refresh is whole, and newer than what the id stands for.
    lastId = ''
    set({ refreshed: true })
  } catch {
    set({ refreshed: false })
  } finally {
    refreshing = false
  }
}

function set(change: Partial<Connection>): void {
  connection.value = { ...connection.value, ...change }
}
