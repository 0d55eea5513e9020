/**
 * Guarantee: of several brokers the one that leads a partition may be killed amid the flow, and then another: producers and
 * archivers find those who lead now, by themselves, and each event is in the lake once. For that a topic has three copies, also
 * one that is made while a broker is down.
 */
import { Admin } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { openKafkaLog } from '../src/log/kafka.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { LONG } from './form.ts'
import { OwnKafka } from './own-kafka.ts'
import { endOf, onServices, PATIENCE_MS, Scene, sharedServices, skipped } from './scene.ts'

const SETTINGS = { MF_REQUEST_TIMEOUT: '10000' }
const KILLS = 2

it.runIf(LONG && onServices)(
  `a broker that leads is killed, and then another${skipped}`,
  async () => {
    await using kafka = await OwnKafka.start()
    await using scene = await Scene.open({
      ...sharedServices(),
      MF_KAFKA_BROKERS: kafka.brokers.join(','),
      ...SETTINGS,
    })
    const { topic } = scene.config
    const [archiver, producer] = [scene.start('consume'), scene.producer('--speed 20x')]
    const flows = async () => {
      const before = await endOf(scene)
      await eventually(async () => expect(await endOf(scene), producer.stderr).toBeGreaterThan(before), PATIENCE_MS)
      await scene.untilArchived()
    }
    await flows()
    for (let kill = 0; kill < KILLS; kill++) {
      const leader = await kafka.leaderOf(topic, 0)
      await kafka.kill(leader)
      await kafka.leaderOf(topic, 0, leader)
      await flows()
      kafka.begin(leader)
      await kafka.untilInSync(topic)
      await flows()
    }
    await scene.dismiss(producer)
    await scene.untilArchived()
    await scene.dismiss(archiver)
    const { count } = await scene.expectExactlyOnce({ quarantined: 0 })
    expect(count).toBeGreaterThan(0)
  },
  600_000,
)

it.runIf(LONG && onServices)(
  `a topic that is made while a broker is down has a copy on each, nevertheless${skipped}`,
  async () => {
    await using kafka = await OwnKafka.start({ ids: [1, 2], defaultReplicas: 3 })
    const create = async (topic: string, requestTimeout = PATIENCE_MS) => {
      const options = { brokers: kafka.brokers, partitions: 1, requestTimeout, connectTimeout: PATIENCE_MS }
      const log = await openKafkaLog({ ...options, topic })
      await log.ensureTopic().finally(() => log.close())
    }
    const copiesOf = async (topic: string) => {
      const admin = new Admin({ clientId: 'test', bootstrapBrokers: kafka.brokers })
      const { topics } = await admin.metadata({ topics: [topic] }).finally(() => admin.close())
      return topics.get(topic)!.partitions[0]!.replicas.length
    }
    // The third has never been there: a topic waits for it, and is not made with less.
    await expect(create('early', 3_000)).rejects.toMatchObject({
      code: 'LOG_UNREACHABLE',
      message: expect.stringContaining('only 2 broker(s) are registered'),
    })
    const creating = create('meanwhile')
    kafka.begin(3)
    await creating
    expect(await copiesOf('meanwhile')).toBe(3)

    await kafka.kill(3)
    await kafka.untilUp(2)
    await create('without')
    expect(await copiesOf('without')).toBe(3)
  },
  600_000,
)
