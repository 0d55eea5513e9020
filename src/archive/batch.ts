/** When to close a batch: pure decisions, no I/O. Every `now` here is monotonic milliseconds, as of `performance.now`. */

export interface BatchLimits {
  /** Messages in a batch, at most. */
  messages: number
  /** Bytes of messages after which the batch closes. */
  bytes: number
  /** Milliseconds after its first message at which a batch closes, however small. */
  ageMs: number
  /** A batch of so many messages closes at this lower age already. */
  early?: { messages: number; ageMs: number }
}

/** Each event day is an open file: a batch that meets more of them closes, so that hostile dates cannot open thousands. */
export const MAX_DAYS = 64

/**
 * `consume -m realtime` commits what has come at least every second: 700 ms leave 300 for the commit itself. Where more
 * flows it commits sooner, as long as files do not get smaller than that.
 */
export const REALTIME: BatchLimits = {
  messages: 500_000,
  bytes: 67_108_864,
  ageMs: 700,
  early: { messages: 50, ageMs: 150 },
}

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
  return isLarge(state.messages, state.bytes, limits) || now - state.openedAt >= ageLimit(state, limits)
}

/** How long to wait for more messages, in milliseconds: until the batch is due, at most `longest`. */
export function waitFor(state: BatchState, limits: BatchLimits, now: number, longest: number): number {
  if (state.openedAt === undefined) return longest
  return Math.max(0, Math.min(longest, state.openedAt + ageLimit(state, limits) - now))
}

/** How long messages that come one by one may gather before the next read, in milliseconds: never beyond the batch's end. */
export function gatherFor(state: BatchState, limits: BatchLimits, now: number): number {
  return waitFor(state, limits, now, (limits.early ?? limits).ageMs / 4)
}

function ageLimit({ messages }: BatchState, { ageMs, early }: BatchLimits): number {
  return early && messages >= early.messages ? early.ageMs : ageMs
}
