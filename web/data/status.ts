/** The state of the page in one word, decided from facts. */
import type { Clocks, Dependencies } from '../../src/dashboard/api.ts'

export interface Connection {
  stream: 'connecting' | 'open' | 'waiting'
  /** Epoch milliseconds by the browser's clock: when the next attempt is due. */
  retryAt: number
  /** Whether the last plain refresh succeeded; undefined before one was tried since the stream broke. */
  refreshed: boolean | undefined
}

export type Status =
  | { word: 'connecting' }
  | { word: 'live' }
  | { word: 'paused' }
  | { word: 'stale'; because: 'failure' | 'silence' }
  | { word: 'reconnecting'; seconds: number }
  | { word: 'disconnected'; seconds: number }

/**
 * live          the stream is open, log and lake answer, the last commit is fresh (or there has never been one)
 * stale         the stream is open, but the figures are not current: log or lake fails, or nothing was committed for a minute
 * reconnecting  the stream is down; the figures come from a plain refresh every 5 s
 * disconnected  the stream is down, and the refresh fails too
 */
export function statusOf(facts: {
  connection: Connection
  paused: boolean
  health: Dependencies | undefined
  clocks: Clocks | undefined
  browserNow: number
}): Status {
  const { connection, health, clocks } = facts
  if (facts.paused) return { word: 'paused' }
  if (connection.stream === 'connecting') return { word: 'connecting' }
  if (connection.stream === 'waiting') {
    const seconds = Math.max(0, Math.ceil((connection.retryAt - facts.browserNow) / 1_000))
    return { word: connection.refreshed === false ? 'disconnected' : 'reconnecting', seconds }
  }
  const failed = health?.log.state === 'failed' || health?.lake.state === 'failed'
  if (failed) return { word: 'stale', because: 'failure' }
  return clocks?.freshness === 'stale' ? { word: 'stale', because: 'silence' } : { word: 'live' }
}
