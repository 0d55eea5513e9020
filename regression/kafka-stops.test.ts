/**
 * Guarantee: the broker may be killed, hang for longer than a request may take, or lose the coordinator of the group, all
 * amid the flow: what runs waits and says so, is not ready meanwhile, and goes on by itself. Nothing is lost, nothing
 * doubled. What is told to stop meanwhile ends in time.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { up } from '../src/cluster/cluster.ts'
import { isAlive, recall } from '../src/cluster/process.ts'
import { pidFile, siteOf } from '../src/cluster/site.ts'
import type { Config } from '../src/settings.ts'
import type { RunningCommand } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { destroy, freeConfig } from '../test/services.ts'
import { LONG } from './form.ts'
import { endOf, expectCode, isReady, onServices, PATIENCE_MS, Scene, sharedServices, skipped, told } from './scene.ts'

/** What a request may take; a producer gives up after four times as long. */
const HASTY = { MF_REQUEST_TIMEOUT: '4000' }
const PATIENT = { MF_REQUEST_TIMEOUT: '20000' }
/** Longer than a hasty request may take. */
const HANG_MS = 6_000
const ROUNDS = LONG ? 2 : 1

describe.skipIf(!onServices)(`Kafka stops${skipped}`, () => {
  let dataDir: string
  let own: Config
  const start = () =>
    up(own, { services: ['kafka'], engine: 'jvm', report: () => {}, signal: new AbortController().signal })
  const broker = () => recall(pidFile(siteOf(own), 'kafka'))!

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'music-faker-kafka-stops-'))
    own = await freeConfig(dataDir)
    await start()
  })
  afterAll(() => destroy(dataDir))

  const killed = async (isNoticed: () => Promise<void>) => {
    const { pid } = broker()
    process.kill(pid, 'SIGKILL')
    await eventually(() => expect(isAlive(broker())).toBe(false), PATIENCE_MS)
    await isNoticed()
    await start()
  }
  const hung = async (isNoticed: () => Promise<void>) => {
    const { pid } = broker()
    process.kill(pid, 'SIGSTOP')
    try {
      await Promise.all([isNoticed(), sleep(HANG_MS)])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  }
  const forgotten = async () => {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: own.kafkaBrokers })
    await admin.deleteTopics({ topics: ['__consumer_offsets'] })
    await admin.close()
  }

  it('killed, hung, and its groups forgotten, all amid the flow', { timeout: 300_000 }, async () => {
    const here = { ...sharedServices(), MF_KAFKA_BROKERS: own.kafkaBrokers.join(','), ...HASTY }
    await using scene = await Scene.open(here)
    const [archiver, dashboard] = [scene.start('consume'), scene.start('dashboard')]
    const waits = () => count(archiver, /waiting: /)
    const returns = () => count(archiver, /going on after/)
    const flows = async (producer: RunningCommand) => {
      await eventually(async () => expect(await isReady(scene)).toBe(true), PATIENCE_MS)
      const before = await endOf(scene)
      await eventually(async () => expect(await endOf(scene), producer.stderr).toBeGreaterThan(before), PATIENCE_MS)
      await scene.untilArchived()
    }
    const faults = [
      { fault: killed, settings: PATIENT },
      { fault: hung, settings: HASTY },
    ]
    for (let round = 0; round < ROUNDS; round++) {
      for (const { fault, settings } of faults) {
        const producer = scene.producer('--speed 20x', settings)
        await flows(producer)
        const [waited, returned] = [waits(), returns()]
        await fault(async () => {
          await eventually(async () => expect(await isReady(scene)).toBe(false), PATIENCE_MS)
          await eventually(() => expect(waits()).toBeGreaterThan(waited), PATIENCE_MS)
        })
        await flows(producer)
        await eventually(() => expect(returns()).toBeGreaterThan(returned), PATIENCE_MS)
        if (fault === hung) await forgotten()
        await flows(producer)
        await scene.dismiss(producer)
        await scene.untilArchived()
      }
    }
    await Promise.all([scene.dismiss(archiver), scene.dismiss(dashboard)])
    const { count: events } = await scene.expectExactlyOnce()
    expect(events).toBeGreaterThan(0)
  })

  it.runIf(LONG)('an archiver and a producer are told to stop while it is dead', { timeout: 300_000 }, async () => {
    const here = { ...sharedServices(), MF_KAFKA_BROKERS: own.kafkaBrokers.join(',') }
    await using scene = await Scene.open(here)
    const [archiver, producer] = [scene.start('consume'), scene.start('produce --rate 100/s')]
    await told(archiver, /events? committed/)
    await killed(async () => {
      await told(archiver, /waiting: /)
      for (const command of [archiver, producer]) command.stop('SIGTERM')
      await expectCode(archiver, 0)
      // Whether its last lot is in the log nobody can tell it.
      await expectCode(producer, 143)
    })
    await scene.succeed('consume --once')
    await scene.succeed('verify --deep')
  })

  it.runIf(LONG)('the whole pipeline is told to stop while it hangs', { timeout: 300_000 }, async () => {
    const here = { ...sharedServices(), MF_KAFKA_BROKERS: own.kafkaBrokers.join(',') }
    await using scene = await Scene.open(here)
    const pipeline = scene.start('start --rate 100/s')
    await eventually(async () => expect(await endOf(scene)).toBeGreaterThan(0), PATIENCE_MS)
    await scene.untilArchived()
    await hung(async () => {
      // By now an append waits for its answer.
      await sleep(1_000)
      pipeline.stop('SIGTERM')
      const { stdout } = await expectCode(pipeline, 0)
      expect(stdout).toMatch(/produced .* events\n.*archived /)
    })
    await scene.succeed('consume --once')
    await scene.succeed('verify --deep')
  })
})

function count({ stderr }: RunningCommand, what: RegExp): number {
  return stderr.match(new RegExp(what, 'g'))?.length ?? 0
}
