/** When to close a batch: pure decisions, no I/O. Every `now` here is monotonic milliseconds, as of `performance.now`. */

export interface BatchLimits {
  /** Messages in a batch, at most. */
  messages: number
  /** Bytes of messages after which the batch closes. */
  bytes: number
  /** Milliseconds after its first message at which a batch closes, however small. */
  ageMs: number
}

/** Each event day is an open file: a batch that meets more of them closes, so that hostile dates cannot open thousands. */
export const MAX_DAYS = 64

/** `consume -m realtime` commits what has come at least every second: this leaves 300 ms for the commit itself. */
export const REALTIME: BatchLimits = { messages: 500_000, bytes: 67_108_864, ageMs: 700 }

export interface BatchState {
  messages: number
  bytes: number
  /** Monotonic milliseconds (`performance.now`) of the first content, undefined while the batch is empty. A wall clock may jump. */
  openedAt: number | undefined
}

/** Whether the batch holds as much as it may. */
export function isLarge(messages: number, bytes: number, limits: BatchLimits): boolean {
  return messages >= limits.messages || bytes >= limits.bytes
}

/** Whether the batch is to be closed now. An empty batch never is. */
export function isFull(state: BatchState, limits: BatchLimits, now: number): boolean {
  if (state.openedAt === undefined) return false
  return isLarge(state.messages, state.bytes, limits) || now - state.openedAt >= limits.ageMs
}

/** How long to wait for more messages, in milliseconds: until the batch is due, at most `longest`. */
export function waitFor(state: BatchState, limits: BatchLimits, now: number, longest: number): number {
  if (state.openedAt === undefined) return longest
  return Math.max(0, Math.min(longest, state.openedAt + limits.ageMs - now))
}
