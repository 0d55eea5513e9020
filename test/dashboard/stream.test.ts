import { type ClientRequest, createServer, get, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Delta, type Sections, type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { difference, LiveStream } from '../../src/dashboard/stream.ts'
import { Flow, until } from './flow.ts'

interface Message {
  id: string
  event: string
  data: Snapshot | Delta
  /** Milliseconds, monotonic. */
  at: number
}

/** A client that reads everything as it comes. */
class Listener {
  readonly messages: Message[] = []
  ended = false
  response: IncomingMessage | undefined
  readonly #request: ClientRequest
  #text = ''

  constructor(port: number, headers: Record<string, string> = {}, path = '/api/live') {
    this.#request = get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      this.response = response
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => this.#take(chunk))
      response.on('close', () => {
        this.ended = true
      })
    })
    this.#request.on('error', () => {
      this.ended = true
    })
  }

  /** The first snapshot with every delta since laid over it. */
  get state(): Snapshot {
    return snapshotSchema.parse(Object.assign({}, ...this.messages.map(({ data }) => data)))
  }

  stop(): void {
    this.#request.destroy()
  }

  #take(chunk: string): void {
    this.#text += chunk
    const blocks = this.#text.split('\n\n')
    this.#text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      )
      const { id = '', event = '', data } = fields
      if (data !== undefined) this.messages.push({ id, event, data: JSON.parse(data), at: performance.now() })
    }
  }
}

let flow: Flow
let dashboard: Dashboard
const listeners: Listener[] = []
const listen = (...options: [headers?: Record<string, string>, path?: string]) => {
  const listener = new Listener(dashboard.port, ...options)
  listeners.push(listener)
  return listener
}
const total = (listener: Listener) => listener.state.totals?.events

describe('/api/live', () => {
  beforeEach(async () => {
    flow = await Flow.open()
    await flow.generate(40)
    await flow.archive()
    dashboard = await flow.dashboard()
  })
  afterEach(async () => {
    for (const listener of listeners.splice(0)) listener.stop()
    await flow.close()
  })

  it('sends a snapshot, then what changes', async () => {
    const listener = listen()
    await until('a snapshot comes', () => listener.messages.length > 0)
    expect(listener.response?.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(listener.response?.headers['cache-control']).toBe('no-store')
    expect(listener.messages[0]?.event).toBe('snapshot')
    expect(total(listener)).toBe(40)

    await flow.generate(60)
    await flow.archive()
    await until('the totals change', () => total(listener) === 100)
    await until('nothing waits', () => listener.state.lag.waiting === 0)
    expect(listener.messages.slice(1).every(({ event }) => event === 'delta')).toBe(true)
    const now = snapshotSchema.parse(await (await fetch(`${dashboard.url}/api/snapshot`)).json())
    const { distributions, top, durations, series, quarantine, health, profile, topic } = now
    expect(listener.state).toMatchObject({ distributions, top, durations, series, quarantine, health, profile, topic })
  })

  it.each(['header', 'query'] as const)('goes on where a client left off (%s)', async (how) => {
    const first = listen()
    await until('two messages come', () => first.messages.length >= 2)
    const resume = (id: string) =>
      how === 'header' ? listen({ 'last-event-id': id }) : listen({}, `/api/live?last=${id}`)

    const missed = resume(first.messages[0]!.id)
    const unknown = resume('ffffffff-1')
    await until('both get a message', () => missed.messages.length > 0 && unknown.messages.length > 0)
    expect([missed.messages[0]?.event, unknown.messages[0]?.event]).toEqual(['snapshot', 'snapshot'])

    // Only a client that comes back before the next delta can be up to date.
    let upToDate: Listener
    do {
      upToDate = resume(first.messages.at(-1)!.id)
      await until('it gets a message', () => upToDate.messages.length > 0)
    } while (upToDate.messages[0]?.event !== 'delta')
    expect(Object.keys(upToDate.messages[0].data)).toContain('at')
  })

  it('forgets a client that left', async () => {
    const listener = listen()
    await until('it is counted', async () => (await metric('musicfaker_stream_clients')) === 1)
    listener.stop()
    await until('it is not', async () => (await metric('musicfaker_stream_clients')) === 0)
  })

  it('ends at once when the server closes', async () => {
    const listener = listen()
    await until('a snapshot comes', () => listener.messages.length > 0)
    const before = performance.now()
    await dashboard.close()
    await until('it ended', () => listener.ended)
    expect(performance.now() - before).toBeLessThan(1_500)
  })

  it('answers HEAD without a stream, and refuses other parameters', async () => {
    const head = await fetch(`${dashboard.url}/api/live`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect((await fetch(`${dashboard.url}/api/live?since=1`)).status).toBe(400)
  })
})

describe('the pace of deltas', () => {
  it('is four a second at most and one at least, with ids that leave none out', async () => {
    let n = 0
    let changing = true
    let sections = {} as Sections
    const stream = new LiveStream(() => {
      if (changing) sections = { profile: String(n++) } as Sections
      return sections
    })
    const { server, port } = await serve(stream)
    const listener = new Listener(port)
    try {
      await until('nine messages come', () => listener.messages.length >= 9)
      changing = false
      await until('three more come', () => listener.messages.length >= 12)
    } finally {
      stream.close()
      listener.stop()
      server.close()
    }

    const deltas = listener.messages.slice(1)
    expect(deltas.every(({ event }) => event === 'delta')).toBe(true)
    // Timers are not exact: five deltas take four pauses of 250 ms, less a little.
    for (let i = 4; i < deltas.length; i++) expect(deltas[i]!.at - deltas[i - 4]!.at).toBeGreaterThan(900)
    for (let i = 1; i < deltas.length; i++) expect(deltas[i]!.at - deltas[i - 1]!.at).toBeLessThan(1_900)
    expect(Object.keys(deltas.at(-1)!.data)).toEqual(['at'])
    const numbers = listener.messages.map(({ id }) => Number(id.split('-')[1]))
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i))
  })

  it('has what came last looked for right before each', async () => {
    let looks = 0
    const stream = new LiveStream(
      () => ({ profile: String(looks) }) as Sections,
      async () => {
        looks++
      },
    )
    const { server, port } = await serve(stream)
    const listener = new Listener(port)
    try {
      await until('four messages come', () => listener.messages.length >= 4)
    } finally {
      stream.close()
      listener.stop()
      server.close()
    }
    expect(listener.messages.slice(0, 4).map(({ data }) => data.profile)).toEqual(['0', '1', '2', '3'])
  })
})

describe('a client that does not read', () => {
  /** Too much for the buffers of the operating system, so that few messages are needed to fill them. */
  const large = (n: number) => ({ problems: [{ message: String(n).repeat(3_000_000) }] }) as Sections
  let sections = large(0)
  let skew = 0
  let stream: LiveStream
  let server: Server
  let socket: Socket

  beforeEach(async () => {
    skew = 0
    stream = new LiveStream(
      () => sections,
      undefined,
      () => Date.now() + skew,
    )
    const serving = await serve(stream)
    server = serving.server
    socket = connect(serving.port, '127.0.0.1')
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let n = 0
    await until('deltas are skipped', () => {
      sections = large(++n % 10)
      return stream.skipped > 3
    })
  })
  afterEach(() => {
    socket.destroy()
    stream.close()
    server.closeAllConnections()
    server.close()
  })

  it('is sent nothing more, then a snapshot once it reads', async () => {
    const sent: string[] = []
    socket.on('data', (chunk) => sent.push(...(chunk.toString('latin1').match(/event: \w+/g) ?? [])))
    const skipped = stream.skipped
    socket.resume()
    await until('two snapshots have come', () => sent.filter((event) => event === 'event: snapshot').length === 2)
    const backed = sent.lastIndexOf('event: snapshot')
    expect(backed).toBeLessThan(skipped)
    expect(stream.clients).toBe(1)
  })

  it('is cut off after half a minute', async () => {
    expect(stream.clients).toBe(1)
    skew = 31_000
    await until('it is cut off', () => stream.clients === 0)
  })
})

describe('difference', () => {
  it('is the sections that are other objects now', () => {
    const before = { profile: 'embedded', rate: { perSecond: 1, history: [] } } as unknown as Snapshot
    expect(difference(before, { ...before })).toEqual({})
    expect(difference(before, { ...before, rate: { perSecond: 2, history: [] } })).toEqual({
      rate: { perSecond: 2, history: [] },
    })
  })
})

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${dashboard.url}/metrics`)).text()
  return Number(text.match(new RegExp(`^${name} (.+)$`, 'm'))?.[1])
}

async function serve(stream: LiveStream): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => stream.attach(response, undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}
