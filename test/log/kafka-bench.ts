/** What the tests of the Kafka adapter share: logs on topics of their own, and the library's clients to meddle with them. */
import { randomUUID } from 'node:crypto'
import { Admin, Producer } from '@platformatic/kafka'
import { openKafkaLog } from '../../src/log/kafka.ts'
import type { EventLog } from '../../src/log/log.ts'

export interface KafkaBench {
  admin: Admin
  /** A log on a new topic. */
  topic(partitions: number): Promise<EventLog>
  /** Another log object on the same topic. */
  again(log: EventLog): Promise<EventLog>
  /** The library's own producer. */
  producer(options?: { idempotent?: boolean; transactionalId?: string; timeout?: number }): Producer
  close(): Promise<void>
}

export function openBench(brokers: readonly string[]): KafkaBench {
  const client = { clientId: 'test', bootstrapBrokers: [...brokers] }
  const admin = new Admin(client)
  const clients: { close(): Promise<void> | void }[] = [admin]
  const opened: EventLog[] = []
  const open = async (topic: string, partitions: number) => {
    const log = await openKafkaLog({ brokers, topic, partitions, requestTimeout: 30_000, connectTimeout: 10_000 })
    opened.push(log)
    return log
  }
  return {
    admin,
    async topic(partitions) {
      const log = await open(`kafka-${randomUUID()}`, partitions)
      await log.ensureTopic()
      return log
    },
    again: (log) => open(log.topic, 1),
    producer(options = {}) {
      const producer = new Producer({ ...client, ...options })
      clients.push(producer)
      return producer
    },
    async close() {
      await Promise.all(opened.map((log) => log.close()))
      for (const each of clients) await each.close()
    },
  }
}
