/**
 * A log in memory, exact to the port, for tests of what stands on it. Log objects opened on one MemoryTopic share it, as
 * processes share a broker. Beyond the port, a test can delete old messages, leave holes, and recreate the topic.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MusicFakerError } from '../../src/errors.ts'
import type {
  Assignment,
  EventLog,
  LogBatch,
  LogMessage,
  PartitionReader,
  ReadFrom,
  TopicDescription,
} from '../../src/log/log.ts'

interface Stored {
  offset: number
  /** Null: a tombstone. */
  value: Uint8Array | null
}

interface Partition {
  start: number
  end: number
  messages: Stored[]
}

interface Member {
  held: Map<number, AbortController>
  offer: (assignment: Assignment) => void
}

export class MemoryTopic {
  readonly name: string
  topicId = ''
  partitions: Partition[] = []
  readonly committed = new Map<string, Map<number, number>>()
  readonly #groups = new Map<string, Member[]>()

  constructor(name = 'memory') {
    this.name = name
  }

  open(partitions: number): EventLog {
    return new MemoryLog(this, partitions)
  }

  create(partitions: number): void {
    if (this.topicId !== '') return
    this.topicId = randomUUID()
    this.partitions = Array.from({ length: partitions }, () => ({ start: 0, end: 0, messages: [] }))
  }

  /** Deletes the topic. Members find out by themselves. */
  delete(): void {
    this.topicId = ''
  }

  /** Deletes the topic and creates it again: another id, no messages. */
  recreate(): void {
    this.delete()
    this.create(this.partitions.length)
  }

  put(partition: number, value: Uint8Array | null): void {
    const into = this.partitions[partition]!
    into.messages.push({ offset: into.end++, value })
  }

  /** Uses up offsets without a message, as transaction markers do. */
  skip(partition: number, offsets: number): void {
    this.partitions[partition]!.end += offsets
  }

  /** Removes everything below `start`, as retention does. */
  truncate(partition: number, start: number): void {
    const from = this.partitions[partition]!
    from.start = start
    from.messages = from.messages.filter(({ offset }) => offset >= start)
  }

  /** Revokes one partition from whoever holds it, and gives it back, as a rebalance may. */
  bounce(group: string, partition: number): void {
    for (const member of this.#groups.get(group) ?? []) this.#revoke(member, partition)
    this.rebalance(group)
  }

  enter(group: string, member: Member): void {
    this.#groups.set(group, [...(this.#groups.get(group) ?? []), member])
    this.rebalance(group)
  }

  leave(group: string, member: Member): void {
    for (const partition of [...member.held.keys()]) this.#revoke(member, partition)
    this.#groups.set(
      group,
      (this.#groups.get(group) ?? []).filter((other) => other !== member),
    )
    this.rebalance(group)
  }

  rebalance(group: string): void {
    const members = this.#groups.get(group) ?? []
    const wanted = (partition: number) => members[partition % members.length]
    for (const member of members) {
      for (const partition of [...member.held.keys()]) {
        if (wanted(partition) !== member) this.#revoke(member, partition)
      }
    }
    for (const partition of this.partitions.keys()) {
      const member = wanted(partition)
      if (member && !member.held.has(partition)) this.#assign(group, member, partition)
    }
  }

  #assign(group: string, member: Member, partition: number): void {
    const revoked = new AbortController()
    member.held.set(partition, revoked)
    member.offer({
      topicId: this.topicId,
      partition,
      revoked: revoked.signal,
      commit: async (next) => {
        const offsets = this.committed.get(group) ?? new Map<number, number>()
        this.committed.set(group, offsets.set(partition, next))
      },
    })
  }

  #revoke(member: Member, partition: number): void {
    member.held.get(partition)?.abort()
    member.held.delete(partition)
  }
}

class MemoryLog implements EventLog {
  readonly #topic: MemoryTopic
  readonly #partitions: number
  readonly #closed = new AbortController()

  constructor(topic: MemoryTopic, partitions: number) {
    this.#topic = topic
    this.#partitions = partitions
  }

  get topic(): string {
    return this.#topic.name
  }

  async ensureTopic(): Promise<void> {
    this.#check()
    this.#topic.create(this.#partitions)
  }

  async describe(): Promise<TopicDescription> {
    this.#check()
    const { topicId, partitions, name } = this.#topic
    if (topicId === '') throw missing(name)
    return { topicId, partitions: new Map(partitions.map(({ start, end }, partition) => [partition, { start, end }])) }
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    this.#check()
    for (const { key, value } of messages) {
      const hash = [...key].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) >>> 0, 7)
      this.#topic.put(hash % this.#topic.partitions.length, value)
    }
  }

  open(from: ReadFrom): PartitionReader {
    this.#check()
    return new MemoryReader(this.#topic, from, this.#closed.signal)
  }

  async *join(options: { group: string; signal: AbortSignal }): AsyncIterable<Assignment> {
    this.#check()
    const signal = AbortSignal.any([options.signal, this.#closed.signal])
    const offered: Assignment[] = []
    let wake = () => {}
    const member: Member = {
      held: new Map(),
      offer: (assignment) => {
        offered.push(assignment)
        wake()
      },
    }
    signal.addEventListener('abort', () => wake())
    if (!signal.aborted) this.#topic.enter(options.group, member)
    try {
      while (!signal.aborted) {
        const assignment = offered.shift()
        if (assignment) yield assignment
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      this.#topic.leave(options.group, member)
    }
  }

  async committed(group: string): Promise<Map<number, number>> {
    this.#check()
    return new Map(this.#topic.committed.get(group))
  }

  async close(): Promise<void> {
    this.#closed.abort()
  }

  #check(): void {
    if (this.#closed.signal.aborted) throw new MusicFakerError('LOG_REFUSED', 'the log is closed')
  }
}

class MemoryReader implements PartitionReader {
  readonly #topic: MemoryTopic
  readonly #topicId: string
  readonly #partition: number
  readonly #closed: AbortSignal
  #position: number

  constructor(topic: MemoryTopic, { topicId, partition, from }: ReadFrom, closed: AbortSignal) {
    this.#topic = topic
    this.#topicId = topicId
    this.#partition = partition
    this.#position = from
    this.#closed = closed
  }

  async read(options: { maxBytes: number; maxWaitMs: number; signal?: AbortSignal }): Promise<LogBatch> {
    const until = performance.now() + options.maxWaitMs
    for (;;) {
      if (this.#closed.aborted) throw new MusicFakerError('LOG_REFUSED', 'the log is closed')
      const { end, messages } = this.#check()
      if (end > this.#position) return this.#take(messages, end, options.maxBytes)
      if (performance.now() >= until || options.signal?.aborted)
        return this.#batch([], this.#position, this.#position, end)
      await sleep(2)
    }
  }

  async close(): Promise<void> {}

  #check(): Partition {
    const partition = this.#topic.partitions[this.#partition]!
    if (this.#topic.topicId === '') throw missing(this.#topic.name)
    if (this.#topic.topicId !== this.#topicId) {
      throw new MusicFakerError('LOG_TOPIC_RECREATED', `topic ${this.#topic.name} was created again`)
    }
    if (this.#position < partition.start) {
      throw new MusicFakerError(
        'LOG_OFFSET_GONE',
        `offset ${this.#position} is gone, the log starts at ${partition.start}`,
      )
    }
    return partition
  }

  #take(messages: Stored[], end: number, maxBytes: number): LogBatch {
    const taken: Stored[] = []
    let bytes = 0
    for (let i = messages.findIndex(({ offset }) => offset >= this.#position); i >= 0 && i < messages.length; i++) {
      const message = messages[i]!
      bytes += message.value?.length ?? 0
      if (bytes > maxBytes && taken.length > 0) return this.#batch(taken, this.#position, taken.at(-1)!.offset + 1, end)
      taken.push(message)
    }
    return this.#batch(taken, this.#position, end, end)
  }

  #batch(taken: Stored[], first: number, next: number, end: number): LogBatch {
    const starts = new Int32Array(taken.length)
    const ends = new Int32Array(taken.length)
    let at = 0
    for (const [i, { value }] of taken.entries()) {
      starts[i] = value === null ? -1 : at
      at += value?.length ?? 0
      ends[i] = value === null ? -1 : at
    }
    this.#position = next
    return {
      partition: this.#partition,
      first,
      next,
      count: taken.length,
      data: Buffer.concat(taken.map(({ value }) => value ?? new Uint8Array())),
      starts,
      ends,
      offsetDeltas: Int32Array.from(taken, ({ offset }) => offset - first),
      end,
    }
  }
}

function missing(name: string): MusicFakerError {
  return new MusicFakerError('LOG_TOPIC_MISSING', `there is no topic ${name}`)
}
