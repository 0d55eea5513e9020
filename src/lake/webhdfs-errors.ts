/**
 * What WebHDFS's answers and the network's errors mean in the closed table. Classes and messages as of Hadoop 3.5.0,
 * tried on it; remote messages are cut to one line, and never show the delegation token.
 */
import { type ErrorCode, MusicFakerError } from '../errors.ts'

const MESSAGE_CHARS = 300

/** One server could not serve the call. Another may. */
export class Unavailable extends Error {
  /** True when it is certain that the call did not take effect. */
  readonly unsent: boolean

  constructor(reason: string, unsent: boolean, cause?: unknown) {
    super(reason, { cause })
    this.unsent = unsent
  }
}

/** A server's refusal, as WebHDFS writes it. */
export class RemoteError extends Error {
  /** The Java class without its package. */
  readonly exception: string

  constructor(exception: string, message: string) {
    super(message)
    this.exception = exception
  }
}

/**
 * The exception in the body of an answer, or undefined when the body is not one that WebHDFS writes.
 * @param secret is struck out of the message: Hadoop quotes parameters that it cannot read
 */
export function remoteError(body: string, secret?: string): RemoteError | undefined {
  try {
    const remote = (JSON.parse(body) as { RemoteException?: { exception?: string; message?: string } }).RemoteException
    return remote?.exception ? new RemoteError(remote.exception, oneLine(remote.message ?? '', secret)) : undefined
  } catch {
    return undefined
  }
}

/** Java appends its stack to the message. */
function oneLine(message: string, secret?: string): string {
  const line = (message.split(/\n\s*at /)[0] ?? '').replace(/\s+/g, ' ').trim()
  const safe = secret ? line.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***') : line
  return safe.length > MESSAGE_CHARS ? `${safe.slice(0, MESSAGE_CHARS)}...` : safe
}

const UNREADY = /^(Standby|Retriable|SafeMode|ObserverRetryOnActive|ServerNotActive)Exception$/
/** A standby that is given a delegation token wraps its StandbyException in a SecurityException. */
const UNREADY_WITHIN = /(Standby|Retriable)Exception/
const NO_DATANODE = /Failed to find datanode|There are 0 datanode\(s\) running/
const NOT_A_FOLDER = /\(is not a directory\)|^Parent path is not a directory|^Path is not a directory/

const BY_CLASS: Record<string, ErrorCode> = {
  // A DataNode that cannot reach its NameNode passes on what Java's network says.
  ConnectException: 'LAKE_UNREACHABLE',
  SocketTimeoutException: 'LAKE_UNREACHABLE',
  EOFException: 'LAKE_UNREACHABLE',
  FileAlreadyExistsException: 'LAKE_EXISTS',
  // A name that another writer has open, or that a dead one left open, is taken: trying again does not free it.
  AlreadyBeingCreatedException: 'LAKE_EXISTS',
  RecoveryInProgressException: 'LAKE_EXISTS',
  FileNotFoundException: 'LAKE_NOT_FOUND',
  AccessControlException: 'LAKE_DENIED',
  SecurityException: 'LAKE_DENIED',
  AuthorizationException: 'LAKE_DENIED',
  AuthenticationException: 'LAKE_DENIED',
  InvalidToken: 'LAKE_DENIED',
  InvalidPathException: 'LAKE_DENIED',
  ParentNotDirectoryException: 'LAKE_DENIED',
  PathComponentTooLongException: 'LAKE_DENIED',
  IllegalArgumentException: 'LAKE_DENIED',
  HadoopIllegalArgumentException: 'LAKE_DENIED',
  SnapshotException: 'LAKE_DENIED',
  UnsupportedOperationException: 'LAKE_DENIED',
  DSQuotaExceededException: 'LAKE_FULL',
  NSQuotaExceededException: 'LAKE_FULL',
  QuotaByStorageTypeExceededException: 'LAKE_FULL',
  MaxDirectoryItemsExceededException: 'LAKE_FULL',
}

/** True when the exception says that this server cannot serve now: standby, starting, or in safe mode. */
export function isUnready({ exception, message }: RemoteError): boolean {
  return UNREADY.test(exception) || (exception === 'SecurityException' && UNREADY_WITHIN.test(message))
}

/** The code of an exception that answers the call. */
function codeOf({ exception, message }: RemoteError): ErrorCode {
  if (NO_DATANODE.test(message)) return 'LAKE_UNREACHABLE'
  if (/could only be written to \d+ of|No space left on device/.test(message)) return 'LAKE_FULL'
  // A path through a file: with permissions off, HDFS calls even that an AccessControlException.
  if (NOT_A_FOLDER.test(message)) return 'LAKE_DENIED'
  // Renaming a file onto a folder, or onto the top folder.
  if (/must both be directories|destination cannot be the root/.test(message)) return 'LAKE_EXISTS'
  return BY_CLASS[exception] ?? 'LAKE_FAILED'
}

const NEXT: Partial<Record<ErrorCode, string>> = {
  LAKE_UNREACHABLE: 'Start HDFS ("music-faker up") or correct --hdfs-namenodes; "music-faker doctor" tells more.',
  LAKE_DENIED: 'Check --hdfs-user, the delegation token, and the rights on the folder (hdfs dfs -ls, -chown).',
  LAKE_FULL: 'Free space or raise the quota (hdfs dfsadmin -report), then run the same command again.',
}

/** The error of a refusal. `doing` and `path` say what was refused. */
export function refusal(remote: RemoteError, doing: string, path: string): MusicFakerError {
  const code = isUnready(remote) ? 'LAKE_UNREACHABLE' : codeOf(remote)
  return lakeError(code, `cannot ${doing} ${path}: ${remote.message || remote.exception}`, remote)
}

/** True for a refusal because the path leads through a file: nothing can be there. */
export function leadsThroughFile(error: unknown): boolean {
  return (
    error instanceof MusicFakerError && error.cause instanceof RemoteError && NOT_A_FOLDER.test(error.cause.message)
  )
}

/** @param what what failed, such as `cannot write /a/b: the name is taken` */
export function lakeError(code: ErrorCode, what: string, cause?: unknown): MusicFakerError {
  const next = NEXT[code]
  return new MusicFakerError(code, what, { ...(next === undefined ? {} : { next }), cause })
}

const REFUSED: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the host name cannot be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_DESTROYED: 'the lake was closed',
  UND_ERR_CLOSED: 'the lake was closed',
}
const BROKEN: Record<string, string> = {
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped half-way',
  UND_ERR_SOCKET: 'the connection broke',
}

/** An error of the network. Only one that came before anything was sent leaves no doubt about the call. */
export function networkFailure(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error
  const { code = '', message } = firstOf(error)
  const refused = REFUSED[code]
  return new Unavailable(refused ?? BROKEN[code] ?? message, refused !== undefined, error)
}

/** A host with several addresses gives one error per address. */
function firstOf(error: unknown): NodeJS.ErrnoException {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : (error as NodeJS.ErrnoException)
}
