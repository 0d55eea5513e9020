import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin, NetworkError } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { up } from '../../src/cluster/cluster.ts'
import { isAlive, recall } from '../../src/cluster/process.ts'
import { pidFile, siteOf } from '../../src/cluster/site.ts'
import { isRetryable } from '../../src/errors.ts'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { KafkaCluster } from '../../src/log/kafka-cluster.ts'
import { KafkaProducer } from '../../src/log/kafka-producer.ts'
import type { EventLog } from '../../src/log/log.ts'
import type { Config } from '../../src/settings.ts'
import { Member } from '../contract/log-member.ts'
import { eventually, message, readerOf } from '../contract/log-reading.ts'
import { destroy, freeConfig } from '../services.ts'

const LOT = 500

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(`kafka restart${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  let dataDir: string
  let config: Config
  let log: EventLog
  const options = { partitions: 3, requestTimeout: 30_000, connectTimeout: 10_000 }
  const start = () =>
    up(config, { services: ['kafka'], engine: 'jvm', report: () => {}, signal: new AbortController().signal })

  const kill = async () => {
    const broker = recall(pidFile(siteOf(config), 'kafka'))!
    process.kill(broker.pid, 'SIGKILL')
    await eventually(() => expect(isAlive(broker)).toBe(false), 10_000)
  }

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'music-faker-kafka-restart-'))
    config = await freeConfig(dataDir)
    await start()
    log = await openKafkaLog({ ...options, brokers: config.kafkaBrokers, topic: 'restart' })
    await log.ensureTopic()
  })

  afterAll(async () => {
    await log?.close()
    destroy(dataDir)
  })

  it('appending, reading and membership go on after kill -9 of the broker: nothing lost, nothing doubled', {
    timeout: 120_000,
  }, async () => {
    const [full, done] = [new AbortController(), new AbortController()]
    let appended = 0
    const appending = (async () => {
      for (; !full.signal.aborted; appended += LOT) {
        const from = appended
        await log.append(Array.from({ length: LOT }, (_, i) => message(`k${i % 53}`, `${from + i}`)))
      }
    })()
    const seen = new Map<string, number>()
    const reading = Promise.all([0, 1, 2].map((partition) => readOn(log, partition, done.signal, seen)))
    // Failures show when they are awaited; without this they would end the run first.
    for (const each of [appending, reading]) each.catch(() => undefined)
    const member = new Member(log, 'restart')
    await eventually(() => expect([member.held.size, appended > 20 * LOT]).toEqual([3, true]), 20_000)

    await kill()
    const before = appended
    await eventually(() => expect(member.contacts.at(-1)).toMatchObject({ code: 'LOG_UNREACHABLE' }), 20_000)
    await start()
    await eventually(() => expect(appended).toBeGreaterThan(before + 20 * LOT), 60_000)
    full.abort()
    await appending
    const { partitions } = await log.describe()
    expect([...partitions.values()].reduce((sum, { end }) => sum + end, 0)).toBe(appended)
    await eventually(() => expect(seen.size).toBe(appended), 30_000)
    expect([...seen.values()].every((times) => times === 1)).toBe(true)

    await eventually(async () => {
      await member.held.get(0)?.commit(77)
      expect((await log.committed('restart')).get(0)).toBe(77)
    }, 30_000)
    // A commit goes by a connection of its own: it may come through before the member has joined again.
    await eventually(() => expect(member.contacts.at(-1)).toBeUndefined(), 30_000)
    expect(member.held.size).toBe(3)
    done.abort()
    await reading
    await member.leave()
  })

  it('a batch whose answer was lost with the broker is there once, though the topic goes by the time that messages give', {
    timeout: 60_000,
  }, async () => {
    const topic = 'producer-times'
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: config.kafkaBrokers })
    await admin.createTopics({
      ...{ topics: [topic], partitions: 1, replicas: 1 },
      configs: [{ name: 'message.timestamp.type', value: 'CreateTime' }],
    })
    await admin.close()
    const cluster = new KafkaCluster({ ...options, brokers: config.kafkaBrokers, topic })
    const producer = new KafkaProducer(cluster, new AbortController().signal)
    await eventually(() => cluster.places(performance.now()), 10_000)
    await producer.append([message('k', 'before')])

    const connection = await cluster.connections.shared((await cluster.places(0)).partitions[0]!.leader!)
    const send = connection.send.bind(connection)
    let lost = false
    vi.spyOn(connection, 'send').mockImplementationOnce((...args) => {
      const answered = args[6]
      args[6] = async () => {
        await kill()
        await start()
        lost = true
        answered(new NetworkError('the answer is lost'), undefined)
      }
      send(...args)
    })
    await producer.append([message('k', 'once')])
    expect(lost).toBe(true)
    const [partition] = (await cluster.watermarks(await cluster.places(performance.now()))).values()
    expect(partition?.end).toBe(2)
    cluster.connections.closeAll()
  })
})

/** Reads a partition from its beginning until `stop` aborts, repeating what may be repeated, and counts every value. */
async function readOn(log: EventLog, partition: number, stop: AbortSignal, seen: Map<string, number>): Promise<void> {
  const reader = await readerOf(log, partition, 0)
  while (!stop.aborted) {
    try {
      const batch = await reader.read({ maxBytes: 1_000_000, maxWaitMs: 500 })
      for (let i = 0; i < batch.count; i++) {
        const value = Buffer.from(batch.data.subarray(batch.starts[i], batch.ends[i])).toString()
        seen.set(value, (seen.get(value) ?? 0) + 1)
      }
    } catch (error) {
      if (!isRetryable(error)) throw error
    }
  }
  await reader.close()
}
