import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type KafkaOptions, openKafkaLog } from '../../src/log/kafka.ts'
import { KafkaConnections } from '../../src/log/kafka-connections.ts'
import { drain, message } from '../contract/log-reading.ts'
import { type Listener, PASSWORD, RENEWED_MS, type SecureBroker, startSecureBroker, USER } from './secure-broker.ts'

const services = inject('services')
const skipped = 'skipped' in services

type Login = Pick<KafkaOptions, 'sasl' | 'tls'>

describe.skipIf(skipped)(`kafka login${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  let broker: SecureBroker

  beforeAll(async () => {
    broker = await startSecureBroker()
    const options = { brokers: [`127.0.0.1:${broker.ports.PLAINTEXT}`], partitions: 1, requestTimeout: 30_000 }
    const log = await openKafkaLog({ ...options, topic: 'login', connectTimeout: 10_000 })
    await log.ensureTopic()
    await log.close()
  })
  afterAll(() => broker?.stop())

  const limits = { partitions: 1, requestTimeout: 30_000, connectTimeout: 1_500 }
  const open = (listener: Listener, login: Login, host = '127.0.0.1') =>
    openKafkaLog({
      brokers: [`${host}:${broker.ports[listener]}`],
      topic: 'login',
      ...limits,
      ...login,
    })
  const sasl = (mechanism: NonNullable<KafkaOptions['sasl']>['mechanism'], password = PASSWORD) => ({
    sasl: { mechanism, username: USER, password },
  })

  it.each([
    ['PLAIN', 'SASL_PLAINTEXT', () => sasl('PLAIN')],
    ['SCRAM-SHA-256', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-256')],
    ['SCRAM-SHA-512', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-512')],
    ['TLS', 'SSL', () => ({ tls: { ca: broker.ca } })],
    ['SCRAM-SHA-512 over TLS', 'SASL_SSL', () => ({ tls: { ca: broker.ca }, ...sasl('SCRAM-SHA-512') })],
  ] as const)('appends, reads and joins with %s', async (_name, listener, login) => {
    const log = await open(listener, login())
    const { end } = (await log.describe()).partitions.get(0)!
    await log.append([message('k', `over ${listener}`)])
    expect((await drain(log, 0, end, end + 1)).values.map(String)).toEqual([`over ${listener}`])
    for await (const assignment of log.join({ group: 'login', signal: new AbortController().signal })) {
      expect(assignment.partition).toBe(0)
      break
    }
    await log.close()
  })

  it('finds a broker by its name, and checks the certificate against it', async () => {
    await (await open('SSL', { tls: { ca: broker.ca } }, 'localhost')).close()
  })

  it('opens anew a connection that was lost, also when it is time to renew its login', async () => {
    const address = { host: '127.0.0.1', port: broker.ports.SASL_PLAINTEXT }
    const connections = new KafkaConnections({ brokers: [], topic: 'login', ...limits, ...sasl('PLAIN') })
    const lost = await connections.shared(address)
    expect(await connections.shared(address)).toBe(lost)
    const closed = once(lost, 'close')
    lost.socket.destroy()
    await closed
    // As its timer does, at four fifths of the time that a broker gives with connections.max.reauth.ms.
    lost.reauthenticate()
    expect(lost.status).toBe('reauthenticating')
    const opened = await connections.shared(address)
    expect(opened).not.toBe(lost)
    expect(opened.isConnected()).toBe(true)
    connections.closeAll()
  })

  it('reads, appends and stays a member while its logins are renewed', async () => {
    const log = await open('SASL_PLAINTEXT', sasl('SCRAM-SHA-256'))
    const { topicId, partitions } = await log.describe()
    const { end } = partitions.get(0)!
    const reader = log.open({ topicId, partition: 0, from: end })
    const stop = new AbortController()
    let given = 0
    const member = async () => {
      for await (const _ of log.join({ group: 'renewed', signal: stop.signal })) given++
    }
    const membership = member()
    membership.catch(() => undefined)
    const read = async () => (await reader.read({ maxBytes: 1e6, maxWaitMs: 500 })).count
    let [sent, got] = [0, 0]
    for (const until = performance.now() + 3 * RENEWED_MS; performance.now() < until; sent++) {
      await log.append([message('k', `${sent}`)])
      got += await read()
    }
    while (got < sent) got += await read()
    stop.abort()
    await membership
    await reader.close()
    await log.close()
    expect(given).toBe(1)
  })

  it('thinks no more of renewing the login of a connection that is closed', async () => {
    const address = { host: '127.0.0.1', port: broker.ports.SASL_PLAINTEXT }
    const connections = new KafkaConnections({ brokers: [], topic: 'login', ...limits, ...sasl('SCRAM-SHA-256') })
    const [lost, left] = [await connections.open(address), await connections.open(address)]
    lost.socket.destroy()
    connections.close(left)
    await sleep(RENEWED_MS)
    expect([lost.status, left.status]).toEqual(['closed', 'closed'])
  })

  it.each([
    ['a wrong password', 'SASL_PLAINTEXT', () => sasl('PLAIN', 'wrong'), 'LOG_AUTH', '--kafka-username'],
    ['a wrong SCRAM password', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-256', 'wrong'), 'LOG_AUTH', '--kafka-username'],
    ['a login where none is asked', 'PLAINTEXT', () => sasl('PLAIN'), 'LOG_AUTH', '--kafka-sasl-mechanism'],
    ['no login where one is asked', 'SASL_PLAINTEXT', () => ({}), 'LOG_UNREACHABLE', '--kafka-sasl-mechanism'],
    ['no TLS where it is asked', 'SSL', () => ({}), 'LOG_AUTH', '--kafka-tls'],
    ['TLS where there is none', 'PLAINTEXT', () => ({ tls: { ca: broker.ca } }), 'LOG_UNREACHABLE', '--kafka-tls'],
    ['an authority that nobody trusts', 'SSL', () => ({ tls: {} }), 'LOG_AUTH', '--kafka-tls-ca'],
  ] as const)('%s says what to check', async (_name, listener, login, code, advice) => {
    await expect(open(listener, login())).rejects.toMatchObject({ code, next: expect.stringContaining(advice) })
  })
})
