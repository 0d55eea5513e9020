import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout } from 'node:timers/promises'
import type { Agent } from 'undici'
import { MusicFakerError } from '../errors.ts'
import { lakeError, networkFailure, refusal, remoteError, Unavailable } from './webhdfs-errors.ts'

/** What the buffers of a connection take whole. */
const SENT_AT_ONCE_BYTES = 65_536
const LONGEST_WAIT_MS = 50

/** True for a body that has been sent before a refusal of it can break the connection. */
export function fitsAtOnce(body: Uint8Array | AsyncIterable<Uint8Array>): boolean {
  return body instanceof Uint8Array && body.byteLength <= SENT_AT_ONCE_BYTES
}

interface Answer {
  status: number
  text: string
}

/**
 * The second half of CREATE and OPEN: the bytes go between this process and the DataNode that the NameNode named.
 *
 * Reading uses undici. Writing uses node:http, because a DataNode answers `100 Continue` to every CREATE, asked or not,
 * and undici (8.12) takes that for a broken server and drops the connection.
 */
export class DataNodes {
  readonly #agent: Agent
  readonly #token: string | undefined
  readonly #timeout: number

  /** @param timeout milliseconds that the DataNode may keep us waiting; waiting for the body is not counted */
  constructor(agent: Agent, token: string | undefined, timeout: number) {
    this.#agent = agent
    this.#token = token
    this.#timeout = timeout
  }

  /**
   * Streams a body into a new file and resolves with the number of bytes once HDFS has closed it. Errors of the body
   * itself pass unchanged; the part that was sent then stays in HDFS as a closed, shorter file.
   *
   * A DataNode that refuses closes the connection, and what is on its way to it then destroys the answer as well (14
   * times in 100). So a body that may not fit into the connection's buffers is held back until the file is there.
   * @param isThere whether the NameNode has the file
   */
  async create(
    url: URL,
    path: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    isThere: () => Promise<boolean>,
  ): Promise<number> {
    const upload = new Upload(url, body instanceof Uint8Array ? body.byteLength : undefined, this.#timeout)
    if (!fitsAtOnce(body)) await upload.begin(isThere)
    const bytes = await upload.send(body instanceof Uint8Array ? [body] : body)
    const answer = await upload.answer.catch((error: unknown) => {
      throw unreachable(error, 'write', path, url)
    })
    if (answer.status !== 201) throw this.#refusal(answer, 'write', path, url)
    return bytes
  }

  /** Streams a file. Stopping early closes the connection. */
  async *open(url: URL, path: string): AsyncGenerator<Uint8Array> {
    try {
      const { origin, pathname, search } = url
      const { statusCode, body } = await this.#agent.request({ origin, path: pathname + search, method: 'GET' })
      if (statusCode !== 200) throw this.#refusal({ status: statusCode, text: await body.text() }, 'read', path, url)
      yield* body
    } catch (error) {
      throw unreachable(error, 'read', path, url)
    }
  }

  #refusal({ status, text }: Answer, doing: string, path: string, url: URL): MusicFakerError {
    const remote = remoteError(text, this.#token)
    if (remote) return refusal(remote, doing, path)
    return lakeError('LAKE_FAILED', `cannot ${doing} ${path}: DataNode ${url.host} answered HTTP ${status}`)
  }
}

function unreachable(error: unknown, doing: string, path: string, url: URL): MusicFakerError {
  if (error instanceof MusicFakerError) return error
  return new MusicFakerError(
    'LAKE_UNREACHABLE',
    `cannot ${doing} ${path}: DataNode ${url.host}: ${networkFailure(error).message}`,
    {
      cause: error,
      next: `This machine must resolve and reach each DataNode by the name HDFS gives: try "curl http://${url.host}/".`,
    },
  )
}

/** One PUT, with backpressure, and with an ear for an answer that comes before the body has ended. */
class Upload {
  /** Resolves with the answer whenever it comes; rejects with the network's error. */
  readonly answer: Promise<Answer>
  readonly #request: ClientRequest
  readonly #timeout: number
  #over = false

  constructor(url: URL, length: number | undefined, timeout: number) {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    this.#timeout = timeout
    this.#request = start(url, {
      method: 'PUT',
      // A DataNode closes the connection after each answer, so there is none to keep.
      agent: false,
      headers: {
        'content-type': 'application/octet-stream',
        ...(length === undefined ? {} : { 'content-length': length }),
      },
    })
    this.answer = new Promise<Answer>((resolve, reject) => {
      this.#request.on('error', reject)
      this.#request.on('response', (response) => {
        this.#over = true
        textOf(response).then(resolve, reject)
      })
    }).finally(() => {
      this.#over = true
    })
    // It may fail while the body is still being awaited; `create` looks at it afterwards.
    this.answer.catch(() => undefined)
  }

  /** Sends the head of the request and waits until the file is there, or the DataNode has answered. */
  async begin(isThere: () => Promise<boolean>): Promise<void> {
    this.#request.flushHeaders()
    try {
      await this.#within(this.#untilThere(isThere))
    } catch (error) {
      this.#request.destroy()
      throw error
    }
  }

  async #untilThere(isThere: () => Promise<boolean>): Promise<void> {
    for (let wait = 1; !this.#over && !(await isThere()); wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      await setTimeout(wait)
    }
  }

  /** Sends the body, as far as the DataNode takes it. Throws only what the body throws. */
  async send(body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
    let bytes = 0
    try {
      for await (const chunk of body) {
        if (this.#over) break
        bytes += chunk.byteLength
        if (!this.#request.write(chunk)) await this.#within(this.#drained())
      }
    } catch (error) {
      this.#request.destroy()
      throw error
    }
    if (!this.#over) this.#request.end()
    await this.#within(this.answer.catch(() => undefined))
    return bytes
  }

  #drained(): Promise<unknown> {
    const drained = new Promise((resolve) => this.#request.once('drain', resolve))
    return Promise.race([drained, this.answer.catch(() => undefined)])
  }

  /** Ends the request when the DataNode keeps us waiting too long, which settles `answer` and so `promise`. */
  async #within(promise: Promise<unknown>): Promise<void> {
    const giveUp = () => this.#request.destroy(new Unavailable('no answer in time', false))
    const timer = globalThis.setTimeout(giveUp, this.#timeout)
    await promise.finally(() => clearTimeout(timer))
  }
}

async function textOf(response: IncomingMessage): Promise<Answer> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode ?? 0, text }
}
