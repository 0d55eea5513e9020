import { describe, inject, it } from 'vitest'
import { openKafkaLog } from '../../src/log/kafka.ts'
import { logContract } from './log.ts'

const services = inject('services')

if ('skipped' in services) {
  describe.skip(`log contract: kafka (skipped: ${services.skipped})`, () => {
    it('needs a real Kafka', () => undefined)
  })
} else {
  const { brokers } = services.kafka
  logContract('kafka', async () => ({
    open: (topic, partitions) =>
      openKafkaLog({ brokers, topic, partitions, requestTimeout: 30_000, connectTimeout: 10_000 }),
    cleanup: async () => undefined,
  }))
}
