/**
 * Guarantee: of several brokers the one that leads a partition may be killed amid the flow, and then another: producers and
 * archivers find those who lead now, by themselves, and each event is in the lake once.
 */
import { expect, it } from 'vitest'
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
