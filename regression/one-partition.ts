/** One partition of a real Kafka, archived into a real HDFS, directly or through a proxy that may do things to the calls. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { lakeRoot, partitionStaging } from '../src/archive/layout.ts'
import { PartitionArchiver } from '../src/archive/partition.ts'
import { systemClock } from '../src/clock.ts'
import { encode, formatTimestamp } from '../src/event.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { openWebHdfsLake } from '../src/lake/webhdfs.ts'
import { openKafkaLog } from '../src/log/kafka.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { HdfsProxy } from './hdfs-proxy.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'
import { isOpen } from './own-hdfs.ts'

const HOUR_MS = 3_600_000
const T0 = Date.UTC(2025, 6, 3, 20)
/** Small, so that a few messages are several batches. */
const LIMITS = { messages: 4, bytes: 1_000_000, ageMs: 60_000 }
/** Above what a small write takes when its block is reported late. */
const REQUEST_TIMEOUT_MS = 1_500
/** More than is held back before a file streams into HDFS. */
const MUCH = Buffer.alloc(200_000, 'x')
const PATIENCE_MS = 30_000

export interface OwnerOptions {
  /** Up to this offset, or as far beyond as its batch goes. */
  target: number
  abandon?: AbortSignal
}

export class OnePartition {
  readonly #log: EventLog
  readonly #lake: LakeStorage
  readonly #doubtful: LakeStorage
  readonly proxy: HdfsProxy
  /** What the group was told, in order. */
  readonly committed: number[] = []

  readonly #namenode: string

  private constructor(log: EventLog, namenode: string, proxy: HdfsProxy, requestTimeout: number) {
    this.#log = log
    this.#namenode = namenode
    this.proxy = proxy
    const open = (address: string) =>
      openWebHdfsLake({ namenodes: [address], user: 'music-faker-test', requestTimeout })
    this.#lake = open(namenode)
    this.#doubtful = open(proxy.address)
  }

  /** A new topic that holds `count` messages, of two days and some of them no events. */
  static async open(
    services: { kafka: { brokers: string[] }; hdfs: { namenodes: string[] } },
    count: number,
    { requestTimeout = REQUEST_TIMEOUT_MS } = {},
  ): Promise<OnePartition> {
    const [namenode = ''] = services.hdfs.namenodes
    const log = await openKafkaLog({
      ...{ brokers: services.kafka.brokers, topic: `partition_${randomUUID()}`, partitions: 1 },
      ...{ requestTimeout: 30_000, connectTimeout: 10_000 },
    })
    await log.ensureTopic()
    await log.append(Array.from({ length: count }, (_, n) => message(n)))
    return new OnePartition(log, namenode, await HdfsProxy.start(namenode), requestTimeout)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]()
    await Promise.all([this.#log.close(), this.#lake.close(), this.#doubtful.close()])
  }

  get root(): string {
    return lakeRoot(this.#log.topic)
  }

  /** Archives as an owner of its own. @throws what makes an archiver stop the partition */
  archive(options: OwnerOptions): Promise<void> {
    return this.#archive(this.#lake, options)
  }

  archiveThroughProxy(options: OwnerOptions): Promise<void> {
    return this.#archive(this.#doubtful, options)
  }

  /** What an owner that died amid a write has left, for the next one to sweep. */
  async leaveStaged(): Promise<void> {
    const { topicId } = await this.#log.describe()
    await this.#lake.write(`${partitionStaging(this.root, topicId, 0)}/0/${randomUUID()}`, Buffer.from('half'))
  }

  /** Begins to write what an older owner staged, and goes no further before `goOn`, as one that is suspended. */
  async holdOpen(): Promise<{ path: string; goOn: () => void; written: Promise<number> }> {
    const { topicId } = await this.#log.describe()
    const path = `${partitionStaging(this.root, topicId, 0)}/0/${randomUUID()}`
    const gate = Promise.withResolvers<void>()
    async function* body() {
      yield MUCH
      await gate.promise
      yield MUCH
    }
    const written = this.#lake.write(path, body())
    await eventually(async () => expect(await isOpen(this.#namenode, path)).toBe(true), PATIENCE_MS)
    return { path, goOn: gate.resolve, written }
  }

  /** Writes a file beside the archivers. */
  write(path: string, body: Uint8Array): Promise<number> {
    return this.#lake.write(path, body)
  }

  /** Fails unless the lake holds every message once. */
  async expectExactlyOnce(what: string): Promise<void> {
    await expectLakeHoldsLog(this.#log, this.#lake, this.root, what)
  }

  async #archive(lake: LakeStorage, { target, abandon }: OwnerOptions): Promise<void> {
    const { topicId } = await this.#log.describe()
    const never = new AbortController().signal
    const commit = async (next: number) => void this.committed.push(next)
    await new PartitionArchiver({
      ...{ log: this.#log, lake, root: this.root, target, limits: LIMITS, stop: never, abandon: abandon ?? never },
      assignment: { topicId, partition: 0, revoked: never, commit },
      owner: `owner ${randomUUID()}`,
      readBytes: () => 1_000_000,
      clock: systemClock,
      acceptGap: false,
      report: () => undefined,
    }).run()
  }
}

function message(n: number): LogMessage {
  const timestamp = T0 + n * HOUR_MS
  const event = {
    ...{ user: 'eric04', artist: 'Carol Moore', track: `Track ${n}`, timestamp: formatTimestamp(timestamp) },
    ...{ genre: 'Jazz', duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
  }
  return { key: 'eric04', value: n % 5 === 2 ? Buffer.from('{broken') : encode(event) }
}
