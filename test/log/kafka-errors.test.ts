import { once } from 'node:events'
import { createServer } from 'node:net'
import { AuthenticationError, NetworkError, ResponseError, TimeoutError, UserError } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { type ErrorCode, MusicFakerError } from '../../src/errors.ts'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { hasProtocolError, logError, protocolError } from '../../src/log/kafka-errors.ts'

const WHAT = 'cannot read music_events'

/** As the library rejects when a broker answers with these error codes. */
function answered(...codes: number[]): Error {
  return new ResponseError(1, 17, Object.fromEntries(codes.map((code, i) => [`/${i}`, [code, null]])), {})
}

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })

const cases: [string, unknown, ErrorCode, RegExp][] = [
  [
    'a refused connection',
    new NetworkError('Connection failed.', { cause: refused }),
    'LOG_UNREACHABLE',
    /ECONNREFUSED/,
  ],
  ['a time-out', new TimeoutError('Request timed out', { canRetry: true }), 'LOG_UNREACHABLE', /timed out/],
  ['a moved leader', protocolError(6), 'LOG_UNREACHABLE', /NOT_LEADER_OR_FOLLOWER/],
  ['a producer the broker forgot', answered(59), 'LOG_UNREACHABLE', /UNKNOWN_PRODUCER_ID/],
  ['too few brokers for a new topic', answered(38), 'LOG_UNREACHABLE', /INVALID_REPLICATION_FACTOR/],
  ['a missing topic', answered(3), 'LOG_TOPIC_MISSING', /UNKNOWN_TOPIC_OR_PARTITION/],
  [
    'a coordinator that a broker says nothing about',
    new ResponseError(10, 4, { '/0': [15, ''] }, {}),
    'LOG_UNREACHABLE',
    /COORDINATOR_NOT_AVAILABLE/,
  ],
  ['a message too large', protocolError(10), 'LOG_REFUSED', /MESSAGE_TOO_LARGE/],
  ['one partition too large, another without a leader', answered(5, 10), 'LOG_REFUSED', /./],
  ['a topic without rights', answered(29), 'LOG_AUTH', /TOPIC_AUTHORIZATION_FAILED/],
  [
    'a wrong password',
    new NetworkError('Connection failed.', { cause: new AuthenticationError('SASL failed.', { cause: answered(58) }) }),
    'LOG_AUTH',
    /SASL_AUTHENTICATION_FAILED/,
  ],
  [
    'a password that the client finds unproven',
    new NetworkError('Connection failed.', { cause: new AuthenticationError('Invalid server signature.') }),
    'LOG_AUTH',
    /signature/,
  ],
  [
    'a connection lost while authenticating',
    new NetworkError('Connection failed.', {
      cause: new AuthenticationError('Cannot find a suitable SASL mechanism.', {
        cause: new NetworkError('Connection closed'),
      }),
    }),
    'LOG_UNREACHABLE',
    /Connection closed/,
  ],
  ['a broker that wants TLS', new UserError('Broker requires TLS.'), 'LOG_AUTH', /TLS/],
  [
    'a certificate nobody vouches for',
    new NetworkError('Connection failed.', {
      cause: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    }),
    'LOG_AUTH',
    /self-signed/,
  ],
  ['a bug', new RangeError('out of bounds'), 'INTERNAL', /out of bounds/],
]

it.each(cases)('%s', (_what, error, code, reason) => {
  const mapped = logError(error, WHAT)
  expect(mapped.code).toBe(code)
  expect(mapped.message).toMatch(/^cannot read music_events: /)
  expect(mapped.message).toMatch(reason)
  expect(mapped.cause).toBe(error)
  if (code === 'LOG_UNREACHABLE') expect(mapped.next).toContain('--kafka-brokers')
})

it("passes the project's own errors through", () => {
  const error = new MusicFakerError('LOG_OFFSET_GONE', 'gone')
  expect(logError(error, WHAT)).toBe(error)
})

it('finds a protocol error anywhere in the tree of causes', () => {
  const error = new NetworkError('outer', { cause: answered(25) })
  expect(hasProtocolError(error, 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID')).toBe(true)
  expect(hasProtocolError(error, 'ILLEGAL_GENERATION')).toBe(false)
  expect(hasProtocolError(undefined, 'ILLEGAL_GENERATION')).toBe(false)
})

it('says that a broker has hung up, though the last try was cut short', async () => {
  let connections = 0
  const server = createServer((socket) => {
    if (++connections === 1) socket.once('data', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const brokers = [`127.0.0.1:${(server.address() as { port: number }).port}`]
  const options = { brokers, topic: 't', partitions: 1, requestTimeout: 30_000, connectTimeout: 500 }
  await expect(openKafkaLog(options)).rejects.toMatchObject({
    code: 'LOG_UNREACHABLE',
    next: expect.stringContaining('--kafka-sasl-mechanism'),
  })
  expect(connections).toBe(2)
  server.close()
})
