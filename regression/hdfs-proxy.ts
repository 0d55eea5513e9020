/**
 * Stands between the program and a real HDFS, the DataNodes' transfers included, and does to chosen calls what networks,
 * gateways and dying servers do.
 */
import { once } from 'node:events'
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** One HTTP call: `CREATE` and `OPEN` are one to the NameNode, and then one to a DataNode. */
export interface HdfsCall {
  op: string
  to: 'namenode' | 'datanode'
}

/** What becomes of a call. */
export interface Fate {
  /** It reaches HDFS: before the caller is answered, with half of its body, after the caller has given up, or never. */
  happens: 'yes' | 'half' | 'late' | 'never'
  /** What the caller is told: nothing at all, a broken connection, or an answer that is not HDFS's. */
  answer: 'silence' | 'broken' | { status: number; body: string; type?: string }
}

/** How much later than that a late call happens. */
const LATE_MS = 200
const TO_DATANODE = '/datanode/'

export class HdfsProxy {
  readonly #namenode: URL
  readonly #server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing))
  readonly #late = new Set<Promise<unknown>>()
  /** Undefined lets a call through. */
  decide: (call: HdfsCall) => Fate | undefined = () => undefined

  private constructor(namenode: string) {
    this.#namenode = new URL(namenode)
  }

  static async start(namenode: string): Promise<HdfsProxy> {
    const proxy = new HdfsProxy(namenode)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** Lets late calls happen first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await Promise.all(this.#late)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Resolves when every late call has happened. */
  async settled(): Promise<void> {
    await Promise.all(this.#late)
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = this.#targetOf(incoming.url ?? '')
    const to = url.host === this.#namenode.host ? 'namenode' : 'datanode'
    const fate = this.decide({ op: url.searchParams.get('op') ?? '', to })
    // Whoever breaks off is no concern of the proxy.
    outgoing.on('error', () => undefined)
    if (!fate) {
      const call = this.#call(url, incoming)
      call.on('response', (answer) => void this.#pass(answer, outgoing))
      call.on('error', () => outgoing.destroy())
      incoming.on('error', () => call.destroy()).pipe(call)
      return
    }
    const body = await buffer(incoming).catch(() => undefined)
    if (body === undefined) return
    const sent = fate.happens === 'half' ? body.subarray(0, body.length / 2) : body
    const happen = async () => {
      const answered = once(this.#call(url, incoming, sent.length).end(sent), 'response')
      await buffer((await answered)[0])
    }
    if (fate.happens === 'yes' || fate.happens === 'half') await happen()
    if (fate.happens === 'late')
      this.#later(
        once(outgoing, 'close')
          .then(() => sleep(LATE_MS))
          .then(happen),
      )
    this.#answer(outgoing, fate.answer)
  }

  #answer(outgoing: ServerResponse, answer: Fate['answer']): void {
    if (answer === 'silence') return
    if (answer === 'broken') outgoing.destroy()
    else outgoing.writeHead(answer.status, { 'content-type': answer.type ?? 'application/json' }).end(answer.body)
  }

  #later(call: Promise<unknown>): void {
    this.#late.add(call)
    void call.finally(() => this.#late.delete(call))
  }

  #targetOf(path: string): URL {
    if (!path.startsWith(TO_DATANODE)) return new URL(path, this.#namenode)
    const [host = '', ...rest] = path.slice(TO_DATANODE.length).split('/')
    return new URL(`/${rest.join('/')}`, `http://${host}`)
  }

  #call(url: URL, { method, headers: received }: IncomingMessage, length?: number): ClientRequest {
    const headers = { ...received, host: url.host }
    if (length !== undefined && 'content-length' in headers) headers['content-length'] = String(length)
    const call = request(url, { method: method ?? 'GET', agent: false, headers })
    call.flushHeaders()
    return call
  }

  /** The address of a DataNode becomes one of the proxy. */
  async #pass(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(answer)
    const text = body.toString()
    const passed = text.startsWith('{"Location":"http://')
      ? text.replace('http://', `${this.address}${TO_DATANODE}`)
      : body
    outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? '' }).end(passed)
  }
}
