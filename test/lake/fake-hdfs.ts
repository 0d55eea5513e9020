/**
 * An HTTP server that answers as a NameNode or DataNode may, for what a healthy HDFS does not show: standby, safe mode,
 * time-outs, broken connections. The answers were taken from Hadoop 3.5.0.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (call: {
  request: IncomingMessage
  response: ServerResponse
  op: string
  query: URLSearchParams
}) => void

export class FakeHdfs {
  /** Of each request: `PUT RENAME /path`. */
  readonly calls: string[] = []
  /** The whole address of each request, as it was sent. */
  readonly urls: string[] = []
  readonly #server: Server
  /** Stays known after `stop`: then nothing listens there. */
  address = ''
  handler: Handler

  private constructor(handler: Handler) {
    this.handler = handler
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake')
      const op = searchParams.get('op') ?? ''
      this.calls.push(`${request.method} ${op} ${decodeURIComponent(pathname).replace('/webhdfs/v1', '')}`)
      this.urls.push(request.url ?? '')
      this.handler({ request, response, op, query: searchParams })
    })
  }

  static async start(handler: Handler): Promise<FakeHdfs> {
    const fake = new FakeHdfs(handler)
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    fake.address = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`
    return fake
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export function json(status: number, body: unknown): Handler {
  return ({ response }) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

export function refuse(exception: string, message: string, status = 403): Handler {
  return json(status, { RemoteException: { exception, javaClassName: `some.package.${exception}`, message } })
}

export const STANDBY = refuse(
  'StandbyException',
  'Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error\n\tat org.apache.X.y(Z.java:1)',
)

export const FILE_STATUS = json(200, {
  FileStatus: { pathSuffix: '', type: 'FILE', length: 5, modificationTime: 1_700_000_000_000 },
})
