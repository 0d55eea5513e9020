/** Watches the lake: does it answer, and what do its commit records sum up to. No event is ever read. */
import type { FastifyBaseLogger } from 'fastify'
import type { LakeStorage } from '../lake/storage.ts'
import { type FollowerProblem, LakeFollower } from '../stats/follower.ts'
import type { Totals, TotalsSnapshot } from '../stats/totals.ts'
import { type ViewFigures, type ViewQuery, viewFigures } from '../stats/view.ts'
import type { DependencyHealth } from './api.ts'
import { both, Dependency } from './health.ts'
import { OVERDUE_MS, repeat, WATCH_MS } from './loop.ts'

/** Between two readings of the commit log: a local folder costs little, HDFS some requests. */
const FOLLOW_MS = { embedded: 500, cluster: 1_000 }

/** Problems that are told of at once: each stops a partition of its own, and the first ones are enough to act on. */
const PROBLEMS = 10

export interface LakeWatchOptions {
  lake: LakeStorage
  root: string
  profile: 'embedded' | 'cluster'
  logger: FastifyBaseLogger
}

export class LakeWatch {
  readonly #options: LakeWatchOptions
  readonly #follower: LakeFollower
  readonly #answers = new Dependency(Date.now(), OVERDUE_MS, 'no answer yet')
  /** Reading a long commit log for the first time takes as long as it takes: slow is no failure here. */
  readonly #reads = new Dependency(
    Date.now(),
    Number.POSITIVE_INFINITY,
    'its commit log is being read for the first time',
  )
  #readAt: number | undefined
  #totals: TotalsSnapshot | undefined
  #problems = 0

  constructor(options: LakeWatchOptions) {
    this.#options = options
    this.#follower = new LakeFollower(options)
  }

  /** When the commit log was last read to its end, epoch milliseconds; undefined before the first time. */
  get readAt(): number | undefined {
    return this.#readAt
  }

  /**
   * The totals as of the last reading; undefined before the commit log was read to its end for the first time. They are
   * put together once per reading and not once per record, since whoever asks meanwhile would have to wait for it.
   */
  get totals(): TotalsSnapshot | undefined {
    return this.#totals
  }

  series(...range: Parameters<Totals['series']>): ReturnType<Totals['series']> {
    return this.#follower.totals.series(...range)
  }

  /** With the totals of the same moment: records may have been added since the last reading was complete. */
  figures(query: ViewQuery): { found: ViewFigures; totals: TotalsSnapshot } {
    const { totals } = this.#follower
    return { found: viewFigures(totals, query), totals: totals.snapshot() }
  }

  /** The next offset that the lake will take, by partition of one life of the topic. */
  archived(topicId: string): Map<number, number> {
    const states = this.#follower.partitions().filter((state) => state.topicId === topicId)
    return new Map(states.map(({ partition, next }) => [partition, next]))
  }

  commits(limit: number): ReturnType<LakeFollower['commits']> {
    return this.#follower.commits(limit)
  }

  quarantineFiles(limit: number): ReturnType<LakeFollower['quarantineFiles']> {
    return this.#follower.quarantineFiles(limit)
  }

  files(): ReturnType<LakeFollower['files']> {
    return this.#follower.files()
  }

  /** What keeps the commit log from being read to its end; empty when all is well. */
  problems(): FollowerProblem[] {
    return this.#follower.problems().slice(0, PROBLEMS)
  }

  health(now: number): DependencyHealth {
    return both(this.#answers.at(now), this.#reads.at(now))
  }

  /** Watches until the signal aborts. Never rejects: a failure is the state of health. */
  run(signal: AbortSignal): Promise<unknown> {
    const { lake, root, profile } = this.#options
    return Promise.all([
      repeat(WATCH_MS, signal, () => this.#watched(this.#answers, signal, () => lake.stat(root))),
      repeat(FOLLOW_MS[profile], signal, () => this.#watched(this.#reads, signal, () => this.#follow(signal))),
    ])
  }

  async #follow(signal: AbortSignal): Promise<void> {
    // Of what came last time: whoever waits for the first totals has them by now.
    await this.#follower.totals.settle()
    await this.#follower.refresh(signal)
    this.#totals = this.#follower.totals.snapshot()
    this.#readAt = Date.now()
    const problems = this.problems()
    if (problems.length > this.#problems)
      this.#options.logger.error({ problems }, 'the commit log cannot be read to its end')
    this.#problems = problems.length
  }

  async #watched(health: Dependency, signal: AbortSignal, call: () => Promise<unknown>): Promise<void> {
    health.begun(Date.now())
    try {
      await call()
      health.succeeded(Date.now())
    } catch (error) {
      if (!signal.aborted) health.failed(Date.now(), error)
    }
  }
}
