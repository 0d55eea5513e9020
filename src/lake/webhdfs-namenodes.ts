import type { Agent } from 'undici'
import { isUnready, lakeError, networkFailure, refusal, remoteError, Unavailable } from './webhdfs-errors.ts'

export interface WebHdfsOptions {
  /** Addresses such as `http://nn1:9870`, tried in this order. */
  namenodes: readonly string[]
  /** `user.name` of the requests; unused where there is a token. */
  user: string
  /** Delegation token. Sent with each request, shown nowhere. */
  token?: string
  /** Milliseconds without an answer, or without progress of one, after which a request is given up. */
  requestTimeout: number
}

/** Calls that are answered otherwise the second time: what came of the first must be looked at. */
const ONCE: ReadonlySet<string> = new Set(['RENAME', 'CONCAT'])

/** One call to a NameNode. */
export interface Call {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  op: string
  path: string
  query?: Readonly<Record<string, string>>
  /** The verb of error messages. */
  doing: string
}

interface Answer {
  status: number
  location: string | undefined
  text: string
}

/**
 * The NameNodes of one HDFS. A call goes to the one that answered last; when that cannot serve it, to the next, once
 * round. After a failure that leaves the outcome open, only calls that may be repeated go on.
 */
export class NameNodes {
  readonly #options: WebHdfsOptions
  readonly #agent: Agent
  #active = 0

  constructor(options: WebHdfsOptions, agent: Agent) {
    this.#options = options
    this.#agent = agent
  }

  /**
   * Asks, and gives the JSON of the answer; undefined for an empty one.
   * @throws LAKE_UNREACHABLE naming every NameNode that was tried; otherwise what the refusal means
   */
  async ask(call: Call): Promise<unknown> {
    const { text } = await this.#anyOf(call)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** Asks for the DataNode that serves a CREATE or OPEN, which has no effect yet. Throws as `ask` does. */
  async locate(call: Call): Promise<URL> {
    const query = { ...call.query, noredirect: 'true' }
    const { location, text } = await this.#anyOf({ ...call, query })
    // Servers that do not know `noredirect` answer 307 with the header.
    const address = location ?? (JSON.parse(text || '{}') as { Location?: string }).Location ?? ''
    // The address carries the token, so it must not be part of the error.
    if (!URL.canParse(address))
      throw lakeError('LAKE_FAILED', `cannot ${call.doing} ${call.path}: no DataNode was named`)
    return new URL(address)
  }

  async #anyOf(call: Call): Promise<Answer> {
    const { namenodes } = this.#options
    const first = this.#active
    const reasons: string[] = []
    for (let tried = 0; tried < namenodes.length; tried++) {
      const index = (first + tried) % namenodes.length
      const namenode = namenodes[index] ?? ''
      try {
        const answer = await this.#send(namenode, call)
        this.#active = index
        return answer
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          this.#active = index
          throw error
        }
        reasons.push(`${namenode} (${error.message})`)
        if (this.#active === index) this.#active = (index + 1) % namenodes.length
        if (!error.unsent && ONCE.has(call.op)) break
      }
    }
    throw lakeError('LAKE_UNREACHABLE', `cannot ${call.doing} ${call.path}: no answer from HDFS: ${reasons.join(', ')}`)
  }

  async #send(namenode: string, call: Call): Promise<Answer> {
    const { origin, pathname } = new URL(namenode)
    const path = `${pathname.replace(/\/$/, '')}/webhdfs/v1${encodePath(call.path)}?${this.#query(call)}`
    let answer: Answer
    try {
      const { statusCode, headers, body } = await this.#agent.request({ origin, path, method: call.method })
      const location = typeof headers.location === 'string' ? headers.location : undefined
      answer = { status: statusCode, location, text: await body.text() }
    } catch (error) {
      throw networkFailure(error)
    }
    if (answer.status >= 400) throw this.#refusal(answer, call)
    const redirect = answer.status === 307 && answer.location !== undefined
    if (!redirect && (answer.status >= 300 || (answer.text !== '' && !isJson(answer.text))))
      throw foreign(answer.status)
    return answer
  }

  #refusal(answer: Answer, call: Call): Error {
    const remote = remoteError(answer.text, this.#options.token)
    if (remote)
      return isUnready(remote) ? new Unavailable(remote.message, true, remote) : refusal(remote, call.doing, call.path)
    if (answer.status === 401 || answer.status === 403) {
      return lakeError('LAKE_DENIED', `cannot ${call.doing} ${call.path}: HDFS answered HTTP ${answer.status}`)
    }
    return foreign(answer.status)
  }

  #query({ op, query }: Call): string {
    const { user, token } = this.#options
    const identity: Record<string, string> = token === undefined ? { 'user.name': user } : { delegation: token }
    return Object.entries({ op, ...query, ...identity })
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')
  }
}

/** Percent-encodes a lake path, segment by segment. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** Not what WebHDFS says: a proxy, another port of the NameNode, another service. Below 500 nothing was done. */
function foreign(status: number): Unavailable {
  return new Unavailable(`answered HTTP ${status}, not as WebHDFS does`, status < 500)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
