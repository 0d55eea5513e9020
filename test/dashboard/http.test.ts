import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { problemSchema } from '../../src/dashboard/problem.ts'
import { ROUTES } from '../../src/dashboard/routes.ts'
import { hostAllowed } from '../../src/dashboard/security.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { Flow } from './flow.ts'
import { type Answer, ask } from './http.ts'

let flow: Flow
let dashboard: Dashboard
let noPage: string

beforeAll(async () => {
  flow = await Flow.open()
  noPage = await mkdtemp(join(tmpdir(), 'music-faker-no-page-'))
  await flow.generate(30)
  await flow.appendRaw('x')
  await flow.archive()
  dashboard = await flow.dashboard({ webFolder: noPage })
})
afterAll(async () => {
  await flow.close()
  await rm(noPage, { recursive: true, force: true })
})

const get = (path: string, options?: Parameters<typeof ask>[2]) => ask(dashboard.port, path, options)
const problemOf = (answer: Answer) => {
  expect(answer.headers['content-type']).toBe('application/problem+json')
  return problemSchema.parse(JSON.parse(answer.body))
}

describe('errors are problem documents', () => {
  it('404, naming the path and where to look', async () => {
    const answer = await get('/api/nothing?x=1')
    expect(answer.status).toBe(404)
    expect(problemOf(answer)).toMatchObject({
      type: 'urn:music-faker:error:not-found',
      title: 'Not Found',
      status: 404,
      code: 'NOT_FOUND',
      instance: '/api/nothing',
      next: expect.stringContaining('/openapi.json'),
    })
  })

  it.each([
    ['/api/top?limit=0', 'limit'],
    ['/api/top?limit=101', 'limit'],
    ['/api/top?limit=abc', 'limit'],
    ['/api/top?limit=2.5', 'limit'],
    ['/api/top?limit=1&limit=2', 'limit'],
    ['/api/top?kind=albums', 'kind'],
    ['/api/top?order=asc', 'order'],
    ['/api/recent?limit=1000000', 'limit'],
    ['/api/series?from=yesterday', 'from'],
    ['/api/series?step=minute&from=1970-01-01T00:00:00Z', '1500'],
    ['/api/series?from=2025-07-03T20:00:00Z&to=2025-07-03T19:00:00Z', 'from'],
  ])('400 for %s, naming %s', async (path, what) => {
    const answer = await get(path)
    expect(answer.status).toBe(400)
    expect(problemOf(answer)).toMatchObject({ code: 'USAGE', detail: expect.stringContaining(what) })
  })

  it('400 for a path that cannot be decoded', async () => {
    const answer = await get('/api/%ff')
    expect(answer.status).toBe(400)
    expect(problemOf(answer).status).toBe(400)
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('405 for %s', async (method) => {
    for (const path of ['/api/stats', '/', '/api/nothing']) {
      const answer = await get(path, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.allow).toBe('GET, HEAD')
      expect(problemOf(answer).code).toBe('USAGE')
    }
  })

  it('404 with what to do where the page is not built', async () => {
    const answer = await get('/')
    expect(answer.status).toBe(404)
    expect(problemOf(answer).next).toContain('npm run build:web')
  })
})

describe('security', () => {
  it('no answer can run, embed or be sniffed as anything else, or be read from elsewhere', async () => {
    for (const path of ['/', '/api/stats', '/api/nothing', '/metrics', '/api/top?limit=0']) {
      const { headers } = await get(path, { headers: { origin: 'http://evil.example' } })
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|\*|data:|https?:/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('refuses a Host header that is not this machine', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', 'evil.example:5001', '127.0.0.1.nip.io']) {
      const answer = await get('/api/stats', { headers: { host } })
      expect([host, answer.status]).toEqual([host, 421])
      expect(problemOf(answer).code).toBe('USAGE')
    }
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:5001', '[::1]:5001', '[::1]']) {
      expect([host, (await get('/api/stats', { headers: { host } })).status]).toEqual([host, 200])
    }
  })

  it('checks the Host header only where it is bound to this machine', () => {
    expect(hostAllowed('lab.example:5001', '0.0.0.0')).toBe(true)
    expect(hostAllowed('lab.example', '127.0.0.53')).toBe(false)
    expect(hostAllowed('127.0.0.53:80', '127.0.0.53')).toBe(true)
    expect(hostAllowed(undefined, '::1')).toBe(false)
    expect(hostAllowed('a b', 'localhost')).toBe(false)
  })

  it('counts requests by route, not by path', async () => {
    for (let i = 0; i < 3; i++) await get(`/nothing-${i}`)
    const { body } = await get('/metrics')
    expect(body).not.toContain('nothing-')
  })
})

describe('/openapi.json', () => {
  const documentSchema = z.looseObject({
    openapi: z.literal('3.1.0'),
    paths: z.record(
      z.string(),
      z.object({
        get: z.looseObject({
          parameters: z.array(
            z.looseObject({ name: z.string(), in: z.enum(['query', 'path']), schema: z.looseObject({}) }),
          ),
          responses: z.record(z.string(), z.looseObject({ description: z.string() })),
        }),
      }),
    ),
  })
  const read = async () => documentSchema.parse(JSON.parse((await get('/openapi.json')).body))

  it('describes every route, and each described route answers as its schema says', async () => {
    const { paths } = await read()
    expect(Object.keys(paths).sort()).toEqual(
      [
        ...ROUTES.map(({ path }) => path.replace(':name', '{name}')),
        ...['/api/live', '/api/export', '/metrics', '/openapi.json', '/docs'],
      ].sort(),
    )
    for (const { path: pattern, answers } of ROUTES) {
      const path = pattern.replace(':name', 'eric04')
      const { status, headers, body } = await get(path)
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'application/json; charset=utf-8'])
      expect(headers['cache-control']).toBe('no-store')
      answers[200]?.schema?.parse(JSON.parse(body))
    }
  })

  it('gives the limits that are held', async () => {
    const { paths } = await read()
    const limit = paths['/api/top']?.get.parameters.find(({ name }) => name === 'limit')
    expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 10 })
  })
})

describe('/docs', () => {
  it('describes every route on a page of its own, without a script or anything from elsewhere', async () => {
    const { status, headers, body } = await get('/docs')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'; form-action 'self'/)
    for (const { path, summary } of ROUTES) {
      expect(body).toContain(`<code>GET ${path}</code>`)
      expect(body).toContain(summary)
    }
    expect(body).not.toMatch(/<script|style=|https?:/)
    for (const [, link = ''] of body.matchAll(/(?:href|action)="([^"]+)"/g)) {
      const { status } = await get(link === '/api/live' ? '/api/live?window=2m' : link)
      // The page is not built here, a stream has no end, and a table needs to be named.
      expect([link, status]).toEqual([link, { '/': 404, '/api/live': 400, '/api/export': 400 }[link] ?? 200])
    }
  })

  it('has a field for every parameter', async () => {
    const { body } = await get('/docs')
    const form = body.match(/<form action="\/api\/export">.*?<\/form>/)?.[0] ?? ''
    for (const name of ['window', 'country', 'genre', 'part', 'format']) expect(form).toContain(`name="${name}"`)
    expect(form).toContain('<option selected>csv</option>')
  })

  it('lets each route be tried with the form as it stands', async () => {
    const { body } = await get('/docs')
    const forms = [...body.matchAll(/<form action="([^"]+)">(.*?)<\/form>/g)]
    expect(forms.length).toBeGreaterThan(10)
    for (const [, path, fields = ''] of forms) {
      const query = new URLSearchParams()
      for (const [, name = '', value = ''] of fields.matchAll(/<input name="([^"]+)" value="([^"]*)"/g))
        query.append(name, value)
      for (const [, name = '', options = ''] of fields.matchAll(/<select name="([^"]+)">(.*?)<\/select>/g))
        query.append(name, /<option selected>([^<]+)/.exec(options)?.[1] ?? /<option>([^<]+)/.exec(options)?.[1] ?? '')
      const stop = new AbortController()
      const { status } = await fetch(`${dashboard.url}${path}?${query}`, { signal: stop.signal })
      stop.abort()
      expect([path, String(query), status]).toEqual([path, String(query), 200])
    }
  })
})

describe('/metrics', () => {
  it('is Prometheus text of the right numbers, each name explained', async () => {
    const { headers, body } = await get('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    const values = new Map<string, number>()
    for (const line of body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
      const [, name, labels = '', value] = /^([a-z_]+)(\{.*\})? (\S+)$/.exec(line) ?? []
      expect(name, line).toMatch(/^musicfaker_[a-z_]+$/)
      expect(body).toContain(`# HELP ${name} `)
      expect(body).toMatch(new RegExp(`# TYPE ${name} ${name?.endsWith('_total') ? 'counter' : 'gauge'}`))
      values.set(`${name}${labels}`, Number(value))
    }
    expect(values.get('musicfaker_archived_events_total')).toBe(30)
    expect(values.get('musicfaker_quarantined_messages_total{reason="bad_json"}')).toBe(1)
    expect(values.get('musicfaker_quarantined_messages_total{reason="tombstone"}')).toBe(0)
    expect(values.get('musicfaker_dependency_up{dependency="lake"}')).toBe(1)
    expect(values.get('musicfaker_waiting_events{partition="0"}')).toBe(0)
    const committed = values.get('musicfaker_last_commit_timestamp_seconds') ?? 0
    expect(Math.abs(Date.now() / 1_000 - committed)).toBeLessThan(60)
  })
})

describe('starting', () => {
  it('says what to type where the port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await expect(flow.dashboard({ port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(String(port)),
      next: expect.stringMatching(/--port \d+/),
    })
    await new Promise((resolve) => other.close(resolve))
  })

  it('says so where the address is not of this machine', async () => {
    await expect(flow.dashboard({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('closes once, however often it is asked, and by its signal', async () => {
    const stop = new AbortController()
    const started = await flow.dashboard({ signal: stop.signal })
    expect((await ask(started.port, '/health/live')).status).toBe(200)
    stop.abort()
    await Promise.all([started.close(), started.close()])
    await expect(ask(started.port, '/health/live')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
