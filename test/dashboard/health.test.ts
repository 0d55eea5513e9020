import { describe, expect, it } from 'vitest'
import { both, Dependency } from '../../src/dashboard/health.ts'
import { MusicFakerError } from '../../src/errors.ts'

const T = Date.UTC(2025, 6, 3, 20)
const iso = (ms: number) => new Date(ms).toISOString()
const refused = new MusicFakerError('LAKE_UNREACHABLE', 'HDFS does not answer', { next: 'Run: music-faker up' })

function dependency() {
  return new Dependency(T, 2_500, 'no answer yet')
}

describe('a dependency', () => {
  it('counts as failed until it has answered', () => {
    const lake = dependency()
    expect(lake.at(T + 10)).toEqual({ state: 'failed', since: iso(T), reason: 'no answer yet' })
    lake.begun(T + 20)
    lake.succeeded(T + 30)
    expect(lake.at(T + 40)).toEqual({ state: 'ok', since: iso(T + 30) })
  })

  it('keeps the time of the first success and of the first failure', () => {
    const lake = dependency()
    lake.succeeded(T + 1)
    lake.succeeded(T + 2)
    expect(lake.at(T + 3).since).toBe(iso(T + 1))
    lake.failed(T + 4, refused)
    lake.failed(T + 5, refused)
    const { state, since, reason, next } = lake.at(T + 6)
    expect({ state, since, reason, next }).toEqual({
      state: 'failed',
      since: iso(T + 4),
      reason: 'HDFS does not answer',
      next: 'Run: music-faker up',
    })
    lake.succeeded(T + 7)
    expect(lake.at(T + 8)).toEqual({ state: 'ok', since: iso(T + 7) })
  })

  it('fails while a call hangs, and since that call', () => {
    const lake = dependency()
    lake.succeeded(T)
    lake.begun(T + 1_000)
    expect(lake.at(T + 3_500).state).toBe('ok')
    expect(lake.at(T + 3_501)).toMatchObject({ state: 'failed', since: iso(T + 1_000) })
    lake.failed(T + 9_000, refused)
    expect(lake.at(T + 9_000)).toMatchObject({ since: iso(T + 1_000), reason: 'HDFS does not answer' })
    lake.begun(T + 9_500)
    lake.succeeded(T + 9_600)
    expect(lake.at(T + 9_700)).toEqual({ state: 'ok', since: iso(T + 9_600) })
  })

  it('that answered after all is well since then', () => {
    const lake = dependency()
    lake.succeeded(T)
    lake.begun(T + 1_000)
    lake.succeeded(T + 8_000)
    expect(lake.at(T + 8_000)).toEqual({ state: 'ok', since: iso(T + 8_000) })
  })

  it('tells nothing of an unexpected failure but where to look', () => {
    const lake = dependency()
    lake.failed(T, new Error('secret path /home/eric'))
    expect(JSON.stringify(lake.at(T))).not.toContain('eric')
  })
})

describe('both', () => {
  it('is well only when both are, since the later one', () => {
    const ok = (ms: number) => ({ state: 'ok' as const, since: iso(ms) })
    const bad = { state: 'failed' as const, since: iso(T), reason: 'no' }
    expect(both(ok(T), ok(T + 1))).toEqual(ok(T + 1))
    expect(both(ok(T + 1), ok(T))).toEqual(ok(T + 1))
    expect(both(bad, ok(T + 1))).toBe(bad)
    expect(both(ok(T + 1), bad)).toBe(bad)
  })
})
