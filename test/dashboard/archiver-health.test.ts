import { expect, it } from 'vitest'
import type { BatchRecord } from '../../src/archive/record.ts'
import { healthSchema } from '../../src/dashboard/api.ts'
import { ArchiverHealth } from '../../src/dashboard/archiver-health.ts'
import { serveMetrics } from '../../src/dashboard/metrics-server.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { ProcessMetrics } from '../../src/process-metrics.ts'
import { Flow, until } from './flow.ts'

const T = Date.UTC(2025, 6, 3, 20)
const S = 1_000
const iso = (ms: number) => new Date(ms).toISOString()
const ok = (ms: number) => ({ state: 'ok', since: iso(ms) })
const full = new MusicFakerError('LAKE_FULL', 'the quota is used up', { next: 'Make room.' })
const silent = new MusicFakerError('LOG_UNREACHABLE', 'Kafka does not answer')
const committed = (partition: number) => ({
  ...{ kind: 'committed' as const, partition, seconds: 0 },
  record: {} as BatchRecord,
})

it('is well until a failure has lasted, and again once the partition has committed', () => {
  const archiver = new ArchiverHealth(T)
  expect(archiver.at(T)).toEqual({ log: ok(T), lake: ok(T) })
  archiver.archived({ kind: 'retrying', partition: 1, error: full }, T + S)
  expect(archiver.at(T + 2 * S).lake.state).toBe('ok')
  archiver.archived({ kind: 'retrying', partition: 1, error: full }, T + 3 * S)
  archiver.archived({ kind: 'retrying', partition: 2, error: full }, T + 3 * S)
  archiver.archived(committed(0), T + 4 * S)
  const failed = { state: 'failed', since: iso(T + S), next: 'Make room.' }
  expect(archiver.at(T + 4 * S)).toEqual({
    log: ok(T),
    lake: { ...failed, reason: 'partition 1 waits: the quota is used up' },
  })
  expect(archiver.at(T + 3_600 * S).lake.reason).toBe('partition 1 waits (and 1 more): the quota is used up')
  archiver.archived({ kind: 'claimed', partition: 2, fence: 1, next: 0 }, T + 5 * S)
  archiver.archived(committed(1), T + 6 * S)
  expect(archiver.at(T + 3_600 * S)).toEqual({ log: ok(T), lake: ok(T + 6 * S) })
})

it('tells a failing log from a failing lake, and forgets what has not failed for a minute', () => {
  const archiver = new ArchiverHealth(T)
  archiver.archived({ kind: 'retrying', partition: 0, error: silent }, T)
  archiver.archived({ kind: 'waiting', error: silent }, T)
  expect(archiver.at(T + 10 * S)).toMatchObject({ log: { state: 'failed' }, lake: { state: 'ok' } })
  archiver.archived({ kind: 'resumed' }, T + 11 * S)
  expect(archiver.at(T + 59 * S).log.state).toBe('failed')
  expect(archiver.at(T + 60 * S).log.state).toBe('ok')
  archiver.archived({ kind: 'retrying', partition: 0, error: silent }, T + 100 * S)
  expect(archiver.at(T + 103 * S).log).toMatchObject({ state: 'failed', since: iso(T + 100 * S) })
})

it('is not well with a partition that was given up, but for one that another owner has', () => {
  const archiver = new ArchiverHealth(T)
  const stop = (partition: number, code: 'LAKE_DENIED' | 'COMMIT_FENCED') =>
    archiver.archived({ kind: 'stopped', partition, error: new MusicFakerError(code, 'no') }, T + S)
  stop(0, 'COMMIT_FENCED')
  expect(archiver.at(T + 10 * S).lake.state).toBe('ok')
  stop(1, 'LAKE_DENIED')
  const { lake } = archiver.at(T + S)
  expect(lake).toEqual({ state: 'failed', since: iso(T + S), reason: 'partition 1 has STOPPED: no' })
  expect(archiver.at(T + 3_600 * S).lake).toEqual(lake)
})

it('shows in the health of a dashboard whose lake answers, and what waits stays known', async () => {
  const flow = await Flow.open()
  try {
    await flow.generate(20)
    await flow.archive()
    await flow.generate(5)
    const archiver = new ArchiverHealth(T)
    const { url } = await flow.dashboard({ archiver })
    const ask = async (path: string) => {
      const answer = await fetch(url + path)
      return { status: answer.status, body: (await answer.json()) as { waiting?: number } }
    }
    expect((await ask('/health/ready')).status).toBe(200)
    archiver.archived({ kind: 'retrying', partition: 1, error: full }, T)
    const { status, body } = await ask('/health/ready')
    expect([status, healthSchema.parse(body).dependencies]).toEqual([
      503,
      {
        log: expect.objectContaining({ state: 'ok' }),
        lake: expect.objectContaining({ reason: expect.stringContaining('partition 1 waits') }),
      },
    ])
    await until('what waits is known', async () => (await ask('/api/lag')).body.waiting === 5)
  } finally {
    await flow.close()
  }
})

it('is served beside the metrics of an archiver that serves no page', async () => {
  const archiver = new ArchiverHealth(T)
  const server = await serveMetrics({
    ...{ metrics: new ProcessMetrics(), archiver, profile: 'cluster' },
    ...{ host: '127.0.0.1', port: 0 },
  })
  try {
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`)
      return [answer.status, healthSchema.parse(await answer.json()).status]
    }
    expect(await ask('/health')).toEqual([200, 'ok'])
    archiver.archived({ kind: 'retrying', partition: 1, error: full }, T)
    expect(await ask('/health')).toEqual([503, 'failed'])
    expect(await ask('/health/ready')).toEqual([503, 'failed'])
    expect((await fetch(`http://127.0.0.1:${server.port}/health/live`)).status).toBe(200)
  } finally {
    await server.close()
  }
})
