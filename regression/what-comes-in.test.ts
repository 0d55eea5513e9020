/**
 * Guarantee: whatever anyone writes to the topic, in whatever order and compression, is in the lake as it was written or
 * in quarantine, once: events in every spelling, poison, tombstones, messages at and over the limit, transactions that
 * were committed and not those that were aborted, and batches that unfold to gigabytes, in bounded memory.
 */
import { readFileSync } from 'node:fs'
import { FetchIsolationLevels } from '@platformatic/kafka'
import { afterAll, describe, expect, it } from 'vitest'
import { fingerprint } from '../src/generate/ledger.ts'
import { quarantined, records } from '../test/archive/lake-contents.ts'
import type { RunningCommand } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { type ForeignMessage, foreignMessages } from '../test/e2e/foreign-messages.ts'
import { openBench } from '../test/log/kafka-bench.ts'
import { appendBomb } from './bomb.ts'
import { LONG } from './form.ts'
import { onServices, Scene, sharedServices, skipped } from './scene.ts'

const FIRST_EVENTS = 100
/** The broker aborts what is open for longer, with the library's default after 5 s. */
const TRANSACTION_MS = 120_000
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const ROUNDS = LONG ? 10 : 2
const GIGABYTES = LONG ? [2, 2, 2] : [1]
/** Of the archiver's process, 130 MiB of which is there before the first message. Without the limit it would be gigabytes. */
const MOST_MEMORY_KIB = 700_000

describe.skipIf(!onServices)(`what comes in${skipped}`, { timeout: 300_000 }, () => {
  const brokers = onServices?.kafka.brokers ?? []
  const bench = openBench(brokers)
  afterAll(() => bench.close())

  it('all of it, through the whole archiver', async ({ annotate }) => {
    await using scene = await Scene.open({ ...sharedServices(), MF_PARTITIONS: '2' })
    const topic = scene.config.topic
    const archiver = scene.start('consume')
    const kept: ForeignMessage[] = []
    let [aborted, bombs] = [0, 0]
    const written = (messages: ForeignMessage[]) =>
      messages.map(({ value }) => ({ topic, value: value as Buffer, key: Buffer.from(String(kept.length)) }))
    // A broker that has only just heard of a topic refuses messages for it, and the library's producer gives up then.
    await scene.produce(FIRST_EVENTS)
    const producer = bench.producer()
    const begin = (id: string) =>
      bench.producer({ idempotent: true, transactionalId: id, timeout: TRANSACTION_MS }).beginTransaction()

    for (let round = 0; round < ROUNDS; round++) {
      const [commit, abort] = [await begin(`${topic}-commit${round}`), await begin(`${topic}-abort${round}`)]
      for (const compression of COMPRESSIONS) {
        const [plain, within, never] = ['plain', 'committed', 'aborted'].map((how) =>
          foreignMessages(`${how} ${compression} ${round}`),
        ) as [ForeignMessage[], ForeignMessage[], ForeignMessage[]]
        for (const message of plain) await producer.send({ messages: written([message]), compression, acks: -1 })
        await commit.send({ messages: written(within) })
        await abort.send({ messages: written(never) })
        kept.push(...plain, ...within)
        aborted += never.length
      }
      const gigabytes = GIGABYTES[round]
      if (gigabytes !== undefined) {
        await appendBomb(brokers[0]!, topic, 0, gigabytes * 1_000_000_000)
        bombs++
      }
      // The orders of their markers differ.
      if (round % 2 === 0) await commit.commit()
      await abort.abort()
      if (round % 2 === 1) await commit.commit()
    }
    await untilDecided(scene)
    await scene.untilArchived()
    const memory = highestMemory(archiver)
    await scene.dismiss(archiver)

    const lines = kept.flatMap(({ becomes }) => ('line' in becomes ? [Buffer.from(becomes.line)] : []))
    const bad = kept.length - lines.length + bombs
    await scene.expectExactlyOnce({ unledgered: fingerprint(lines), quarantined: bad })
    const reasons = (await quarantined(scene.lake, scene.root)).map(({ reason }) => reason).sort()
    const expected = kept.flatMap(({ becomes }) => ('reason' in becomes ? [becomes.reason] : []))
    expect(reasons).toEqual([...expected, ...Array(bombs).fill('too_large')].sort())
    expect(await skippedOffsets(scene)).toBeGreaterThanOrEqual(aborted + 2 * ROUNDS)
    await annotate(`${lines.length} events, ${bad} quarantined, ${aborted} aborted; ${memory} KiB of memory at most`)
    if (memory !== undefined) expect(memory).toBeLessThan(MOST_MEMORY_KIB)
  })

  /** A commit returns before its markers are in the partitions: until then readers see the end before the transaction. */
  async function untilDecided({ log }: Scene): Promise<void> {
    const { partitions } = await log.describe()
    const latest = [...partitions.keys()].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    await eventually(async () => {
      const [listed] = await bench.admin.listOffsets({
        ...{ topics: [{ name: log.topic, partitions: latest }], isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED },
      })
      const ends = listed!.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)] as const)
      const readable = (await log.describe()).partitions
      for (const [partition, end] of ends) expect(readable.get(partition)?.end).toBe(end)
    }, TRANSACTION_MS)
  }
})

/** In KiB, where the system tells. */
function highestMemory({ child }: RunningCommand): number | undefined {
  if (process.platform !== 'linux') return undefined
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
}

async function skippedOffsets({ lake, root, log }: Scene): Promise<number> {
  const { topicId, partitions } = await log.describe()
  let skipped = 0
  for (const partition of partitions.keys()) {
    for (const record of await records(lake, root, topicId, partition)) {
      if (record.kind === 'batch') skipped += record.skipped
    }
  }
  return skipped
}
