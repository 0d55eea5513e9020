import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventLog } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { Member } from '../contract/log-member.ts'
import { eventually } from '../contract/log-reading.ts'
import { LogProcess } from './sqlite-process.ts'

const PATIENCE_MS = 15_000
const LEASE_MS = 1_200

describe('a group over two processes', () => {
  let folder: string
  let log: EventLog
  let member: Member
  let child: LogProcess

  /** What the other process holds, going by what it printed. */
  function heldByChild(): number[] {
    const held = new Set<number>()
    for (const line of child.lines) {
      if (line.startsWith('+')) held.add(Number(line.slice(1)))
      else held.delete(Number(line.slice(1)))
    }
    return [...held]
  }
  const shared = () =>
    eventually(() => {
      expect([member.held.size, heldByChild().length]).toEqual([2, 2])
      expect([...member.held.keys(), ...heldByChild()].sort()).toEqual([0, 1, 2, 3])
    }, PATIENCE_MS)
  const allMine = () => eventually(() => expect(member.held.size).toBe(4), PATIENCE_MS)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'music-faker-group-'))
    const file = join(folder, 'log.db')
    log = await openSqliteLog({ file, topic: 't', partitions: 4, leaseMs: LEASE_MS })
    await log.ensureTopic()
    child = new LogProcess('join', file, 't', LEASE_MS)
    await eventually(() => expect(heldByChild()).toHaveLength(4), PATIENCE_MS)
    member = new Member(log, 'g')
    await shared()
  })
  afterEach(async () => {
    child.signal('SIGKILL')
    await child.exit()
    await member.leave()
    await log.close()
    await rm(folder, { recursive: true })
  })

  it('a member that is killed loses its partitions when its lease ends', async () => {
    child.signal('SIGKILL')
    await child.exit()
    await allMine()
  })

  it('a member that leaves gives its partitions back at once', async () => {
    child.signal('SIGTERM')
    expect(await child.exit()).toBe(0)
    expect(heldByChild()).toEqual([])
    await allMine()
  })

  it('a suspended member finds its partitions revoked when it goes on, and is given a share again', async () => {
    const before = heldByChild()
    child.signal('SIGSTOP')
    await allMine()
    const printed = child.lines.length
    child.signal('SIGCONT')
    await eventually(() => {
      const revoked = child.lines.slice(printed, printed + 2)
      expect(revoked.sort()).toEqual(before.map((partition) => `-${partition}`).sort())
    }, PATIENCE_MS)
    await shared()
  })
})
