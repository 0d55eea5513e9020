/**
 * The contract of the log port (`src/log/log.ts`), run by every adapter:
 *
 *   logContract('sqlite', async () => ({ open: (topic, partitions) => ..., makeAnew: ..., cleanup: async () => ... }))
 *
 * Nothing here knows an adapter. Waits are on conditions, with room for a broker that takes seconds to rebalance.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EventLog } from '../../src/log/log.ts'
import { groupCases } from './log-groups.ts'
import { groupOf, Member } from './log-member.ts'
import { messageCases } from './log-messages.ts'
import { drain, ended, eventually, message, readerOf, settled } from './log-reading.ts'

export interface LogFixture {
  /** Opens a log object on a topic, without creating the topic. The suite closes what it opened. */
  open(topic: string, partitions: number): Promise<EventLog>
  /** Deletes the log's topic, and makes it again. */
  makeAnew(log: EventLog): Promise<void>
  /** Runs once, after every log object is closed. */
  cleanup(): Promise<void>
}

export interface LogContractOptions {
  /** Milliseconds for joins, rebalances and leaving; also what a whole case may take, doubled. Default 30,000. */
  patienceMs?: number
  /** Cases that this adapter cannot pass, by title, each with the reason, which the report shows. */
  skip?: Readonly<Record<string, string>>
}

/** What the cases work with. Log objects and members are closed after each case. */
export interface LogBench {
  test(title: string, body: () => Promise<void>): void
  /** Milliseconds that a condition may take. */
  patience: number
  newTopic(): string
  /** A log object on a topic that may be missing. */
  openLog(topic: string, partitions: number): Promise<EventLog>
  /** A log object on a topic that is there. */
  openTopic(partitions: number, topic?: string): Promise<EventLog>
  /** Deletes the log's topic, and makes it again. */
  makeAnew(log: EventLog): Promise<void>
  /** A member of `group`, by default the topic's own one. */
  join(log: EventLog, group?: string): Member
}

export function logContract(
  name: string,
  factory: () => Promise<LogFixture> | LogFixture,
  options: LogContractOptions = {},
): void {
  const patience = options.patienceMs ?? 30_000
  let fixture: LogFixture | undefined
  const opened: EventLog[] = []
  const members: Member[] = []

  const bench: LogBench = {
    test(title, body) {
      const reason = options.skip?.[title]
      if (reason === undefined) it(title, { timeout: 2 * patience }, body)
      else it.skip(`${title} (skipped: ${reason})`)
    },
    patience,
    newTopic: () => `contract-${randomUUID()}`,
    async openLog(topic, partitions) {
      const log = await fixture!.open(topic, partitions)
      opened.push(log)
      return log
    },
    async openTopic(partitions, topic = bench.newTopic()) {
      const log = await bench.openLog(topic, partitions)
      await log.ensureTopic()
      return log
    },
    makeAnew: (log) => fixture!.makeAnew(log),
    join(log, group = groupOf(log)) {
      const member = new Member(log, group)
      members.push(member)
      return member
    },
  }

  describe(`log contract: ${name}`, () => {
    beforeAll(async () => {
      fixture = await factory()
    })
    afterEach(async () => {
      await Promise.all(members.splice(0).map((member) => member.leave()))
      await Promise.all(opened.splice(0).map((log) => log.close()))
    }, 2 * patience)
    afterAll(() => fixture?.cleanup())

    topicCases(bench)
    messageCases(bench)
    groupCases(bench)
    closeCases(bench)
  })
}

function topicCases({ test, patience, newTopic, openLog, openTopic, makeAnew, join }: LogBench): void {
  test('a missing topic is LOG_TOPIC_MISSING', async () => {
    const log = await openLog(newTopic(), 3)
    await expect(log.describe()).rejects.toMatchObject({ code: 'LOG_TOPIC_MISSING' })
  })

  test('ensureTopic creates once, whoever calls, and leaves an existing topic as it is', async () => {
    const topic = newTopic()
    const [one, two] = [await openLog(topic, 3), await openLog(topic, 3)]
    await Promise.all([one.ensureTopic(), two.ensureTopic()])
    const before = await one.describe()
    expect([...before.partitions]).toEqual([0, 1, 2].map((partition) => [partition, { start: 0, end: 0 }]))

    const other = await openLog(topic, 5)
    await other.ensureTopic()
    expect(await other.describe()).toEqual(before)
    expect(other.topic).toBe(topic)
  })

  test('the topic id survives reopening, is safe as a folder name, and differs between topics', async () => {
    const topic = newTopic()
    const first = await (await openTopic(1, topic)).describe()
    const again = await (await openLog(topic, 1)).describe()
    expect(again.topicId).toBe(first.topicId)
    expect(first.topicId).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/)
    expect((await (await openTopic(1)).describe()).topicId).not.toBe(first.topicId)
  })

  test('a reader keeps to the topic it is opened for, whatever the log has met since', async () => {
    const log = await openTopic(1)
    await log.append([message('k', 'former')])
    const { topicId } = await log.describe()
    await makeAnew(log)
    await log.append(['new', 'newer'].map((value) => message('k', value)))

    const described = await log.describe()
    expect(described.topicId).not.toBe(topicId)
    const member = join(log)
    await eventually(() => expect(member.held.get(0)?.topicId).toBe(described.topicId), patience)
    const reading = log.open({ topicId, partition: 0, from: 1 }).read({ maxBytes: 1_000, maxWaitMs: 10_000 })
    await expect(reading).rejects.toMatchObject({ code: 'LOG_TOPIC_RECREATED' })
    expect((await drain(log, 0, 0, 2)).values.map(String)).toEqual(['new', 'newer'])
  })
}

function closeCases({ test, patience, openTopic }: LogBench): void {
  test('after close every call is LOG_REFUSED', async () => {
    const log = await openTopic(1)
    const { topicId } = await log.describe()
    await log.close()
    const calls: Record<string, () => Promise<unknown>> = {
      ensureTopic: () => log.ensureTopic(),
      describe: () => log.describe(),
      append: () => log.append([message('k', 'v')]),
      committed: () => log.committed(groupOf(log)),
      read: async () => log.open({ topicId, partition: 0, from: 0 }).read({ maxBytes: 1_000, maxWaitMs: 1_000 }),
      join: async () => {
        for await (const _ of log.join({ group: groupOf(log), signal: new AbortController().signal })) break
      },
    }
    for (const [call, run] of Object.entries(calls)) {
      await expect(run(), call).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    }
  })

  test('close ends what is waiting', async () => {
    const log = await openTopic(1)
    const waiting = (await readerOf(log, 0, 0)).read({ maxBytes: 1_000, maxWaitMs: 10 * patience })
    const readEnded = ended(waiting)
    await settled(log.close(), patience, 'close')
    await settled(readEnded, patience, 'the read')
  })
}
