/**
 * Membership of a consumer group, kept in the log file: a member renews its lease every third of it, and holds the
 * partitions that `owners` gives it. One that dies, or is suspended for longer than its lease, loses them to the others.
 *
 * Leases are compared by the wall clock, which all processes of the machine share. When it is set forward, leases end
 * early; when it is set back, those that would end later than any lease can are over. Neither endangers the archive: its
 * commit log fences whoever held a partition before.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRetryable, type MusicFakerError } from '../errors.ts'
import type { Assignment, JoinOptions } from './log.ts'
import type { Prepare, SqliteFile } from './sqlite-file.ts'
import { removeArchived } from './sqlite-retention.ts'
import { type GroupState, share } from './sqlite-share.ts'
import { findSameTopic, findTopic, type Topic } from './sqlite-topic.ts'

export const DEFAULT_LEASE_MS = 10_000
/** Longest time between two looks at who came or went; a tenth of a short lease. */
const LOOK_MS = 250
const LEAVE_PATIENCE_MS = 2_000

export interface MembershipOptions {
  topic: string
  group: string
  leaseMs: number
  /** Bytes of the file beyond which archived messages are removed. */
  keepBytes: number
  onContact?: JoinOptions['onContact']
}

interface Held {
  topicId: string
  revoke: AbortController
}

interface View extends GroupState {
  topic: Topic
  mine: ReadonlySet<number>
}

export class Membership {
  readonly #file: SqliteFile
  readonly #options: MembershipOptions
  readonly #me: string = randomUUID()
  readonly #stop = new AbortController()
  readonly #held = new Map<number, Held>()
  readonly #given: Assignment[] = []
  readonly #done: Promise<void>
  #wake = Promise.withResolvers<void>()
  #finished = false
  #failing = false
  /** When the lease ends, by the wall clock, as last written. */
  #expires = 0
  readonly #lookMs: number

  /** Joins at once; what goes wrong is thrown by `assignments`. */
  constructor(file: SqliteFile, options: MembershipOptions) {
    this.#file = file
    this.#options = options
    this.#lookMs = Math.min(LOOK_MS, options.leaseMs / 10)
    this.#done = this.#run().finally(() => {
      this.#finished = true
      this.#wake.resolve()
    })
    this.#done.catch(() => undefined)
  }

  /** Partitions as they are assigned, those revoked meanwhile left out. Ends when the member has left. */
  async *assignments(): AsyncGenerator<Assignment> {
    for (;;) {
      const next = this.#given.shift()
      if (next) {
        if (!next.revoked.aborted) yield next
      } else if (this.#finished) {
        return await this.#done
      } else {
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
      }
    }
  }

  /** Revokes everything at once, and resolves when the group has been left. Never rejects. */
  leave(): Promise<void> {
    this.#stop.abort()
    this.#revokeAll()
    return this.#done.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    try {
      while (!signal.aborted) {
        if (Date.now() >= this.#expires) this.#revokeAll()
        await this.#turnOrWait()
        await sleep(this.#lookMs, undefined, { signal }).catch(() => undefined)
      }
    } finally {
      this.#revokeAll()
      await this.#leaveGroup()
    }
  }

  async #turnOrWait(): Promise<void> {
    try {
      await this.#turn()
      if (this.#failing) this.#options.onContact?.(undefined)
      this.#failing = false
    } catch (error) {
      if (!isRetryable(error)) throw error
      this.#failing = true
      this.#options.onContact?.(error as MusicFakerError)
    }
  }

  async #turn(): Promise<void> {
    const view = await this.#file.read((sql) => this.#look(sql, Date.now()))
    const { release, take } = share(view, this.#me)
    const member = view.members.includes(this.#me)
    // Partitions may have gone to another member and come free again in between: what was held is void.
    if (!member) this.#revokeAll()
    // Revoked here before it is free for others there.
    for (const partition of release) this.#revoke(partition)
    for (const [partition, { topicId }] of this.#held) {
      if (topicId !== view.topic.id || !view.mine.has(partition)) this.#revoke(partition)
    }
    const renewal = this.#expires - (this.#options.leaseMs * 2) / 3
    const settled = release.length === 0 && take.length === 0 && view.mine.size === this.#held.size
    if (!member || !settled || Date.now() >= renewal) await this.#act()
  }

  /** Renews the lease, and releases and takes what is due, in one transaction. */
  async #act(): Promise<void> {
    const { group, leaseMs } = this.#options
    const { topic, mine, now } = await this.#file.write((sql) => {
      // One moment for the whole transaction: a lease that ran out between two looks would leave its owner behind.
      const now = Date.now()
      const { key } = findTopic(sql, this.#options.topic, this.#file.path)
      sql('DELETE FROM members WHERE topic = ? AND grp = ? AND NOT expires BETWEEN ? AND ?').run(
        key,
        group,
        ...running(now, leaseMs),
      )
      sql(`DELETE FROM owners WHERE topic = ?1 AND grp = ?2
           AND member NOT IN (SELECT member FROM members WHERE topic = ?1 AND grp = ?2)`).run(key, group)
      sql('INSERT OR REPLACE INTO members (topic, grp, member, expires) VALUES (?, ?, ?, ?)').run(
        key,
        group,
        this.#me,
        now + leaseMs,
      )
      const { release, take } = share(this.#look(sql, now), this.#me)
      const disown = sql('DELETE FROM owners WHERE topic = ? AND grp = ? AND partition = ?')
      for (const partition of release) disown.run(key, group, partition)
      const own = sql('INSERT INTO owners (topic, grp, partition, member) VALUES (?, ?, ?, ?)')
      for (const partition of take) own.run(key, group, partition, this.#me)
      return { ...this.#look(sql, now), now }
    }, this.#lookMs)
    this.#expires = now + leaseMs
    for (const partition of this.#held.keys()) if (!mine.has(partition)) this.#revoke(partition)
    if (this.#stop.signal.aborted) return
    for (const partition of mine) if (!this.#held.has(partition)) this.#give(topic, partition)
  }

  #look(sql: Prepare, now: number): View {
    const { group, leaseMs } = this.#options
    const topic = findTopic(sql, this.#options.topic, this.#file.path)
    const members = sql(
      'SELECT member FROM members WHERE topic = ? AND grp = ? AND expires BETWEEN ? AND ? ORDER BY member',
    )
      .all(topic.key, group, ...running(now, leaseMs))
      .map((row) => row.member as string)
    const owners = new Map<number, string>()
    const mine = new Set<number>()
    for (const row of sql('SELECT partition, member FROM owners WHERE topic = ? AND grp = ?').all(topic.key, group)) {
      owners.set(row.partition as number, row.member as string)
      if (row.member === this.#me) mine.add(row.partition as number)
    }
    return { topic, partitions: topic.partitions, members, owners, mine }
  }

  #give(topic: Topic, partition: number): void {
    const revoke = new AbortController()
    this.#held.set(partition, { topicId: topic.id, revoke })
    this.#given.push({
      topicId: topic.id,
      partition,
      revoked: revoke.signal,
      commit: (next) => this.#commit(topic.id, partition, next),
    })
    this.#wake.resolve()
  }

  #commit(topicId: string, partition: number, next: number): Promise<void> {
    const { topic, group, keepBytes } = this.#options
    return this.#file.write((sql) => {
      const found = findSameTopic(sql, topic, this.#file.path, topicId)
      // The greatest stays: a member that was taken over may still report, late.
      sql(`INSERT INTO committed (topic, grp, partition, next_offset) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)`).run(
        found.key,
        group,
        partition,
        next,
      )
      removeArchived(sql, found, partition, keepBytes)
    })
  }

  #revoke(partition: number): void {
    const held = this.#held.get(partition)
    this.#held.delete(partition)
    held?.revoke.abort()
  }

  #revokeAll(): void {
    for (const partition of [...this.#held.keys()]) this.#revoke(partition)
  }

  /** A failure here leaves the partitions to the end of the lease. */
  async #leaveGroup(): Promise<void> {
    if (this.#expires === 0) return
    await this.#file
      .write((sql) => {
        sql('DELETE FROM owners WHERE member = ?').run(this.#me)
        sql('DELETE FROM members WHERE member = ?').run(this.#me)
      }, LEAVE_PATIENCE_MS)
      .catch(() => undefined)
  }
}

/** The first and the last moment at which a lease may end that runs: a later one was written before the clock was set back. */
function running(now: number, leaseMs: number): [number, number] {
  return [now + 1, now + Math.max(leaseMs, DEFAULT_LEASE_MS)]
}
