/**
 * Guarantee: whatever the interleaving of several owners, crashes, suspended owners, and storage calls that are lost,
 * dropped or happen late, every offset is published exactly once, and nobody who reads the commit log meanwhile is told
 * anything else. The log is folded all the time, so that suspended owners and readers wake up long after the records that
 * they knew have been removed; and files are joined all the time, and joined again, beside commits, on a lake that appends
 * files to each other (and now and then refuses to) and on one that does not, whatever the clock was that dated them. Under half
 * of the schedules the files of one day are old enough to be removed, by every owner, while it joins them: each of its offsets
 * is removed once, and never back.
 *
 * Runs the real CommitLog against a lake in memory whose every call is scheduled by a seeded random generator.
 */

import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type BatchContents, CommitLog } from '../src/archive/commits.ts'
import { Compactor } from '../src/archive/compactor.ts'
import { crcText } from '../src/archive/crc32.ts'
import { dataFile, dayFolder } from '../src/archive/layout.ts'
import { removeOld } from '../src/archive/retention.ts'
import { hasCode, isRetryable, MusicFakerError } from '../src/errors.ts'
import type { MusicEvent } from '../src/event.ts'
import type { LakeEntry, LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { openAppendingLake, openMemoryLake } from '../test/lake/memory.ts'
import { LONG } from './form.ts'

const SEEDS = LONG ? 1000 : 80
const OFFSETS = 24
const DAYS = 3
const FOLD_EVERY = 3
/** Files of a day that are left when some of them were joined: uncompacted there are four times as many. */
const MANY = 3
/** Every other commit is dated so much later, and every other owner joins no files that are. */
const AHEAD_MS = 3_600_000
/** When the first day is old enough, and no other. */
const EXPIRED = Date.UTC(2025, 6, 2)

/** Checkpoints are compressed beside the thread. Here that takes as long as the schedule has it, or a seed would not be one. */
const schedule = vi.hoisted(() => ({ over: false }))
vi.mock('node:zlib', async (original) => {
  const actual = await original<typeof import('node:zlib')>()
  type Done = (error: null, result: Buffer) => void
  const later = (run: () => Buffer, done: Done) => {
    const call = () => done(null, run())
    if (schedule.over) queueMicrotask(call)
    else setTimeout(call, 1)
  }
  return {
    ...actual,
    gzip: (bytes: Buffer, options: object, done: Done) => later(() => actual.gzipSync(bytes, options), done),
    gunzip: (bytes: Buffer, options: object, done: Done) => later(() => actual.gunzipSync(bytes, options), done),
  }
})

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

type Random = () => number

const EVENT: MusicEvent = {
  ...{ user: 'eric04', artist: 'Carol Moore', track: 'Nights', timestamp: '1970-01-01T00:00:00', genre: 'Jazz' },
  ...{ duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
}

/** Mulberry32. */
function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Ticket {
  owner: number
  run: () => Promise<void>
}

/** Holds every storage call back until the scheduler picks it, and makes some of them fail in every way a network can. */
class Scheduler {
  readonly lake: LakeStorage
  readonly #random: Random
  readonly #crashed = new Set<number>()
  #tickets: Ticket[] = []
  #late: (() => Promise<unknown>)[] = []
  readonly #frozen = new Set<number>()
  faulty = true

  /** @param appends whether the lake can append files to each other */
  constructor(random: Random, appends: boolean) {
    this.#random = random
    this.lake = appends ? openAppendingLake() : openMemoryLake()
  }

  /** The lake as one owner sees it. */
  lakeOf(owner: number): LakeStorage {
    const call = <T>(real: () => Promise<T>) => this.#schedule(owner, real)
    const { lake } = this
    return {
      async write(path, body) {
        // What is written may be read from this very lake meanwhile.
        const chunks: Uint8Array[] = []
        for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk)
        return call(() => lake.write(path, Buffer.concat(chunks)))
      },
      rename: (from, to) => call(() => lake.rename(from, to)),
      read: (path) => call(() => lake.read(path)),
      stat: (path) => call(() => lake.stat(path)),
      remove: (path) => call(() => lake.remove(path)),
      async *stream(path) {
        yield await call(() => lake.read(path))
      },
      async *list(path, options) {
        yield* await call(async () => {
          const entries: LakeEntry[] = []
          for await (const entry of lake.list(path, options)) entries.push(entry)
          return entries
        })
      },
      ...(lake.concat && {
        concat: (to: string, sources: readonly string[]) =>
          call(async () => {
            // As HDFS does while a snapshot holds a file.
            if (this.faulty && this.#random() < 0.1) throw new MusicFakerError('LAKE_DENIED', 'in a snapshot')
            await lake.concat?.(to, sources)
          }),
      }),
      close: () => Promise.resolve(),
    }
  }

  /** A crashed owner's calls never come back; those under way may still happen. */
  crash(owner: number): void {
    this.#crashed.add(owner)
    for (const ticket of this.#tickets) if (ticket.owner === owner && this.#random() < 0.5) this.#late.push(ticket.run)
    this.#tickets = this.#tickets.filter((ticket) => ticket.owner !== owner)
  }

  /** A suspended owner's calls neither happen nor come back before it is woken. */
  suspend(owner: number): void {
    this.#frozen.add(owner)
  }

  wakeAll(): void {
    this.#frozen.clear()
  }

  /** Lets one thing happen: a call, a late call, or the next timer. */
  async step(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#late.length > 0 && this.#random() < 0.08) return this.#runLate()
    if (vi.getTimerCount() > 0 && this.#random() < 0.1) return void (await vi.advanceTimersToNextTimerAsync())
    const awake = this.#tickets.filter(({ owner }) => !this.#frozen.has(owner))
    const ticket = awake[Math.floor(this.#random() * awake.length)]
    this.#tickets = this.#tickets.filter((other) => other !== ticket)
    if (ticket) await ticket.run()
    else await vi.advanceTimersToNextTimerAsync()
  }

  async runAllLate(): Promise<void> {
    while (this.#late.length > 0) await this.#runLate()
  }

  async #runLate(): Promise<void> {
    const [late] = this.#late.splice(Math.floor(this.#random() * this.#late.length), 1)
    await late?.().catch(() => undefined)
  }

  #schedule<T>(owner: number, real: () => Promise<T>): Promise<T> {
    if (this.#crashed.has(owner)) return new Promise(() => undefined)
    return new Promise((resolve, reject) => {
      const run = async () => {
        const fault = this.faulty ? this.#random() : 1
        const timeout = () => reject(new MusicFakerError('LAKE_UNREACHABLE', 'timed out'))
        if (fault < 0.05) await real().then(timeout, timeout)
        else if (fault < 0.1) timeout()
        else if (fault < 0.15) {
          this.#late.push(real)
          timeout()
        } else await real().then(resolve, reject)
      }
      this.#tickets.push({ owner, run })
    })
  }
}

/** Claims the partition and commits batches of random size until every offset is committed or another owner took over. */
async function own(scheduler: Scheduler, owner: number, random: Random, keeps: boolean): Promise<void> {
  const lake = scheduler.lakeOf(owner)
  const commits = await CommitLog.claim({
    lake,
    root: '/t',
    topic: 't',
    topicId: 'id',
    partition: 0,
    owner: `owner-${owner}`,
    clock: () => 0,
    signal: new AbortController().signal,
    onRetry: () => undefined,
    onUnfolded: (error) => {
      throw error
    },
    foldEvery: FOLD_EVERY,
  })
  const care = () => Promise.all([compact(lake, commits), keeps || retire(lake, commits)])
  const caring = care()
  caring.catch(() => undefined)
  for (let batch = 1; commits.next < OFFSETS; batch++) {
    const first = commits.next
    const next = Math.min(OFFSETS, first + 1 + Math.floor(random() * 5))
    await commits.commit(await stage(lake, commits, batch, first, next))
  }
  await caring
  await care()
  await commits.close()
}

/** Joins what there is, as the owner, while it commits. */
async function compact(lake: LakeStorage, commits: CommitLog): Promise<void> {
  const { signal } = new AbortController()
  const place = { root: '/t', topicId: 'id', partition: 0 }
  const compactor = new Compactor({ lake, ...place, commits, signal, onRetry: () => undefined })
  try {
    await compactor.pass({ before: commits.fence % 2 === 0 ? AHEAD_MS : Number.POSITIVE_INFINITY })
  } catch (error) {
    // Folded again and again while it was read: nothing was begun, and there is another pass.
    if (commits.stuck || !hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND')) throw error
  }
}

/** Removes the first day, as the owner, while it commits and joins. */
async function retire(lake: LakeStorage, commits: CommitLog): Promise<void> {
  const place = { lake, root: '/t', topicId: 'id', partition: 0, signal: new AbortController().signal }
  for (let folded = 0; folded < 20; ) {
    try {
      return void (await removeOld({ ...place, commits, keepMs: 0 }, EXPIRED))
    } catch (error) {
      if (commits.stuck || !(isRetryable(error) || hasCode(error, 'COMMIT_CORRUPT', 'LAKE_NOT_FOUND'))) throw error
      if (!isRetryable(error)) folded++
    }
  }
}

/** Follows the commit log for as long as it goes on. Whatever it is told has to have been true. */
async function read(scheduler: Scheduler, reader: number, over: () => boolean): Promise<void> {
  const follower = new LakeFollower({ lake: scheduler.lakeOf(reader), root: '/t' })
  while (!over()) {
    try {
      await follower.refresh()
    } catch (error) {
      if (error instanceof MusicFakerError && error.retryable) continue
      throw error
    }
    expect(follower.problems()).toEqual([])
    expect(follower.totals.snapshot().events).toBe(follower.partitions()[0]?.next ?? 0)
  }
}

/** Proves the lake again and again while it is written. */
async function prove(scheduler: Scheduler, reader: number, over: () => boolean): Promise<void> {
  while (!over()) {
    try {
      const { problems } = await verify({ lake: scheduler.lakeOf(reader), root: '/t', deep: true })
      expect(problems).toEqual([])
    } catch (error) {
      if (!(error instanceof MusicFakerError && error.retryable)) throw error
    }
  }
}

async function stage(
  lake: LakeStorage,
  commits: CommitLog,
  batch: number,
  first: number,
  next: number,
): Promise<BatchContents> {
  const files: BatchContents['files'] = []
  const summary = new SummaryBuilder()
  for (let offset = first; offset < next; offset++) summary.add(EVENT, 0)
  const at = (batch % 2) * AHEAD_MS
  for (let day = 0; day < DAYS; day++) {
    const offsets = []
    for (let offset = first; offset < next; offset++) if (offset % DAYS === day) offsets.push(offset)
    if (offsets.length === 0) continue
    const body = Buffer.from(offsets.map((offset) => `${offset}\n`).join(''))
    for (let attempt = 0; ; attempt++) {
      const staged = `${commits.staging}/${batch}-${day}-${attempt}`
      try {
        await lake.write(staged, body)
      } catch {
        continue
      }
      const date = `2025-07-0${day + 1}`
      const path = dataFile('/t', date, at, 0, first, next - 1)
      const crc = crcText(crc32(body))
      files.push({ staged, path, day: date, events: offsets.length, bytes: body.length, crc32: crc })
      break
    }
  }
  return { next, files, events: next - first, quarantined: {}, skipped: 0, summary: summary.build() }
}

async function published(lake: LakeStorage, what: string): Promise<{ offsets: number[]; files: number }> {
  const offsets: number[] = []
  let files = 0
  for (let day = 0; day < DAYS; day++) {
    for await (const entry of lake.list(dayFolder('/t', `2025-07-0${day + 1}`))) {
      const text = Buffer.from(await lake.read(entry.path)).toString()
      const lines = text.trimEnd().split('\n').map(Number)
      expect(lines, `${what}, ${entry.path}`).toEqual(lines.toSorted((a, b) => a - b))
      offsets.push(...lines)
      files++
    }
  }
  return { offsets: offsets.sort((a, b) => a - b), files }
}

interface Outcome {
  offsets: number[]
  failures: unknown[]
  /** What is found wrong with the lake in the end. */
  problems: unknown[]
  /** Events by the commit log, and files. */
  counted: number
  /** Events that were removed, by the commit log. */
  removed: number
  files: number
}

/** @param keeps whether no day is old enough to be removed */
async function simulate(seed: number, keeps: boolean): Promise<Outcome> {
  schedule.over = false
  const random = seeded(seed)
  // The spread of the retries' pauses: with it, a seed is one schedule for ever.
  vi.spyOn(Math, 'random').mockImplementation(random)
  const scheduler = new Scheduler(random, seed % 2 === 0)
  const failures: unknown[] = []
  const live = new Set<number>()
  const suspended = new Set<number>()
  let started = 0
  let over = false
  const start = (run: (who: number) => Promise<void>, among = live) => {
    const who = started++
    among.add(who)
    void run(who)
      .catch((error) => {
        if (!(error instanceof MusicFakerError && error.code === 'COMMIT_FENCED')) failures.push(error)
      })
      .finally(() => [live, readers, suspended].map((set) => set.delete(who)))
  }
  const readers = new Set<number>()
  const owner = (who: number) => own(scheduler, who, random, keeps)
  const reader = (who: number) => read(scheduler, who, () => over)
  const anyOf = (set: Set<number>) => [...set][Math.floor(random() * set.size)]!
  start(owner)
  start(reader, readers)
  start((who) => prove(scheduler, who, () => over), readers)
  for (let step = 0; step < 4_000 && live.size > 0; step++) {
    if (random() < 0.015 && live.size < 4) start(owner)
    if (random() < 0.012) {
      const victim = anyOf(live)
      scheduler.crash(victim)
      live.delete(victim)
    }
    if (random() < 0.006 && live.size > 0) {
      const sleeper = anyOf(live)
      scheduler.suspend(sleeper)
      live.delete(sleeper)
      suspended.add(sleeper)
    }
    if (random() < 0.005) scheduler.suspend(anyOf(readers))
    if (random() < 0.005) wake()
    if (live.size === 0) start(owner)
    await scheduler.step()
  }
  function wake() {
    for (const who of suspended) live.add(who)
    suspended.clear()
    scheduler.wakeAll()
  }
  // Whoever comes last, after every late call has happened and all sleepers are awake, finishes what is left.
  scheduler.faulty = false
  for (let round = 0; round < 3; round++) {
    start(owner)
    while (live.size > 0) await scheduler.step()
    await scheduler.runAllLate()
    wake()
  }
  over = true
  while (live.size + readers.size > 0) await scheduler.step()
  schedule.over = true
  const follower = new LakeFollower({ lake: scheduler.lake, root: '/t' })
  await follower.refresh()
  const { problems } = await verify({ lake: scheduler.lake, root: '/t', deep: true })
  const { events: counted, files, removed } = follower.totals.snapshot()
  const found = await published(scheduler.lake, `seed ${seed}`)
  if (found.files !== files) problems.push({ kind: 'file_stray', path: '/t', detail: `${found.files}, not ${files}` })
  return {
    offsets: found.offsets,
    files,
    failures,
    problems: [...problems, ...follower.problems()],
    counted,
    removed: removed.events,
  }
}

it(`publishes every offset once, under ${SEEDS} random schedules`, async () => {
  const everyOffset = Array.from({ length: OFFSETS }, (_, offset) => offset)
  let joined = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const keeps = seed % 4 < 2
    const { files, ...rest } = await simulate(seed, keeps)
    const offsets = everyOffset.filter((offset) => keeps || offset % DAYS !== 0)
    if (files <= MANY * (keeps ? DAYS : DAYS - 1)) joined++
    const removed = OFFSETS - offsets.length
    expect(rest, `seed ${seed}`).toEqual({ offsets, failures: [], problems: [], counted: OFFSETS, removed })
  }
  expect(joined, 'schedules under which files were joined').toBeGreaterThan(SEEDS / 2)
}, 1_500_000)
