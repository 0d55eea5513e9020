/**
 * Guarantee: whatever calls to the log and the lake fail, without effect, with it, half done or late, every message that
 * the log holds is in the lake exactly once, every acknowledged one is in the log, and the archiver gets to its end.
 *
 * Runs the real archivers, three in two groups, over a log and a lake in memory, with time that does not pass by itself.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { archive } from '../src/archive/archiver.ts'
import { hasCode } from '../src/errors.ts'
import { encode, formatTimestamp, type MusicEvent } from '../src/event.ts'
import { Random } from '../src/generate/random.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'
import { difference } from './contents.ts'
import { FailingCalls } from './failing-calls.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const SEEDS = 200
const RATE = 0.05
const PARTITIONS = 3
const ROOT = '/t'
const ROUNDS = 3
const GROUPS = ['first', 'first', 'second']
const BOUNCES = 4
const T0 = Date.UTC(2025, 6, 3, 22)
const HOUR_MS = 3_600_000
/** More than an archiver holds back before it begins to stream a file. */
const LARGE = 'x'.repeat(200_000)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const event: MusicEvent = {
  user: 'eric04',
  artist: 'Carol Moore',
  track: 'Nights',
  timestamp: '',
  genre: 'Jazz',
  duration: 146,
  platform: 'Spotify',
  device: 'Desktop',
  action: 'like',
  country: 'FR',
}

/** Everything that one seed decides about. */
class Trial {
  readonly #random: Random
  readonly #calls: FailingCalls
  readonly #topic = new MemoryTopic('t')
  readonly #log: EventLog
  readonly #lake: LakeStorage
  readonly #acknowledged: string[] = []
  #made = 0
  fenced = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#calls = new FailingCalls(this.#random, RATE)
    this.#log = this.#topic.open(PARTITIONS)
    this.#lake = openMemoryLake()
  }

  get failures(): number {
    return this.#calls.failures
  }

  async run(what: string): Promise<void> {
    await this.#log.ensureTopic()
    for (let round = 0; round < ROUNDS; round++) {
      await this.#produce(1 + this.#random.below(8))
      await passTime(Promise.all([...GROUPS.map((group) => this.#archive(group)), this.#bounce()]))
    }
    // An archiver that ends without an error says that all of it is archived: nothing mends it after.
    await this.#calls.happenLate()
    await passTime(this.#archive('last'))
    await this.#calls.happenLate()
    const { lines } = await expectLakeHoldsLog(this.#log, this.#lake, ROOT, what)
    expect(difference(lines, this.#acknowledged).missing, `${what}, acknowledged`).toEqual([])
  }

  /** A lot that fails is not sent again: it may be in the log. */
  async #produce(lots: number): Promise<void> {
    const log = this.#calls.log(this.#log)
    for (let lot = 0; lot < lots; lot++) {
      const messages = Array.from({ length: 1 + this.#random.below(12) }, () => this.#message())
      const valid = messages.map(({ value }) => value.toString()).filter((line) => line.startsWith('{"user"'))
      await log.append(messages).then(
        () => this.#acknowledged.push(...valid),
        () => undefined,
      )
    }
    if (this.#random.float() < 0.2) this.#topic.skip(this.#random.below(PARTITIONS), 1 + this.#random.below(3))
    if (this.#random.float() < 0.2) this.#topic.put(this.#random.below(PARTITIONS), null)
  }

  #message(): LogMessage & { value: Buffer } {
    const n = this.#made++
    const key = `user${this.#random.below(20)}`
    const timestamp = T0 + this.#random.below(48) * HOUR_MS
    const track = this.#random.float() < 0.01 ? `${n} ${LARGE}` : `Track ${n}`
    const valid = encode({ ...event, user: key, track, timestamp: formatTimestamp(timestamp) })
    return { key, timestamp, value: this.#random.float() < 0.05 ? Buffer.from(`{broken ${n}`) : valid }
  }

  /** Up to what the log holds now. Another group's archivers take partitions away: that, and nothing else, may stop it. */
  async #archive(group: string): Promise<void> {
    const started = archive({
      log: this.#calls.log(this.#log),
      lake: this.#calls.lake(this.#lake),
      root: ROOT,
      group,
      limits: { messages: 1 + this.#random.below(9), bytes: 1_000_000, ageMs: 60_000 },
      once: true,
      acceptGap: false,
      signal: new AbortController().signal,
    })
    try {
      await started
    } catch (error) {
      // It looks where to end before it does anything else: there a failure ends the command, to be typed again.
      if (hasCode(error, 'LOG_UNREACHABLE')) return this.#archive(group)
      if (!hasCode(error, 'COMMIT_FENCED') || group === 'last') throw error
      this.fenced++
    }
  }

  async #bounce(): Promise<void> {
    for (let i = 0; i < BOUNCES; i++) {
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(300)))
      this.#topic.bounce('first', this.#random.below(PARTITIONS))
    }
  }
}

/** Lets timers run, the next as soon as nothing else is left to do, until the promise settles. */
async function passTime<T>(promise: Promise<T>): Promise<T> {
  let over = false
  const done = () => {
    over = true
  }
  promise.then(done, done)
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    if (!over) await vi.advanceTimersToNextTimerAsync()
  }
  return promise
}

it(`archives every message once, though ${RATE * 100} % of all calls fail, with ${SEEDS} seeds`, async () => {
  let [failures, fenced] = [0, 0]
  for (let seed = 1; seed <= SEEDS; seed++) {
    const trial = new Trial(seed)
    await trial.run(`seed ${seed}`).catch((cause) => {
      throw new Error(`seed ${seed}: ${cause.message}`, { cause })
    })
    failures += trial.failures
    fenced += trial.fenced
  }
  expect(failures).toBeGreaterThan(SEEDS)
  expect(fenced).toBeGreaterThan(0)
}, 120_000)
