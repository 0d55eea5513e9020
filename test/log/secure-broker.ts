/** A real broker that asks for a login, speaks TLS, or both, on a listener for each; and one that asks for nothing. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarFolder } from '../../src/cluster/download.ts'
import { openKafkaLog } from '../../src/log/kafka.ts'

const LISTENERS = ['PLAINTEXT', 'CONTROLLER', 'SASL_PLAINTEXT', 'SSL', 'SASL_SSL'] as const
export type Listener = (typeof LISTENERS)[number]

/** Whom it lets in, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
export const USER = 'alice'
export const PASSWORD = 'wonder'
/** After so long it hangs up on those that came by SCRAM-SHA-256 without TLS, unless they renew their login before. */
export const RENEWED_MS = 2_000
const STORE_PASSWORD = 'secret'
const ATTEMPTS = 3

export interface SecureBroker {
  ports: Record<Listener, number>
  /** PEM of the certificate that vouches for the broker. */
  ca: Buffer
  caFile: string
  stop(): Promise<void>
}

/** Starts it and waits until it answers. */
export async function startSecureBroker(): Promise<SecureBroker> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart()
    } catch (error) {
      // Another program may have taken a port between the look and the start.
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function tryStart(): Promise<SecureBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'music-faker-kafka-login-'))
  const ports = await freePorts()
  const ca = makeCertificate(folder)
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, ca)
  const settings = join(folder, 'server.properties')
  writeFileSync(settings, settingsOf(folder, ports))
  const java = ['-XX:TieredStopAtLevel=1', '-cp', `${jarFolder('kafka')}/*`]
  const users = [256, 512].flatMap((bits) => ['-S', `SCRAM-SHA-${bits}=[name=${USER},password=${PASSWORD}]`])
  const id = 'AAAAAAAAAAAAAAAAAAAAAA'
  execFileSync('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', id, ...users, '-c', settings], {
    stdio: 'ignore',
  })
  const broker = spawn('java', ['-Xmx256m', ...java, 'kafka.Kafka', settings], { stdio: 'ignore' })
  const options = { brokers: [`127.0.0.1:${ports.PLAINTEXT}`], partitions: 1, requestTimeout: 30_000 }
  const ended = once(broker, 'exit').then(() => {
    throw new Error('the broker ended while it was starting')
  })
  ended.catch(() => undefined)
  const log = await Promise.race([openKafkaLog({ ...options, topic: 'ready', connectTimeout: 100_000 }), ended])
  await log.ensureTopic()
  await log.close()
  return {
    ports,
    ca,
    caFile,
    async stop() {
      if (broker.exitCode === null) {
        broker.kill('SIGKILL')
        await once(broker, 'exit')
      }
      rmSync(folder, { recursive: true })
    },
  }
}

function settingsOf(folder: string, ports: Record<string, number>): string {
  const listener = (name: string) => `${name}://127.0.0.1:${ports[name]}`
  const advertised = LISTENERS.filter((name) => name !== 'CONTROLLER')
  const jaas = (name: string, mechanism: string, module: string) =>
    `listener.name.${name}.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module};`
  const logins = ['sasl_plaintext', 'sasl_ssl'].flatMap((name) => [
    jaas(name, 'plain', `plain.PlainLoginModule required user_${USER}="${PASSWORD}"`),
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
    `listener.name.sasl_plaintext.scram-sha-256.connections.max.reauth.ms=${RENEWED_MS}`,
    ...logins,
    `ssl.keystore.location=${join(folder, 'keys.p12')}`,
    `ssl.keystore.password=${STORE_PASSWORD}`,
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
    STORE_PASSWORD,
  ]
  const names = ['-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1,dns:localhost']
  execFileSync('keytool', ['-genkeypair', '-keyalg', 'EC', ...store, ...names], { stdio: 'ignore' })
  return execFileSync('keytool', ['-exportcert', '-rfc', ...store], { stdio: ['ignore', 'pipe', 'ignore'] })
}

async function freePorts(): Promise<Record<Listener, number>> {
  const servers = LISTENERS.map(() => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return Object.fromEntries(LISTENERS.map((name, i) => [name, ports[i]!])) as Record<Listener, number>
}
