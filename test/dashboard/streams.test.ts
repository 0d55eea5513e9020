import type { ServerResponse } from 'node:http'
import { get } from 'node:http'
import { PassThrough } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import { Live } from '../../src/dashboard/live.ts'
import { problemSchema } from '../../src/dashboard/problem.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { LiveStream } from '../../src/dashboard/stream.ts'
import { LiveStreams } from '../../src/dashboard/streams.ts'
import { Views } from '../../src/dashboard/views.ts'
import { Flow, until } from './flow.ts'

let flow: Flow
let dashboard: Dashboard

beforeAll(async () => {
  flow = await Flow.open()
  await flow.generate(400, 30 * 60_000)
  await flow.archive()
  dashboard = await flow.dashboard()
})
afterAll(() => flow.close())

/** A stream's status, and its first snapshot with every delta since laid over it. */
class Client {
  status = 0
  state: Partial<Snapshot> = {}
  readonly #request

  constructor(query: string) {
    this.#request = get(
      { port: dashboard.port, host: '127.0.0.1', path: `/api/live?${query}`, agent: false },
      (response) => {
        this.status = response.statusCode ?? 0
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          const blocks = (text + chunk).split('\n\n')
          text = blocks.pop() ?? ''
          for (const [, data] of blocks.map((block) => /^data: (.*)$/m.exec(block) ?? [])) {
            if (data !== undefined) Object.assign(this.state, JSON.parse(data))
          }
        })
      },
    )
    this.#request.on('error', () => undefined)
  }

  stop(): void {
    this.#request.destroy()
  }
}

const metric = async (name: string) => {
  const text = await (await fetch(`${dashboard.url}/metrics`)).text()
  return Number(text.match(new RegExp(`^${name} (.+)$`, 'm'))?.[1])
}

describe('streams of views', () => {
  it('give the view that was asked for, as it changes', async () => {
    const query = 'window=60m&device=Mobile'
    const client = new Client(query)
    await until('a snapshot comes', () => client.state.viewTotals !== undefined)
    expect(client.state.view).toMatchObject({ window: '60m', filter: { device: ['Mobile'] } })
    await flow.generate(300, 60_000)
    await flow.archive()
    await until('the stream shows what the snapshot says', async () => {
      const now = snapshotSchema.parse(await (await fetch(`${dashboard.url}/api/snapshot?${query}`)).json())
      const { viewTotals, distributions, top, totals } = client.state
      const there = { viewTotals: now.viewTotals, distributions: now.distributions, top: now.top }
      return totals?.events === 700 && isDeepStrictEqual({ viewTotals, distributions, top }, there)
    })
    client.stop()
  })

  it('are shared by who asks for the same, and end with the last of them', async () => {
    await until('nobody is there', async () => (await metric('musicfaker_streamed_views')) === 0)
    const clients = ['window=5m&genre=Rock&genre=Pop', 'genre=Pop&window=5m&genre=Rock', 'window=5m'].map(
      (q) => new Client(q),
    )
    await until('there are three', async () => (await metric('musicfaker_stream_clients')) === 3)
    expect(await metric('musicfaker_streamed_views')).toBe(2)
    for (const client of clients) client.stop()
    await until('all have ended', async () => (await metric('musicfaker_streamed_views')) === 0)
  })

  it('are at most 32; another is told to come later, and can', async () => {
    const clients = Array.from({ length: 32 }, (_, i) => new Client(`genre=g${i}`))
    await until('there are 32', async () => (await metric('musicfaker_streamed_views')) === 32)
    const refused = await fetch(`${dashboard.url}/api/live?genre=another`)
    expect([refused.status, problemSchema.parse(await refused.json()).code]).toEqual([503, 'BUSY'])
    const joins = new Client('genre=g0')
    await until('one more of the same is let in', () => joins.status === 200)
    expect((await fetch(`${dashboard.url}/api/snapshot?genre=another`)).status).toBe(200)
    for (const client of [...clients, joins]) client.stop()
    await until('all have ended', async () => (await metric('musicfaker_streamed_views')) === 0)
    const late = new Client('genre=another')
    await until('it is let in', () => late.status === 200)
    late.stop()
  })

  it('show views that are remembered, however many others are asked for meanwhile', async () => {
    const { log, lake, root } = flow
    const logger = pino({ level: 'silent' })
    const views = new Views(new Live({ log, lake, root, group: 'archivers', profile: 'embedded', logger }))
    const streams = new LiveStreams(views)
    const query = { window: '5m' as const, filter: {} }
    const view = views.get(query)
    streams.attach(new PassThrough() as unknown as ServerResponse, undefined, query)
    for (let other = 0; other < 80; other++) {
      if (other === 40) {
        const { usedAt } = view
        await until('the stream has shown it again', () => view.usedAt > usedAt)
      }
      views.get({ window: '5m', filter: { genre: [String(other)] } })
    }
    expect(views.get(query)).toBe(view)
    streams.close()
  })

  it('have a limit of clients', () => {
    const view = { sections: () => ({}) }
    const streams = new LiveStreams({ get: () => view } as unknown as Views, { views: 2, clients: 3 })
    const query = { window: 'all' as const, filter: {} }
    for (let i = 0; i < 3; i++) {
      streams.admit(query)
      streams.attach(new PassThrough() as unknown as ServerResponse, undefined, query)
    }
    expect(() => streams.admit(query)).toThrow(expect.objectContaining({ code: 'BUSY' }))
    streams.close()
    expect(streams.clients).toBe(0)
  })
})

describe('a thousand clients that do not read', () => {
  it('hold one message each at most, whatever comes', async () => {
    let n = 0
    let now = 0
    const message = 20_000
    const stream = new LiveStream(
      () => ({ problems: [{ message: String(++n % 10).repeat(message) }] }) as never,
      undefined,
      () => now,
    )
    // Responses whose sockets take nothing: a buffer of one byte is full at once.
    const clients = Array.from({ length: 1_000 }, () => new PassThrough({ highWaterMark: 1 }))
    for (const client of clients) stream.attach(client as unknown as ServerResponse, undefined)
    const held = () => clients.reduce((sum, client) => sum + client.writableLength + client.readableLength, 0)
    await until('each has missed some deltas', () => stream.skipped >= 3_000)
    expect(stream.clients).toBe(1_000)
    expect(held() / 1_000).toBeLessThan(1.1 * message)
    now = 60_000
    await until('all are cut off', () => stream.clients === 0)
    stream.close()
  })
})
