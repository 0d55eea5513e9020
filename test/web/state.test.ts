import { describe, expect, it } from 'vitest'
import type { Clocks, Dependencies } from '../../src/dashboard/api.ts'
import { backoff } from '../../web/data/backoff.ts'
import { type Connection, statusOf } from '../../web/data/status.ts'
import { choose } from '../../web/words/choose.ts'

const NOW = Date.UTC(2025, 6, 3, 20, 11, 16)
const ok = { state: 'ok' as const, since: '2025-07-03T20:00:00.000Z' }
const failed = { ...ok, state: 'failed' as const, reason: 'no' }
const clocks = (freshness: Clocks['freshness']): Clocks => ({
  ...{ newestEvent: null, lastCommit: null, lakeReadAt: null, logReadAt: null },
  freshness,
})

function status(facts: {
  connection?: Partial<Connection>
  paused?: boolean
  health?: Dependencies
  freshness?: Clocks['freshness']
}) {
  return statusOf({
    connection: { stream: 'open', retryAt: 0, refreshed: undefined, ...facts.connection },
    paused: facts.paused ?? false,
    health: facts.health ?? { log: ok, lake: ok },
    clocks: clocks(facts.freshness ?? 'fresh'),
    browserNow: NOW,
  })
}

describe('the state of the page', () => {
  it('is live while the stream is open and all is well, or nothing was ever archived', () => {
    expect(status({})).toEqual({ word: 'live' })
    expect(status({ freshness: 'empty' })).toEqual({ word: 'live' })
  })

  it('is stale when log or lake fails, or no event was archived for a minute', () => {
    expect(status({ health: { log: failed, lake: ok } })).toEqual({ word: 'stale', because: 'failure' })
    expect(status({ health: { log: ok, lake: failed }, freshness: 'stale' })).toEqual({
      word: 'stale',
      because: 'failure',
    })
    expect(status({ freshness: 'stale' })).toEqual({ word: 'stale', because: 'silence' })
  })

  it('is reconnecting while the refresh works or was not tried, else disconnected, with the seconds to the next try', () => {
    const waiting = { stream: 'waiting' as const, retryAt: NOW + 2_100 }
    expect(status({ connection: waiting })).toEqual({ word: 'reconnecting', seconds: 3 })
    expect(status({ connection: { ...waiting, refreshed: true } })).toEqual({ word: 'reconnecting', seconds: 3 })
    expect(status({ connection: { ...waiting, refreshed: false } })).toEqual({ word: 'disconnected', seconds: 3 })
    expect(status({ connection: { ...waiting, retryAt: NOW - 500 } })).toEqual({ word: 'reconnecting', seconds: 0 })
  })

  it('is connecting at first, and paused whatever else holds', () => {
    expect(status({ connection: { stream: 'connecting' } })).toEqual({ word: 'connecting' })
    expect(status({ connection: { stream: 'waiting' }, paused: true, freshness: 'stale' })).toEqual({ word: 'paused' })
  })
})

describe('the wait before the next try', () => {
  it('doubles up to ten seconds', () => {
    expect([0, 1, 2, 3, 4, 5, 50, 5_000].map(backoff)).toEqual([1, 2, 4, 8, 10, 10, 10, 10])
  })
})

describe('the language', () => {
  it('is the one chosen before, else the first of the browser’s that there is, else English', () => {
    expect(choose('fr', ['en-US'])).toBe('fr')
    expect(choose(null, ['ja', 'fr-CA', 'en'])).toBe('fr')
    expect(choose('xx', ['EN-gb', 'fr'])).toBe('en')
    expect(choose(null, [])).toBe('en')
  })
})
