/** One trial of archivers whose every call may fail: everything that one seed decides about. */
import { expect } from 'vitest'
import { archive } from '../src/archive/archiver.ts'
import { readHead } from '../src/archive/head.ts'
import { hasCode } from '../src/errors.ts'
import { encode, formatTimestamp, type MusicEvent } from '../src/event.ts'
import { addFingerprints, EMPTY_FINGERPRINT, type Fingerprint, fingerprint } from '../src/generate/ledger.ts'
import { Random } from '../src/generate/random.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { EventLog, LogMessage } from '../src/log/log.ts'
import type { MemoryTopic } from '../test/log/memory.ts'
import { dataLines } from './contents.ts'
import { FailingCalls } from './failing-calls.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

/** How many of all calls fail. */
export const RATE = 0.05
const ROUNDS = 3
const GROUPS = ['first', 'first', 'second']
const BOUNCES = 4
const T0 = Date.UTC(2025, 6, 3, 22)
const HOUR_MS = 3_600_000
/** More than an archiver holds back before it begins to stream a file. */
const LARGE = 'x'.repeat(200_000)
const LARGE_ONES = 1

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

/** Where a trial takes place. Both are its own. */
export interface Place {
  log: EventLog
  lake: LakeStorage
  /** Of a log in memory: what only a test can do to it. */
  topic?: MemoryTopic
  /** Lets time pass until the promise settles, where it does not pass by itself. */
  pass: <T>(promise: Promise<T>) => Promise<T>
}

export interface Size {
  /** Messages in all, about. */
  messages: number
  /** Messages in one append, at most. */
  lot: number
  /** Messages of a partition in one batch, at most. */
  batch: number
}

export class Trial {
  readonly #random: Random
  readonly #calls: FailingCalls
  readonly #place: Place
  readonly #size: Size
  readonly #root: string
  /** Each event that was acknowledged, once; those of appends that failed, of which each may be there or not. */
  #acknowledged: Fingerprint = EMPTY_FINGERPRINT
  readonly #doubtful = new Set<string>()
  /** `partition/offset` that a group was told of as archived, and was not. */
  readonly #hintedEarly: string[] = []
  #made = 0
  fenced = 0

  constructor(seed: number, place: Place, size: Size) {
    this.#random = new Random(seed)
    this.#calls = new FailingCalls(this.#random, RATE)
    this.#place = { ...place, log: this.#watchHints(place.log) }
    this.#size = size
    this.#root = `/${place.log.topic}`
  }

  get failures(): number {
    return this.#calls.failures
  }

  async run(what: string): Promise<void> {
    const { log, lake, pass } = this.#place
    await log.ensureTopic()
    for (let round = 1; round <= ROUNDS; round++) {
      await this.#produce((round * this.#size.messages) / ROUNDS)
      await pass(Promise.all([...GROUPS.map((group) => this.#archive(group)), this.#bounce()]))
    }
    // An archiver that ends without an error says that all of it is archived: nothing mends it after.
    await this.#calls.happenLate()
    await pass(this.#archive('last'))
    await this.#calls.happenLate()
    await expectLakeHoldsLog(log, lake, this.#root, what)
    expect(this.#hintedEarly, `${what}, told as archived`).toEqual([])
    expect(await this.#foundOf(lake), `${what}, acknowledged`).toEqual(this.#acknowledged)
  }

  /** What the lake holds besides events of appends that failed. */
  async #foundOf(lake: LakeStorage): Promise<Fingerprint> {
    let found = EMPTY_FINGERPRINT
    for await (const line of dataLines(lake, this.#root)) {
      if (!this.#doubtful.delete(Buffer.from(line).toString())) found = addFingerprints(found, fingerprint([line]))
    }
    return found
  }

  /** Until so many messages were made. A lot that fails is not sent again: it may be in the log. */
  async #produce(upTo: number): Promise<void> {
    const log = this.#calls.log(this.#place.log)
    const { topic } = this.#place
    while (this.#made < upTo) {
      const messages = Array.from({ length: 1 + this.#random.below(this.#size.lot) }, () => this.#message())
      const valid = messages.map(({ value }) => value).filter((value) => value[1] === 0x22)
      try {
        await this.#place.pass(log.append(messages))
        this.#acknowledged = addFingerprints(this.#acknowledged, fingerprint(valid))
      } catch {
        for (const value of valid) this.#doubtful.add(value.toString())
      }
    }
    const { partitions } = await this.#place.log.describe()
    if (this.#random.float() < 0.2) topic?.skip(this.#random.below(partitions.size), 1 + this.#random.below(3))
    if (this.#random.float() < 0.2) topic?.put(this.#random.below(partitions.size), null)
  }

  #message(): LogMessage & { value: Buffer } {
    const n = this.#made++
    const key = `user${this.#random.below(20)}`
    const timestamp = T0 + this.#random.below(48) * HOUR_MS
    const large = this.#random.float() * this.#size.messages < LARGE_ONES
    const track = large ? `${n} ${LARGE}` : `Track ${n}`
    const valid = encode({ ...event, user: key, track, timestamp: formatTimestamp(timestamp) })
    return { key, value: this.#random.float() < 0.05 ? Buffer.from(`{broken ${n}`) : valid }
  }

  /** Up to what the log holds now. Another group's archivers take partitions away: that, and nothing else, may stop it. */
  async #archive(group: string): Promise<void> {
    const { log, lake } = this.#place
    const started = archive({
      log: this.#calls.log(log),
      lake: this.#calls.lake(lake),
      root: this.#root,
      group,
      limits: { messages: 1 + this.#random.below(this.#size.batch), bytes: 100_000_000, ageMs: 60_000 },
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

  /** What the group is told of as archived has to be in the lake by then. */
  #watchHints(log: EventLog): EventLog {
    const early = this.#hintedEarly
    const archived = async (topicId: string, partition: number) =>
      (await readHead(this.#place.lake, this.#root, topicId, partition))?.next ?? 0
    return {
      topic: log.topic,
      ensureTopic: () => log.ensureTopic(),
      describe: () => log.describe(),
      append: (messages) => log.append(messages),
      open: (from) => log.open(from),
      async *join(options) {
        for await (const assignment of log.join(options)) {
          const { topicId, partition } = assignment
          const commit = async (next: number) => {
            if ((await archived(topicId, partition)) < next) early.push(`${partition}/${next}`)
            await assignment.commit(next)
          }
          yield { ...assignment, commit }
        }
      },
      committed: (group) => log.committed(group),
      close: () => log.close(),
    }
  }

  async #bounce(): Promise<void> {
    const { topic } = this.#place
    for (let i = 0; topic && i < BOUNCES; i++) {
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(300)))
      topic.bounce('first', this.#random.below(topic.partitions.length))
    }
  }
}
