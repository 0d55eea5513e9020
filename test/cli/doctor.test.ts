import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/commands/doctor.ts'
import { type Finding, inOrder } from '../../src/cli/doctor/finding.ts'
import { clockFinding, diskFinding, portStep } from '../../src/cli/doctor/machine.ts'
import { loadConfig } from '../../src/config.ts'
import { MusicFakerError } from '../../src/errors.ts'

const servers: ReturnType<typeof createServer>[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))))
})

async function listening(body: string): Promise<number> {
  const server = createServer((_, response) => response.end(body))
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

const configOf = (port: number) => loadConfig({ port, host: '127.0.0.1' }, {}).config

async function collect(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const all: Finding[] = []
  for await (const finding of findings) all.push(finding)
  return all
}

test('what follows a failure is skipped, not tried', async () => {
  let tried = false
  const steps = [
    { check: 'one', run: async () => 'fine' },
    {
      check: 'two',
      run: async () => {
        throw new MusicFakerError('LOG_UNREACHABLE', 'no answer', { next: 'music-faker up' })
      },
    },
    {
      check: 'three',
      run: async () => {
        tried = true
        return 'never'
      },
    },
  ]
  expect(await collect(inOrder(steps, new AbortController().signal))).toEqual([
    { check: 'one', verdict: 'ok', detail: 'fine' },
    { check: 'two', verdict: 'failed', detail: 'no answer', next: 'music-faker up', code: 'LOG_UNREACHABLE' },
    { check: 'three', verdict: 'skipped', detail: 'needs the one before' },
  ])
  expect(tried).toBe(false)
})

test('a warning holds nothing up', async () => {
  const steps = [
    { check: 'one', run: async () => ({ verdict: 'warning' as const, detail: 'tight' }) },
    { check: 'two', run: async () => 'fine' },
  ]
  const findings = await collect(inOrder(steps, new AbortController().signal))
  expect(findings.map(({ verdict }) => verdict)).toEqual(['warning', 'ok'])
})

test('a bug is not taken for a finding', async () => {
  const step = { check: 'one', run: () => Promise.reject(new TypeError('bug')) }
  await expect(collect(inOrder([step], new AbortController().signal))).rejects.toThrow(TypeError)
})

test('the exit code tells unreachable from other failures', () => {
  const failed = (code: 'LOG_UNREACHABLE' | 'PORT_TAKEN'): Finding => ({
    check: 'x',
    verdict: 'failed',
    detail: '',
    code,
  })
  expect(exitCodeOf([{ check: 'x', verdict: 'warning', detail: '' }])).toBe(0)
  expect(exitCodeOf([failed('PORT_TAKEN')])).toBe(1)
  expect(exitCodeOf([failed('PORT_TAKEN'), failed('LOG_UNREACHABLE')])).toBe(69)
  expect(exitCodeOf([{ check: 'clock', verdict: 'failed', detail: '' }])).toBe(1)
})

test('disk: enough, tight, too little', () => {
  expect([10e9, 2e9, 1e8].map((free) => diskFinding(free, '/data').verdict)).toEqual(['ok', 'warning', 'failed'])
})

test('clock: before this program existed, and away from the NameNode', () => {
  const now = Date.UTC(2026, 0, 1)
  expect(clockFinding(0, undefined).verdict).toBe('failed')
  expect(clockFinding(now, undefined).verdict).toBe('ok')
  expect(clockFinding(now, now + 2_000)).toMatchObject({
    verdict: 'ok',
    detail: "2026-01-01T00:00:00 UTC, 2 s from the NameNode's clock",
  })
  expect(clockFinding(now, now - 3_600_000).verdict).toBe('warning')
})

test('a port held by another program is told with its holder and a way out', async () => {
  const port = await listening('hello')
  const [finding] = await collect(inOrder([portStep(configOf(port))], new AbortController().signal))
  expect(finding).toMatchObject({ verdict: 'failed', code: 'PORT_TAKEN' })
  expect(finding?.next).toContain(`--port ${port + 1}`)
  if (process.platform === 'linux') expect(finding?.detail).toContain(`pid ${process.pid}`)
})

test('a port held by a dashboard is as it should be', async () => {
  const port = await listening('{"total_events":12}')
  const [finding] = await collect(inOrder([portStep(configOf(port))], new AbortController().signal))
  expect(finding).toEqual({
    check: 'dashboard port',
    verdict: 'ok',
    detail: `127.0.0.1:${port} is held by a running dashboard`,
  })
})
