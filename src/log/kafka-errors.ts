/**
 * Turns what the Kafka client library throws into the project's errors. Everything that may pass by itself (a lost
 * connection, a time-out, a partition between two leaders) becomes LOG_UNREACHABLE, the only retryable one.
 */
import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { MusicFakerError } from '../errors.ts'

export const CHECK_BROKERS = 'Start Kafka with "music-faker up", or check --kafka-brokers.'
/** What a broker does, without a word, with a client that does not speak as it expects. */
const CUT_OFF = /^Connection closed$|before secure TLS connection/
const CHECK_SPEECH =
  'Check --kafka-brokers, --kafka-tls and --kafka-sasl-mechanism: a broker hangs up when TLS or a login is missing, or too much.'

const AUTHORIZATION =
  /_AUTHORIZATION_FAILED$|^(SASL_AUTHENTICATION_FAILED|UNSUPPORTED_SASL_MECHANISM|ILLEGAL_SASL_STATE|SECURITY_DISABLED)$/
const CERTIFICATE = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/
/**
 * The broker no longer knows what this producer wrote. Whether the batch is in the log is unknown, and a producer with a
 * new id may go on: the same as a lost connection for the caller.
 */
const PRODUCER_STATE = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']

/** What the library, Node and the broker say about a failure, over the whole tree of causes. */
interface Finding {
  /** Names of protocol errors, such as NOT_LEADER_OR_FOLLOWER. */
  protocol: Set<string>
  /** Error codes of the library (PLT_KFK_*) and of Node. */
  codes: Set<string>
  /** The innermost message: `connect ECONNREFUSED 127.0.0.1:9092` rather than `Cannot connect`. */
  reason: string
  /** The code of the error that said so. */
  innermost: string | undefined
}

/**
 * @param what what was being done and on what, as the beginning of a sentence: `cannot read music_events, partition 2`
 */
export function logError(error: unknown, what: string): MusicFakerError {
  if (error instanceof MusicFakerError) return error
  const finding = inspect(error)
  const make = (code: MusicFakerError['code'], next?: string): MusicFakerError =>
    new MusicFakerError(code, `${what}: ${finding.reason}`, { cause: error, ...(next === undefined ? {} : { next }) })
  const protocol = [...finding.protocol]

  if (protocol.some((id) => AUTHORIZATION.test(id))) {
    return make(
      'LOG_AUTH',
      'Check --kafka-sasl-mechanism, --kafka-username, the password, and the rights of that user.',
    )
  }
  if ([...finding.codes].some((code) => CERTIFICATE.test(code)) || finding.reason === 'Broker requires TLS.') {
    return make('LOG_AUTH', 'Check --kafka-tls, and --kafka-tls-ca, which must name the authority of the brokers.')
  }
  if (protocol.includes('UNKNOWN_TOPIC_OR_PARTITION')) {
    return make('LOG_TOPIC_MISSING', 'Check --topic; "music-faker produce" creates a missing topic.')
  }
  if (protocol.includes('INVALID_REPLICATION_FACTOR')) {
    return make(
      'LOG_UNREACHABLE',
      'Start the brokers that are missing, as their default.replication.factor asks for, or check --kafka-brokers.',
    )
  }
  if (protocol.length > 0) {
    const passing = protocol.every((id) => protocolErrors[id]?.canRetry === true || PRODUCER_STATE.includes(id))
    return passing ? make('LOG_UNREACHABLE', CHECK_BROKERS) : make('LOG_REFUSED', refusalAdvice(protocol))
  }
  // A failure that the client itself found, such as a SCRAM server that does not know the password; but the library also
  // calls it a failed authentication when the connection was lost meanwhile.
  if (finding.codes.has('PLT_KFK_AUTHENTICATION') && finding.innermost !== 'PLT_KFK_NETWORK') {
    return make('LOG_AUTH', 'Check --kafka-username and the password.')
  }
  if (finding.codes.has('PLT_KFK_NETWORK')) {
    return make('LOG_UNREACHABLE', CUT_OFF.test(finding.reason) ? CHECK_SPEECH : CHECK_BROKERS)
  }
  return make('INTERNAL')
}

/** True when the failure carries one of these protocol errors. */
export function hasProtocolError(error: unknown, ...ids: string[]): boolean {
  const { protocol } = inspect(error)
  return ids.some((id) => protocol.has(id))
}

/** A protocol error by its number, for responses that are parsed here. */
export function protocolError(code: number): Error {
  const id = protocolErrorsCodesById[code] ?? 'UNKNOWN_SERVER_ERROR'
  return Object.assign(new Error(`${id}: ${protocolErrors[id]?.message ?? `error ${code}`}`), { apiId: id })
}

function refusalAdvice(protocol: readonly string[]): string | undefined {
  if (protocol.includes('MESSAGE_TOO_LARGE')) return 'Raise max.message.bytes of the topic.'
  if (protocol.includes('INCONSISTENT_GROUP_PROTOCOL')) {
    return 'Another program reads under this group: choose another name with --group.'
  }
  if (protocol.includes('INVALID_TIMESTAMP')) return 'Raise message.timestamp.after.max.ms of the topic.'
  return undefined
}

function inspect(error: unknown): Finding {
  const finding: Finding = { protocol: new Set(), codes: new Set(), reason: '', innermost: undefined }
  const open: unknown[] = [error]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!(next instanceof Error)) continue
    const { apiId, code, errors, serverErrorMessage } = next as Error & Record<string, unknown>
    if (typeof apiId === 'string') finding.protocol.add(apiId)
    if (typeof code === 'string') finding.codes.add(code)
    finding.innermost = typeof code === 'string' ? code : undefined
    const said = typeof serverErrorMessage === 'string' && serverErrorMessage !== ''
    finding.reason = said ? serverErrorMessage : describe(next, apiId)
    if (next.cause !== undefined) open.push(next.cause)
    if (Array.isArray(errors)) open.push(...errors)
  }
  return finding
}

function describe(error: Error, apiId: unknown): string {
  return typeof apiId === 'string' && !error.message.includes(apiId) ? `${error.message} (${apiId})` : error.message
}
