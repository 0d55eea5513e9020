import { Admin } from '@platformatic/kafka'
import { describe, inject, it } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { makeAnewInKafka } from '../log/made-anew.ts'
import { logContract } from './log.ts'

const services = inject('services')

if ('skipped' in services) {
  describe.skip(`log contract: kafka (skipped: ${services.skipped})`, () => {
    it('needs a real Kafka', () => undefined)
  })
} else {
  const { brokers } = services.kafka
  logContract('kafka', async () => {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers })
    return {
      open: (topic, partitions) =>
        openKafkaLog({ brokers, topic, partitions, requestTimeout: 30_000, connectTimeout: 10_000 }),
      makeAnew: (log) => makeAnewInKafka(admin, log),
      cleanup: () => admin.close(),
    }
  })
}
