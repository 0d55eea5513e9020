/** What the log port promises about consumer groups: who holds which partition, and what is committed. Run by `log.ts`. */
import { expect } from 'vitest'
import type { Assignment } from '../../src/log/log.ts'
import type { LogBench } from './log.ts'
import { groupOf } from './log-member.ts'
import { eventually, message, settled } from './log-reading.ts'

export function groupCases({ test, patience, newTopic, openTopic, join }: LogBench): void {
  test('a single member is assigned every partition', async () => {
    const log = await openTopic(3)
    const member = join(log)
    await eventually(() => expect([...member.held.keys()].sort()).toEqual([0, 1, 2]), patience)
    const { topicId } = await log.describe()
    for (const assignment of member.held.values()) expect(assignment.topicId).toBe(topicId)
  })

  test('a second member shares the partitions, and gives them back when it leaves', async () => {
    const topic = newTopic()
    const first = join(await openTopic(4, topic))
    await eventually(() => expect(first.held.size).toBe(4), patience)
    const second = join(await openTopic(4, topic))
    await eventually(() => {
      expect([first.held.size, second.held.size]).toEqual([2, 2])
      expect([...first.held.keys(), ...second.held.keys()].sort()).toEqual([0, 1, 2, 3])
    }, patience)

    const given = [...second.held.values()]
    await second.leave()
    for (const { revoked } of given) expect(revoked.aborted).toBe(true)
    await eventually(() => expect([...first.held.keys()].sort()).toEqual([0, 1, 2, 3]), patience)
  })

  test('groups do not share: each is assigned everything', async () => {
    const log = await openTopic(2)
    const [one, two] = [join(log), join(log, `${groupOf(log)}-2`)]
    await eventually(() => expect([one.held.size, two.held.size]).toEqual([2, 2]), patience)
  })

  test('what a member commits is what the group has committed', async () => {
    const log = await openTopic(2)
    expect(await log.committed(groupOf(log))).toEqual(new Map())
    await log.append(Array.from({ length: 50 }, (_, i) => message(`k${i}`, `${i}`)))
    const member = join(log)
    await eventually(() => expect(member.held.size).toBe(2), patience)
    await member.held.get(1)!.commit(3)
    await eventually(async () => expect(await log.committed(groupOf(log))).toEqual(new Map([[1, 3]])), patience)
    await member.held.get(1)!.commit(7)
    await member.held.get(0)!.commit(2)
    const both = { 0: 2, 1: 7 }
    await eventually(async () => expect(Object.fromEntries(await log.committed(groupOf(log)))).toEqual(both), patience)
    expect(await log.committed(`${groupOf(log)}-2`)).toEqual(new Map())
  })

  test('abort ends a join and revokes what it held', async () => {
    const member = join(await openTopic(2))
    await eventually(() => expect(member.held.size).toBe(2), patience)
    const held = [...member.held.values()]
    await settled(member.leave(), patience, 'leaving')
    for (const { revoked } of held) expect(revoked.aborted).toBe(true)
  })

  test('a join whose signal is already aborted ends without an assignment', async () => {
    const log = await openTopic(1)
    const assignments: Assignment[] = []
    for await (const assignment of log.join({ group: groupOf(log), signal: AbortSignal.abort() }))
      assignments.push(assignment)
    expect(assignments).toEqual([])
  })
}
