import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { jarFolder } from '../../src/cluster/download.ts'
import { type KafkaOptions, openKafkaLog } from '../../src/log/kafka.ts'
import { drain, message } from '../contract/log-reading.ts'

const services = inject('services')
const skipped = 'skipped' in services

type Login = Pick<KafkaOptions, 'sasl' | 'tls'>
const LISTENERS = ['PLAINTEXT', 'CONTROLLER', 'SASL_PLAINTEXT', 'SSL', 'SASL_SSL'] as const

describe.skipIf(skipped)(`kafka login${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  let folder: string
  let ports: Record<(typeof LISTENERS)[number], number>
  let broker: ChildProcess
  let ca: Buffer

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'music-faker-kafka-login-'))
    ports = await freePorts()
    ca = makeCertificate(folder)
    const settings = join(folder, 'server.properties')
    writeFileSync(settings, settingsOf(folder, ports))
    const java = ['-XX:TieredStopAtLevel=1', '-cp', `${jarFolder('kafka')}/*`]
    const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((name) => ['-S', `${name}=[name=alice,password=wonder]`])
    const id = 'AAAAAAAAAAAAAAAAAAAAAA'
    execFileSync('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', id, ...users, '-c', settings], {
      stdio: 'ignore',
    })
    broker = spawn('java', ['-Xmx256m', ...java, 'kafka.Kafka', settings], { stdio: 'ignore' })
    const options = { brokers: [`127.0.0.1:${ports.PLAINTEXT}`], partitions: 1, requestTimeout: 30_000 }
    const log = await openKafkaLog({ ...options, topic: 'login', connectTimeout: 60_000 })
    await log.ensureTopic()
    await log.close()
  })

  afterAll(async () => {
    if (broker.exitCode === null) {
      broker.kill('SIGKILL')
      await once(broker, 'exit')
    }
    rmSync(folder, { recursive: true })
  })

  const open = (listener: (typeof LISTENERS)[number], login: Login, host = '127.0.0.1') =>
    openKafkaLog({
      brokers: [`${host}:${ports[listener]}`],
      topic: 'login',
      partitions: 1,
      requestTimeout: 30_000,
      connectTimeout: 1_500,
      ...login,
    })
  const sasl = (mechanism: NonNullable<KafkaOptions['sasl']>['mechanism'], password = 'wonder') => ({
    sasl: { mechanism, username: 'alice', password },
  })

  it.each([
    ['PLAIN', 'SASL_PLAINTEXT', () => sasl('PLAIN')],
    ['SCRAM-SHA-256', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-256')],
    ['SCRAM-SHA-512', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-512')],
    ['TLS', 'SSL', () => ({ tls: { ca } })],
    ['SCRAM-SHA-512 over TLS', 'SASL_SSL', () => ({ tls: { ca }, ...sasl('SCRAM-SHA-512') })],
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
    await (await open('SSL', { tls: { ca } }, 'localhost')).close()
  })

  it.each([
    ['a wrong password', 'SASL_PLAINTEXT', () => sasl('PLAIN', 'wrong'), 'LOG_AUTH', '--kafka-username'],
    ['a wrong SCRAM password', 'SASL_PLAINTEXT', () => sasl('SCRAM-SHA-256', 'wrong'), 'LOG_AUTH', '--kafka-username'],
    ['a login where none is asked', 'PLAINTEXT', () => sasl('PLAIN'), 'LOG_AUTH', '--kafka-sasl-mechanism'],
    ['no login where one is asked', 'SASL_PLAINTEXT', () => ({}), 'LOG_UNREACHABLE', '--kafka-sasl-mechanism'],
    ['no TLS where it is asked', 'SSL', () => ({}), 'LOG_AUTH', '--kafka-tls'],
    ['TLS where there is none', 'PLAINTEXT', () => ({ tls: { ca } }), 'LOG_UNREACHABLE', '--kafka-tls'],
    ['an authority that nobody trusts', 'SSL', () => ({ tls: {} }), 'LOG_AUTH', '--kafka-tls-ca'],
  ] as const)('%s says what to check', async (_name, listener, login, code, advice) => {
    await expect(open(listener, login())).rejects.toMatchObject({ code, next: expect.stringContaining(advice) })
  })
})

function settingsOf(folder: string, ports: Record<string, number>): string {
  const listener = (name: string) => `${name}://127.0.0.1:${ports[name]}`
  const advertised = LISTENERS.filter((name) => name !== 'CONTROLLER')
  const jaas = (name: string, mechanism: string, module: string) =>
    `listener.name.${name}.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module};`
  const logins = ['sasl_plaintext', 'sasl_ssl'].flatMap((name) => [
    jaas(name, 'plain', 'plain.PlainLoginModule required user_alice="wonder"'),
    jaas(name, 'scram-sha-256', 'scram.ScramLoginModule required'),
    jaas(name, 'scram-sha-512', 'scram.ScramLoginModule required'),
  ])
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${ports.CONTROLLER}`,
    'controller.listener.names=CONTROLLER',
    `listeners=${LISTENERS.map(listener).join(',')}`,
    `advertised.listeners=${advertised.map(listener).join(',')}`,
    `listener.security.protocol.map=CONTROLLER:PLAINTEXT,${advertised.map((name) => `${name}:${name}`).join(',')}`,
    'inter.broker.listener.name=PLAINTEXT',
    `log.dirs=${join(folder, 'data')}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...logins,
    `ssl.keystore.location=${join(folder, 'keys.p12')}`,
    'ssl.keystore.password=secret',
    'ssl.keystore.type=PKCS12',
  ].join('\n')
}

/** Makes the broker's key, and returns the certificate that vouches for it. */
function makeCertificate(folder: string): Buffer {
  const store = [
    '-alias',
    'broker',
    '-keystore',
    join(folder, 'keys.p12'),
    '-storetype',
    'PKCS12',
    '-storepass',
    'secret',
  ]
  const names = ['-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1,dns:localhost']
  execFileSync('keytool', ['-genkeypair', '-keyalg', 'EC', ...store, ...names], { stdio: 'ignore' })
  return execFileSync('keytool', ['-exportcert', '-rfc', ...store], { stdio: ['ignore', 'pipe', 'ignore'] })
}

async function freePorts(): Promise<Record<(typeof LISTENERS)[number], number>> {
  const servers = LISTENERS.map(() => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return Object.fromEntries(LISTENERS.map((name, i) => [name, ports[i]!])) as Record<(typeof LISTENERS)[number], number>
}
