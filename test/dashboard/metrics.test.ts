import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archive } from '../../src/archive/archiver.ts'
import { ArchiverHealth } from '../../src/dashboard/archiver-health.ts'
import { serveMetrics } from '../../src/dashboard/metrics-server.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { ProcessMetrics } from '../../src/process-metrics.ts'
import { faultyLake } from './faulty.ts'
import { Flow } from './flow.ts'
import { ask } from './http.ts'

const GRAFANA = new URL('../../docs/grafana.json', import.meta.url)

let flow: Flow
let text: string

/** Everything that one process can tell: an archiver that works and fails, and the dashboard over it. */
beforeAll(async () => {
  flow = await Flow.open()
  const metrics = new ProcessMetrics()
  const { lake, fault } = faultyLake(flow.lake)
  const measured = metrics.measured(lake)
  await flow.generate(300)
  await flow.appendRaw('{not json', 'x')
  await archive({
    ...{ log: flow.log, lake: measured, root: flow.root, group: 'metrics', once: true, acceptGap: false },
    limits: { messages: 10_000, bytes: 1_000_000, ageMs: 50 },
    signal: new AbortController().signal,
    report: (event) => metrics.archived(event),
  })
  fault.refuse()
  await expect(measured.stat('/')).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
  fault.mend()
  const error = new MusicFakerError('LAKE_UNREACHABLE', 'gone')
  metrics.archived({ kind: 'retrying', partition: 0, error })
  metrics.archived({ kind: 'stopped', partition: 0, error })
  metrics.archived({ kind: 'gap', partition: 0, first: 5, next: 9 })
  const dashboard = await flow.dashboard({ lake: measured, metrics })
  text = (await ask(dashboard.port, '/metrics')).body
})
afterAll(() => flow.close())

/** By name and labels, as they stand in the text. */
const value = (series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1],
  )

describe('the metrics of a process', () => {
  it('count what was archived, by outcome', () => {
    expect(value('musicfaker_archiver_messages_total{outcome="archived"}')).toBe(300)
    expect(value('musicfaker_archiver_messages_total{outcome="quarantined"}')).toBe(2)
    expect(value('musicfaker_archiver_messages_total{outcome="lost"}')).toBe(4)
    expect(value('musicfaker_batch_events_sum')).toBe(300)
    expect(value('musicfaker_batch_events_count')).toBe(value('musicfaker_commit_duration_seconds_count'))
    expect(value('musicfaker_commit_duration_seconds_sum')).toBeGreaterThan(0)
    expect(value('musicfaker_archiver_retries_total{code="LAKE_UNREACHABLE"}')).toBe(1)
    expect(value('musicfaker_archiver_stopped_partitions_total{code="LAKE_UNREACHABLE"}')).toBe(1)
  })

  it('count calls of the lake, by operation and result', () => {
    for (const operation of ['write', 'rename', 'list', 'read']) {
      expect([operation, value(`musicfaker_lake_calls_total{operation="${operation}",result="ok"}`)]).toEqual([
        operation,
        expect.toSatisfy((n: number) => n > 0),
      ])
    }
    expect(value('musicfaker_lake_calls_total{operation="stat",result="lake_unreachable"}')).toBe(1)
  })

  it('are served on a port of their own, to this machine only', async () => {
    const of = { metrics: new ProcessMetrics(), archiver: new ArchiverHealth(0), profile: 'embedded' }
    const server = await serveMetrics({ ...of, host: '127.0.0.1', port: 0 })
    try {
      const { status, headers, body } = await ask(server.port, '/metrics')
      expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
      expect(body).toContain('# TYPE musicfaker_commit_duration_seconds histogram')
      expect((await ask(server.port, '/metrics', { headers: { host: 'evil.example' } })).status).toBe(421)
      const taken = serveMetrics({ ...of, host: '127.0.0.1', port: server.port })
      await expect(taken).rejects.toMatchObject({ code: 'PORT_TAKEN' })
    } finally {
      await server.close()
    }
  })
})

describe('the metrics of the whole', () => {
  it('tell what has become of everything that was produced', () => {
    const outcomes = ['archived', 'quarantined', 'skipped', 'lost'].map((outcome) =>
      value(`musicfaker_events_total{stage="archive",outcome="${outcome}"}`),
    )
    expect(outcomes).toEqual([300, 2, 0, 0])
    expect(value('musicfaker_events_total{stage="log",outcome="appended"}')).toBe(302)
  })

  it('hold the rules of the format: each family once, with help and type, its series together and each once', () => {
    const families = new Map<string, string>()
    const series = new Set<string>()
    let current = ''
    for (const line of text.split('\n').filter(Boolean)) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? []
      if (name !== '') {
        expect(families.has(name), `${name} comes twice`).toBe(false)
        families.set(name, type)
        current = name
        expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'))
        expect(name.endsWith('_total'), name).toBe(type === 'counter')
        expect(name).toMatch(/^musicfaker_[a-z]+(_[a-z]+)*$/)
      } else if (!line.startsWith('#')) {
        const [key = ''] = /^[^ ]+(?= \S+$)/.exec(line) ?? []
        expect(
          key.replace(/\{.*/, '').replace(families.get(current) === 'histogram' ? /_(bucket|sum|count)$/ : '', ''),
        ).toBe(current)
        expect(series.has(key), `${key} comes twice`).toBe(false)
        series.add(key)
      }
    }
    expect(families.size).toBeGreaterThan(20)
  })

  it('pass promtool, where it is', async ({ skip }) => {
    const check = promisify(execFile)('promtool', ['check', 'metrics'])
    check.child.stdin?.on('error', () => undefined)
    check.child.stdin?.end(text)
    try {
      const { stdout, stderr } = await check
      expect(stdout + stderr).toBe('')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') skip('promtool is not installed')
      throw error
    }
  })
})

describe('docs/grafana.json', () => {
  interface Panel {
    title: string
    targets?: { expr: string }[]
  }
  const { panels } = JSON.parse(readFileSync(GRAFANA, 'utf8')) as { panels: Panel[] }
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))

  it('asks only for metrics that there are', () => {
    const names = new Set(Array.from(text.matchAll(/^(musicfaker_[a-z_]+)/gm), ([, name]) => name))
    for (const { title, expr } of queries) {
      const asked = expr.match(/musicfaker_[a-z_]+/g) ?? []
      expect(asked.length, title).toBeGreaterThan(0)
      for (const name of asked) expect(names, `${title}: ${name}`).toContain(name)
    }
  })

  it('asks for labels that these have', () => {
    for (const { title, expr } of queries) {
      for (const [, name, labels = ''] of expr.matchAll(/(musicfaker_[a-z_]+)\{([^}]*)\}/g)) {
        for (const [, label] of labels.matchAll(/(\w+)(?==)/g)) {
          if (label !== 'job') expect(text, `${title}: ${label}`).toMatch(new RegExp(`^${name}\\{[^}]*${label}="`, 'm'))
        }
      }
    }
  })

  it('shows what an operator alerts on', () => {
    const all = queries.map(({ expr }) => expr).join('\n')
    for (const name of [
      'waiting_events',
      'last_commit_timestamp_seconds',
      'quarantined_messages_total',
      'dependency_up',
      'commit_duration_seconds_bucket',
      'lake_calls_total',
    ]) {
      expect(all).toContain(`musicfaker_${name}`)
    }
  })
})
