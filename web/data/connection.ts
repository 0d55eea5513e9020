/** Connects the page to the figures of the view that is asked for, and keeps its clock. */
import { effect, signal } from '@preact/signals'
import { view } from './here.ts'
import { SharedSource } from './shared.ts'
import type { Connection } from './status.ts'
import { take, tick } from './store.ts'

/** A tab that nobody has seen for so long gives up its stream: browsers allow a server only six. */
const UNSEEN_MS = 60_000
const BEAT_MS = 500
const CONNECTING: Connection = { stream: 'connecting', retryAt: 0, refreshed: undefined }

export const connection = signal<Connection>(CONNECTING)
/** The browser's clock, ticking: what countdowns are measured by. */
export const browserNow = signal(Date.now())

let source: SharedSource | undefined
let seenAt = Date.now()

/** Call once. */
export function start(): void {
  effect(() => connect(view.value))
  setInterval(beat, BEAT_MS)
  window.addEventListener('online', connectNow)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return
    if (source === undefined) connect(view.peek())
    else connectNow()
  })
}

/** Tries again at once, instead of when the wait is over. */
export function connectNow(): void {
  source?.retry()
}

function connect(query: string): void {
  source?.close()
  connection.value = CONNECTING
  source = new SharedSource(query, {
    heard: ({ data }) => take(query, data),
    connection: (changed) => {
      connection.value = changed
    },
  })
}

function beat(): void {
  browserNow.value = Date.now()
  tick()
  if (document.visibilityState === 'visible') seenAt = Date.now()
  else if (source !== undefined && Date.now() - seenAt > UNSEEN_MS) {
    source.close()
    source = undefined
    connection.value = CONNECTING
  }
}
