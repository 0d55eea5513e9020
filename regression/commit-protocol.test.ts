/**
 * Guarantee: whatever the interleaving of several owners, crashes, suspended owners, and storage calls that are lost,
 * dropped or happen late, every offset is published exactly once.
 *
 * Runs the real CommitLog against a lake in memory whose every call is scheduled by a seeded random generator.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type BatchContents, CommitLog } from '../src/archive/commits.ts'
import { MusicFakerError } from '../src/errors.ts'
import type { LakeEntry, LakeStorage } from '../src/lake/storage.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { openMemoryLake } from '../test/lake/memory.ts'

const SEEDS = 1000
const OFFSETS = 24
const DAYS = 3
const EMPTY_SUMMARY = new SummaryBuilder().build()

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

type Random = () => number

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
  readonly lake = openMemoryLake()
  readonly #random: Random
  readonly #crashed = new Set<number>()
  #tickets: Ticket[] = []
  #late: (() => Promise<unknown>)[] = []
  faulty = true

  constructor(random: Random) {
    this.#random = random
  }

  /** The lake as one owner sees it. */
  lakeOf(owner: number): LakeStorage {
    const call = <T>(real: () => Promise<T>) => this.#schedule(owner, real)
    const { lake } = this
    return {
      write: (path, body) => call(() => lake.write(path, body)),
      rename: (from, to) => call(() => lake.rename(from, to)),
      read: (path) => call(() => lake.read(path)),
      stat: (path) => call(() => lake.stat(path)),
      remove: (path) => call(() => lake.remove(path)),
      stream: (path) => lake.stream(path),
      async *list(path, options) {
        yield* await call(async () => {
          const entries: LakeEntry[] = []
          for await (const entry of lake.list(path, options)) entries.push(entry)
          return entries
        })
      },
      close: () => Promise.resolve(),
    }
  }

  /** A crashed owner's calls never come back; those under way may still happen. */
  crash(owner: number): void {
    this.#crashed.add(owner)
    for (const ticket of this.#tickets) if (ticket.owner === owner && this.#random() < 0.5) this.#late.push(ticket.run)
    this.#tickets = this.#tickets.filter((ticket) => ticket.owner !== owner)
  }

  /** Lets one thing happen: a call, a late call, or the next timer. */
  async step(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#late.length > 0 && this.#random() < 0.08) return this.#runLate()
    const ticket = this.#tickets.splice(Math.floor(this.#random() * this.#tickets.length), 1)[0]
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
async function own(scheduler: Scheduler, owner: number, random: Random): Promise<void> {
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
  })
  for (let batch = 1; commits.next < OFFSETS; batch++) {
    const first = commits.next
    const next = Math.min(OFFSETS, first + 1 + Math.floor(random() * 5))
    await commits.commit(await stage(lake, commits, batch, first, next))
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
      const path = `/t/day=${day}/batch_${first}-${next - 1}`
      files.push({ staged, path, day: '2025-07-03', events: offsets.length, bytes: body.length, crc32: '00000000' })
      break
    }
  }
  return { next, files, events: next - first, quarantined: {}, skipped: 0, summary: EMPTY_SUMMARY }
}

async function published(lake: LakeStorage): Promise<number[]> {
  const offsets: number[] = []
  for (let day = 0; day < DAYS; day++) {
    for await (const entry of lake.list(`/t/day=${day}`)) {
      const text = Buffer.from(await lake.read(entry.path)).toString()
      for (const line of text.trimEnd().split('\n')) offsets.push(Number(line))
    }
  }
  return offsets.sort((a, b) => a - b)
}

async function simulate(seed: number): Promise<{ offsets: number[]; failures: unknown[] }> {
  const random = seeded(seed)
  // The spread of the retries' pauses: with it, a seed is one schedule for ever.
  vi.spyOn(Math, 'random').mockImplementation(random)
  const scheduler = new Scheduler(random)
  const failures: unknown[] = []
  const live = new Set<number>()
  let owners = 0
  const start = () => {
    const owner = owners++
    live.add(owner)
    void own(scheduler, owner, random)
      .catch((error) => {
        if (!(error instanceof MusicFakerError && error.code === 'COMMIT_FENCED')) failures.push(error)
      })
      .finally(() => live.delete(owner))
  }
  start()
  for (let step = 0; step < 4_000 && live.size > 0; step++) {
    if (random() < 0.03 && live.size < 4) start()
    if (random() < 0.025) {
      const victim = [...live][Math.floor(random() * live.size)]!
      scheduler.crash(victim)
      live.delete(victim)
      if (live.size === 0) start()
    }
    await scheduler.step()
  }
  // Whoever comes last, after every late call has happened, finishes what is left.
  scheduler.faulty = false
  for (let round = 0; round < 2; round++) {
    start()
    while (live.size > 0) await scheduler.step()
    await scheduler.runAllLate()
  }
  return { offsets: await published(scheduler.lake), failures }
}

it(`publishes every offset once, under ${SEEDS} random schedules`, async () => {
  const everyOffset = Array.from({ length: OFFSETS }, (_, offset) => offset)
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { offsets, failures } = await simulate(seed)
    expect(failures, `seed ${seed}`).toEqual([])
    expect(offsets, `seed ${seed}`).toEqual(everyOffset)
  }
}, 120_000)
