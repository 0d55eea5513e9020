/**
 * Guarantee: whatever is done to the topic beside the pipeline, the lake keeps what it has, and takes the rest once. A
 * topic that is deleted and made again is another lineage, new partitions are read from their beginning, what the group
 * has committed means nothing, and messages that are gone before they were archived are told, never passed over.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { afterAll, describe, expect, it } from 'vitest'
import { type ArchiveEvent, archive } from '../src/archive/archiver.ts'
import { REALTIME } from '../src/archive/batch.ts'
import { readLineages } from '../src/archive/lineages.ts'
import { MusicFakerError } from '../src/errors.ts'
import { fingerprint } from '../src/generate/ledger.ts'
import type { Assignment, EventLog, JoinOptions } from '../src/log/log.ts'
import { records } from '../test/archive/lake-contents.ts'
import { drain, eventually } from '../test/contract/log-reading.ts'
import { makeAnewInKafka, makeAnewInSqlite } from '../test/log/made-anew.ts'
import { isReady, onServices, PATIENCE_MS, Scene, sharedServices, skipped, told } from './scene.ts'

const EVENTS = 300
/** Longer than a fetch waits at the broker. */
const FETCH_MS = 2_000

describe.skipIf(!onServices)(`the topic changes${skipped}`, { timeout: 120_000 }, () => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: onServices?.kafka.brokers ?? [] })
  afterAll(() => admin.close())

  it('deleted and made again under a running archiver: an alarm, a wait, and another lineage', async () => {
    await using scene = await Scene.open(sharedServices())
    const [archiver, dashboard] = [scene.start('consume --quiet'), scene.start('dashboard')]
    await scene.produce(EVENTS)
    await scene.untilArchived()
    await eventually(async () => expect(await isReady(scene)).toBe(true), PATIENCE_MS)

    await admin.deleteTopics({ topics: [scene.config.topic] })
    await told(archiver, /MISSING/)
    await eventually(async () => expect(await isReady(scene)).toBe(false), PATIENCE_MS)
    // A producer creates it.
    await scene.produce(EVENTS)
    await told(archiver, /NOT THE ONE ARCHIVED BEFORE/)
    await scene.untilArchived()
    await eventually(async () => expect(await isReady(scene)).toBe(true), PATIENCE_MS)
    await Promise.all([scene.dismiss(archiver), scene.dismiss(dashboard)])

    expect(archiver.stderr.match(/MISSING|NOT THE ONE/g)).toEqual(['MISSING', 'NOT THE ONE'])
    expect((await lineagesOf(scene)).size).toBe(2)
    expect(await scene.expectExactlyOnce({ logIsWhole: false, quarantined: 0 })).toMatchObject({ count: 2 * EVENTS })
  })

  it('deleted and made again while no archiver ran: an alarm at the next start, and another lineage', async () => {
    await using scene = await Scene.open(sharedServices())
    for (const alarms of [0, 1]) {
      await scene.produce(EVENTS)
      const events = await scene.archive()
      expect(events.filter(({ kind }) => kind === 'recreated')).toHaveLength(alarms)
      await makeAnewInKafka(admin, scene.log)
    }
    expect(await scene.expectExactlyOnce({ logIsWhole: false, quarantined: 0 })).toMatchObject({ count: 2 * EVENTS })
    expect((await lineagesOf(scene)).size).toBe(2)
  })

  it('partitions added: a running archiver notices, and reads them from their beginning', async () => {
    await using scene = await Scene.open(sharedServices())
    const archiver = scene.start('consume')
    await scene.produce(EVENTS)
    // It is to have a picture of the topic that is wrong then.
    await scene.untilArchived()
    const assignments = [{ brokerIds: [1] }, { brokerIds: [1] }]
    await admin.createPartitions({ topics: [{ name: scene.config.topic, count: 5, assignments }] })
    // Else the picture of who produces may be from before, for ten seconds.
    await eventually(async () => expect((await scene.log.describe()).partitions.size).toBe(5), PATIENCE_MS)
    await scene.produce(EVENTS)
    await Promise.all([3, 4].map((partition) => told(archiver, new RegExp(`partition ${partition}: .* offset 0 `))))
    await scene.untilArchived()
    await scene.dismiss(archiver)
    const { partitions } = await scene.log.describe()
    expect(partitions.size).toBe(5)
    expect([partitions.get(3), partitions.get(4)].every((marks) => marks!.end > 0)).toBe(true)
    await scene.expectExactlyOnce()
  })

  it('the offsets of the group deleted, set back or set ahead: no effect', async () => {
    await using scene = await Scene.open(sharedServices())
    const { topic, group } = scene.config
    const set = (offset: bigint) =>
      admin.alterConsumerGroupOffsets({
        groupId: group,
        topics: [{ name: topic, partitionOffsets: [0, 1, 2].map((partition) => ({ partition, offset })) }],
      })
    const changes = [() => admin.deleteGroups({ groups: [group] }), () => set(0n), () => set(1_000_000n)]
    for (const change of [async () => undefined, ...changes]) {
      await change()
      await scene.produce(EVENTS)
      await scene.archive()
    }
    expect(await scene.expectExactlyOnce()).toMatchObject({ count: 4 * EVENTS })
  })

  it('retention passed the position: that partition stops, and goes on with --accept-gap, which is recorded', async () => {
    await using scene = await Scene.open(sharedServices())
    const archiver = scene.start('consume --quiet')
    await scene.produce(EVENTS)
    await scene.untilArchived()
    archiver.stop('SIGSTOP')
    // The fetch that it waits for is to be answered without a message of what comes now.
    await sleep(FETCH_MS)
    const before = (await scene.log.describe()).partitions.get(0)!.end
    await scene.produce(EVENTS)
    const start = (await scene.log.describe()).partitions.get(0)!.end - 10
    const left = await drain(scene.log, 0, before, start)
    const lost = fingerprint(left.values.filter((_, i) => left.offsets[i]! < start))
    expect(lost.count).toBe(start - before)
    await admin.deleteRecords({
      topics: [{ name: scene.config.topic, partitions: [{ partition: 0, offset: BigInt(start) }] }],
    })
    archiver.stop('SIGCONT')
    await told(archiver, /partition 0 STOPPED: .*LOG_OFFSET_GONE\)\n {2}next: .*--accept-gap/)
    // The others go on, and the one that stopped is what it ends with.
    const { topicId, partitions } = await scene.log.describe()
    await eventually(async () => {
      for (const partition of [1, 2]) {
        const head = (await records(scene.lake, scene.root, topicId, partition)).at(-1)
        expect(head?.next).toBe(partitions.get(partition)!.end)
      }
    }, PATIENCE_MS)
    archiver.stop('SIGTERM')
    expect((await archiver.ended).code).toBe(1)

    const refused = await scene.run('consume --once')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`offset ${before} is not in partition 0`)
    const accepted = await scene.succeed('consume --once --accept-gap')
    expect(accepted.stdout + accepted.stderr).toContain(`offsets ${before} to ${start - 1} are gone from the log`)
    const gaps = (await records(scene.lake, scene.root, topicId, 0)).filter(({ kind }) => kind === 'gap')
    expect(gaps).toMatchObject([{ first: before, next: start }])
    const unledgered = { count: -lost.count, sum: -lost.sum }
    await scene.expectExactlyOnce({ unledgered, logIsWhole: false, quarantined: 0 })
  })
})

describe.each([
  {
    ...{ profile: 'embedded', settings: () => ({ MF_PROFILE: 'embedded' }), skip: false },
    makeAnew: async ({ config }: Scene) => makeAnewInSqlite(join(config.dataDir, 'log.sqlite'), config.topic),
  },
  {
    ...{ profile: `cluster${skipped}`, settings: sharedServices, skip: !onServices },
    makeAnew: async ({ config, log }: Scene) => {
      const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...config.kafkaBrokers] })
      await makeAnewInKafka(admin, log).finally(() => admin.close())
    },
  },
])('the topic is made again while its archiver cannot read: $profile', ({ settings, skip, makeAnew }) => {
  it.skipIf(skip)('a dashboard of the same process meets the new one first', { timeout: 120_000 }, async () => {
    await using scene = await Scene.open(settings())
    const trouble = new LogTrouble()
    const stop = new AbortController()
    const events: ArchiveEvent[] = []
    const archiving = archive({
      ...{ log: trouble.of(scene.log), lake: scene.lake, root: scene.root, group: scene.config.group },
      ...{ limits: REALTIME, once: false, acceptGap: false, signal: stop.signal },
      report: (event) => events.push(event),
    })
    await scene.produce(EVENTS)
    await scene.untilArchived()
    const count = (kind: ArchiveEvent['kind']) => events.filter((event) => event.kind === kind).length
    const waiting = () => new Set(events.flatMap((event) => (event.kind === 'retrying' ? event.partition : []))).size

    const { partitions } = await scene.log.describe()
    trouble.on = true
    await eventually(() => expect(waiting()).toBe(partitions.size), PATIENCE_MS)
    await makeAnew(scene)
    // More than before, so that each position of the former topic is one of the new topic as well.
    await scene.produce(2 * EVENTS)
    await scene.log.describe()
    const committed = count('committed')
    trouble.on = false
    await eventually(() => expect(count('committed')).toBeGreaterThan(committed), PATIENCE_MS)
    trouble.groupTells()
    await scene.untilArchived()
    stop.abort()
    await archiving

    expect((await lineagesOf(scene)).size).toBe(2)
    expect(await scene.expectExactlyOnce({ logIsWhole: false, quarantined: 0 })).toMatchObject({ count: 3 * EVENTS })
  })
})

/** A log that cannot be read while `on`, and a group that is late to tell what is revoked. */
class LogTrouble {
  on = false
  readonly #told = Promise.withResolvers<void>()

  groupTells(): void {
    this.#told.resolve()
  }

  of(log: EventLog): EventLog {
    return {
      topic: log.topic,
      ensureTopic: () => log.ensureTopic(),
      describe: () => log.describe(),
      append: (messages) => log.append(messages),
      open: (from) => {
        const reader = log.open(from)
        return {
          read: (options) =>
            this.on ? Promise.reject(new MusicFakerError('LOG_UNREACHABLE', 'timed out')) : reader.read(options),
          close: () => reader.close(),
        }
      },
      join: (options) => this.#join(log, options),
      committed: (group) => log.committed(group),
      close: () => log.close(),
    }
  }

  async *#join(log: EventLog, options: JoinOptions): AsyncGenerator<Assignment> {
    for await (const assignment of log.join(options)) {
      const late = new AbortController()
      assignment.revoked.addEventListener('abort', () => void this.#told.promise.then(() => late.abort()))
      yield { ...assignment, revoked: late.signal }
    }
  }
}

function lineagesOf({ lake, root }: Scene): Promise<Set<string>> {
  return readLineages(lake, root, { signal: new AbortController().signal, onRetry: () => undefined })
}
