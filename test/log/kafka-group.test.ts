import { Consumer } from '@platformatic/kafka'
import { afterAll, describe, expect, inject, it } from 'vitest'
import type { Assignment, EventLog } from '../../src/log/log.ts'
import { Member } from '../contract/log-member.ts'
import { eventually, settled } from '../contract/log-reading.ts'
import { openBench } from './kafka-bench.ts'

const PATIENCE_MS = 25_000

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(`kafka group${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  const brokers = skipped ? [] : services.kafka.brokers
  const bench = openBench(brokers)
  afterAll(() => bench.close())

  const groupOf = (log: EventLog) => `group-of-${log.topic}`

  it('partitions that stay with a member go on untouched through a rebalance', async () => {
    const log = await bench.topic(4)
    const first = new Member(log, groupOf(log))
    await eventually(() => expect(first.held.size).toBe(4), PATIENCE_MS)
    const before = new Map(first.held)
    const second = new Member(await bench.again(log), groupOf(log))
    await eventually(() => expect([first.held.size, second.held.size]).toEqual([2, 2]), PATIENCE_MS)
    for (const [partition, assignment] of before) {
      expect(assignment.revoked.aborted).toBe(!first.held.has(partition))
      if (first.held.has(partition)) expect(first.held.get(partition)).toBe(assignment)
    }
    await Promise.all([first.leave(), second.leave()])
  })

  it('a partition that comes back is a new assignment, and what the last one committed is told before leaving', async () => {
    const log = await bench.topic(1)
    const group = groupOf(log)
    for (const next of [5, 9]) {
      const member = new Member(log, group)
      await eventually(() => expect(member.held.size).toBe(1), PATIENCE_MS)
      // Not awaited to be known: leaving follows at once.
      await member.held.get(0)!.commit(next)
      await member.leave()
      expect(await log.committed(group)).toEqual(new Map([[0, next]]))
    }
  })

  it('ends the membership when the caller stops listening', async () => {
    const log = await bench.topic(1)
    let given: Assignment | undefined
    for await (const assignment of log.join({ group: groupOf(log), signal: new AbortController().signal })) {
      given = assignment
      break
    }
    expect(given!.revoked.aborted).toBe(true)
    // Had the first member not left, this one would wait for its session to end.
    const next = new Member(log, groupOf(log))
    await eventually(() => expect(next.held.size).toBe(1), 5_000)
    await next.leave()
  })

  it('notices new partitions, whoever leads the group', async () => {
    const log = await bench.topic(1)
    const logs = [log, await bench.again(log)]
    const members = logs.map((each) => new Member(each, groupOf(log)))
    const held = () => members.flatMap((member) => [...member.held.keys()]).sort()
    await eventually(() => expect(held()).toEqual([0]), PATIENCE_MS)
    await bench.admin.createPartitions({
      topics: [{ name: log.topic, count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
    })
    // Looking is what the members do by themselves every ten seconds.
    for (const each of logs) await each.describe()
    await eventually(() => expect(held()).toEqual([0, 1, 2]), PATIENCE_MS)
    await Promise.all(members.map((member) => member.leave()))
  })

  it('a topic that was created again is revoked and assigned under its new id', async () => {
    const log = await bench.topic(1)
    const member = new Member(log, groupOf(log))
    await eventually(() => expect(member.held.size).toBe(1), PATIENCE_MS)
    const former = member.held.get(0)!
    await bench.admin.deleteTopics({ topics: [log.topic] })
    await log.ensureTopic()
    const { topicId } = await log.describe()
    await eventually(() => expect(member.held.get(0)?.topicId).toBe(topicId), PATIENCE_MS)
    expect(former.topicId).not.toBe(topicId)
    expect(former.revoked.aborted).toBe(true)
    await member.leave()
  })

  it('members of one group that archive different topics do not take from each other', async () => {
    const [one, two] = [await bench.topic(2), await bench.topic(3)]
    const group = groupOf(one)
    const members = [new Member(one, group), new Member(two, group), new Member(await bench.again(two), group)]
    await eventually(() => {
      expect([...members[0]!.held.keys()].sort()).toEqual([0, 1])
      expect([...members[1]!.held.keys(), ...members[2]!.held.keys()].sort()).toEqual([0, 1, 2])
    }, PATIENCE_MS)
    await Promise.all(members.map((member) => member.leave()))
  })

  it('a group that another program reads under is LOG_REFUSED', async () => {
    const log = await bench.topic(1)
    const group = groupOf(log)
    const other = new Consumer({ clientId: 'other', groupId: group, bootstrapBrokers: [...brokers] })
    other.topics.trackAll(log.topic)
    await other.joinGroup()
    const joining = (async () => {
      for await (const _ of log.join({ group, signal: new AbortController().signal }));
    })()
    await expect(settled(joining, PATIENCE_MS, 'joining')).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      message: expect.stringContaining(group),
      next: expect.stringContaining('--group'),
    })
    await other.leaveGroup()
    await other.close()
  })
})
