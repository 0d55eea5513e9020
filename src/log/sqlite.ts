/**
 * The embedded log: topics in one SQLite file that several processes of a machine share. `sqlite-file.ts` describes the
 * file, `sqlite-run.ts` how messages are packed, `sqlite-member.ts` how groups share partitions, `sqlite-retention.ts` what is
 * removed.
 *
 * SQLite blocks the thread while it works, so every transaction is short: a few MiB at most, tens of milliseconds.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'
import type {
  Assignment,
  EventLog,
  JoinOptions,
  LogMessage,
  PartitionReader,
  ReadFrom,
  TopicDescription,
} from './log.ts'
import { closedError, SqliteFile } from './sqlite-file.ts'
import { DEFAULT_LEASE_MS, Membership } from './sqlite-member.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { cut, packedBytes, packRuns } from './sqlite-run.ts'
import { appendRun, createTopic, describeTopic, findTopic, type Topic } from './sqlite-topic.ts'

/** Larger appends are several transactions, so that other processes and this one's other work get their turn. */
const TRANSACTION_BYTES = 4_194_304

export interface SqliteLogOptions {
  /** Path of the file; it and its folder are made where they are missing. */
  file: string
  topic: string
  /** Of the topic, when it has to be created. */
  partitions: number
  /** Milliseconds after which a member of a group that is not heard of loses its partitions. Default 10,000. */
  leaseMs?: number
  /** Bytes of the file beyond which messages are removed that are archived. Default: never. */
  keepBytes?: number
}

/**
 * Opens the embedded log. Does not create the topic: see `ensureTopic`.
 * @throws LOG_FORMAT when the file is not a log of this format, CONFIG_INVALID when it cannot be opened or written,
 *   LOG_UNREACHABLE when another process keeps it locked
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<EventLog> {
  return new SqliteLog(await SqliteFile.open(options.file), options)
}

class SqliteLog implements EventLog {
  readonly topic: string
  readonly #file: SqliteFile
  readonly #options: SqliteLogOptions
  readonly #memberships = new Set<Membership>()
  #appending: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(file: SqliteFile, options: SqliteLogOptions) {
    this.topic = options.topic
    this.#file = file
    this.#options = options
  }

  async ensureTopic(): Promise<void> {
    this.#refuseWhenClosed()
    await this.#file.write((sql) => createTopic(sql, this.topic, this.#options.partitions))
  }

  async describe(): Promise<TopicDescription> {
    this.#refuseWhenClosed()
    return this.#file.read((sql) => describeTopic(sql, findTopic(sql, this.topic, this.#file.path)))
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    if (this.#closing) return Promise.reject(closedError(this.#file.path))
    const appended = this.#appending.then(() => this.#append(messages))
    this.#appending = appended.catch(() => undefined)
    return appended
  }

  async #append(messages: readonly LogMessage[]): Promise<void> {
    if (messages.length === 0) return
    const found = await this.#file.read((sql) => findTopic(sql, this.topic, this.#file.path))
    for (const part of cut(messages, ({ value }) => packedBytes(value), TRANSACTION_BYTES)) {
      await this.#appendPart(part, found)
      // Nothing above waits for the event loop: a caller that appends in a loop would never let timers and signals in.
      await nextTurn()
    }
  }

  async #appendPart(messages: readonly LogMessage[], packedFor: Topic): Promise<void> {
    const runs = packRuns(messages, packedFor.partitions)
    await this.#file.write((sql) => {
      const topic = findTopic(sql, this.topic, this.#file.path)
      if (topic.partitions !== packedFor.partitions) throw recreatedError(this.topic)
      for (const run of runs) appendRun(sql, topic, run)
    })
  }

  open(from: ReadFrom): PartitionReader {
    return new SqliteReader(this.#file, this.topic, from)
  }

  async *join({ group, signal, onContact }: JoinOptions): AsyncGenerator<Assignment> {
    this.#refuseWhenClosed()
    if (signal.aborted) return
    const { leaseMs = DEFAULT_LEASE_MS, keepBytes = Number.POSITIVE_INFINITY } = this.#options
    const membership = new Membership(this.#file, { topic: this.topic, group, leaseMs, keepBytes, onContact })
    const leave = () => void membership.leave()
    this.#memberships.add(membership)
    signal.addEventListener('abort', leave)
    try {
      yield* membership.assignments()
    } finally {
      signal.removeEventListener('abort', leave)
      await membership.leave()
      this.#memberships.delete(membership)
    }
  }

  async committed(group: string): Promise<Map<number, number>> {
    this.#refuseWhenClosed()
    const rows = await this.#file.read((sql) => {
      const { key } = findTopic(sql, this.topic, this.#file.path)
      return sql('SELECT partition, next_offset FROM committed WHERE topic = ? AND grp = ? ORDER BY partition').all(
        key,
        group,
      )
    })
    return new Map(rows.map((row) => [row.partition as number, row.next_offset as number]))
  }

  /** Finishes the appends under way, leaves the groups, and ends what is waiting. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#appending, ...[...this.#memberships].map((membership) => membership.leave())])
    this.#file.close()
  }

  #refuseWhenClosed(): void {
    if (this.#closing) throw closedError(this.#file.path)
  }
}

function recreatedError(topic: string): MusicFakerError {
  return new MusicFakerError('LOG_TOPIC_RECREATED', `topic "${topic}" was created anew during an append`, {
    next: 'Start the command again to go on with the new topic.',
  })
}
