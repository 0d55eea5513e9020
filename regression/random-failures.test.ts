/**
 * Guarantee: whatever calls to the log and the lake fail, without effect, with it, half done or late, every message that
 * the log holds is in the lake exactly once, every acknowledged one is in the log, and the archiver gets to its end.
 *
 * Runs the real archivers, three in two groups: over a log and a lake in memory, with time that does not pass by itself,
 * and over real Kafka and HDFS.
 */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'
import { type Place, RATE, type Size, Trial } from './failing-trial.ts'
import { LONG } from './form.ts'
import { passTime } from './pass-time.ts'

const PARTITIONS = 3
const SMALL: Size = { messages: 90, lot: 12, batch: 9 }
const MIDDLE: Size = { messages: 1_000, lot: 60, batch: 50 }
const LARGE: Size = { messages: 100_000, lot: 600, batch: 2_000 }
const THIRD: Size = { messages: 34_000, lot: 300, batch: 1_000 }
/** What is tried in memory, and on real services. */
const TRIALS = LONG
  ? [
      { seeds: 200, ...MIDDLE },
      { seeds: 2, ...LARGE },
    ]
  : [{ seeds: 100, ...SMALL }]
const REAL_TRIALS = LONG ? [{ seeds: 3, ...THIRD }] : [{ seeds: 1, ...SMALL }]
const TIMEOUT_MS = LONG ? 1_800_000 : 240_000

const services = inject('services')

/** Runs one trial after the other; gives how many calls failed, and how many archivers lost partitions to another. */
async function tryAll(seeds: number, size: Size, placeOf: () => Promise<Place> | Place) {
  let [failures, fenced] = [0, 0]
  for (let seed = 1; seed <= seeds; seed++) {
    const trial = new Trial(seed, await placeOf(), size)
    await trial.run(`seed ${seed}`).catch((cause) => {
      throw new Error(`seed ${seed}: ${cause.message}`, { cause })
    })
    failures += trial.failures
    fenced += trial.fenced
  }
  return { failures, fenced }
}

describe('in memory', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  function memory(): Place {
    const topic = new MemoryTopic('t')
    return { topic, log: topic.open(PARTITIONS), lake: openMemoryLake(), pass: passTime }
  }

  it.each(TRIALS)(
    `archives every message once, though ${RATE * 100} % of all calls fail, with $seeds seeds of $messages messages`,
    async ({ seeds, ...size }) => {
      const { failures, fenced } = await tryAll(seeds, size, memory)
      expect(failures).toBeGreaterThan(seeds)
      expect(fenced).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )
})

describe.skipIf('skipped' in services)('on real Kafka and HDFS', () => {
  /** A topic and a folder of the trial's own; closed by the process's end, as the trial uses them to its own. */
  async function real(): Promise<Place> {
    if ('skipped' in services) throw new Error(services.skipped)
    const { kafka, hdfs } = services
    const { config } = loadConfig(
      {
        ...{ profile: 'cluster', topic: `failing_${randomUUID()}`, partitions: PARTITIONS },
        ...{ kafkaBrokers: kafka.brokers, hdfsNamenodes: hdfs.namenodes },
      },
      {},
    )
    return { log: await openLog(config), lake: await openLake(config), pass: (promise) => promise }
  }

  it.each(REAL_TRIALS)(
    'archives every message once, with $seeds seeds of $messages messages',
    async ({ seeds, ...size }) => {
      const { failures } = await tryAll(seeds, size, real)
      expect(failures).toBeGreaterThan(seeds)
    },
    TIMEOUT_MS,
  )
})
