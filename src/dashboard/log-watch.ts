/** Watches the log: does it answer, how far does it go, how fast does it grow, and what came last. */
import type { FastifyBaseLogger } from 'fastify'
import type { EventLog, TopicDescription } from '../log/log.ts'
import type { DependencyHealth, Rate, Recent } from './api.ts'
import { Dependency } from './health.ts'
import type { LogPosition } from './lag.ts'
import { OVERDUE_MS, repeat, WATCH_MS } from './loop.ts'
import { ProductionRate } from './rate.ts'
import { TailSample } from './sample.ts'

/** A sample that is so new serves whoever asks for a new one: there may be many streams. */
const NEW_MS = 100

export class LogWatch {
  readonly #log: EventLog
  readonly #group: string
  readonly #logger: FastifyBaseLogger
  readonly #health = new Dependency(Date.now(), OVERDUE_MS, 'no answer yet')
  readonly #rate = new ProductionRate()
  readonly #sample: TailSample
  /** The reading of the tail that is under way. */
  #sampling: Promise<void> | undefined
  #sampledAt = Number.NEGATIVE_INFINITY
  #position: LogPosition | undefined
  /** When that was asked for, monotonic milliseconds. */
  #askedAt = 0
  #readAt: number | undefined

  /** @param group the consumer group whose committed offsets are shown */
  constructor(log: EventLog, group: string, logger: FastifyBaseLogger) {
    this.#log = log
    this.#group = group
    this.#logger = logger
    this.#sample = new TailSample(log)
  }

  get topic(): string {
    return this.#log.topic
  }

  /** What was last read; undefined before the first answer. */
  get position(): LogPosition | undefined {
    return this.#position
  }

  /** When that was, epoch milliseconds. */
  get readAt(): number | undefined {
    return this.#readAt
  }

  health(now: number): DependencyHealth {
    return this.#health.at(now)
  }

  /** Unknown while the log fails. */
  rate(now: number): Rate {
    if (this.#fails(now)) this.#rate.interrupted()
    return this.#rate.current()
  }

  /** The rows stay while the log fails, but stand for nothing. */
  recent(now: number, limit: number): Recent {
    const recent = this.#sample.current(limit)
    return this.#fails(now) ? { ...recent, standsFor: 0, sampled: 0 } : recent
  }

  /** Watches until the signal aborts. Never rejects: a failure is the state of health. */
  run(signal: AbortSignal): Promise<unknown> {
    // Two loops: a read that hangs must not keep the other from noticing that the log fails.
    return Promise.all([
      repeat(WATCH_MS, signal, () => this.#look(signal)),
      repeat(WATCH_MS, signal, () => this.#sampleTail(signal, () => this.#newerTopic())),
    ])
  }

  /** Looks for what has come since, for somebody who watches: the loop of `run` does it once a second. Never rejects. */
  freshen(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#sampledAt < NEW_MS) return Promise.resolve()
    return this.#sampleTail(signal, () => this.#log.describe())
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#health.begun(Date.now())
    try {
      const askedAt = performance.now()
      const topic = await this.#log.describe()
      const at = Date.now()
      this.#askedAt = askedAt
      this.#position = { topic, committed: await this.#log.committed(this.#group) }
      this.#readAt = at
      this.#health.succeeded(Date.now())
      this.#rate.add(at, topic)
    } catch (error) {
      if (!signal.aborted) this.#health.failed(Date.now(), error)
    }
  }

  /** What the log was last seen to hold; undefined where the sample knows of that already. */
  async #newerTopic(): Promise<TopicDescription | undefined> {
    // The first look is under way still: whoever comes first finds rows, too.
    if (this.#position === undefined) return this.#log.describe()
    return this.#askedAt > this.#sampledAt ? this.#position?.topic : undefined
  }

  #sampleTail(signal: AbortSignal, describe: () => Promise<TopicDescription | undefined>): Promise<void> {
    this.#sampling ??= this.#readTail(signal, describe).finally(() => {
      this.#sampling = undefined
    })
    return this.#sampling
  }

  async #readTail(signal: AbortSignal, describe: () => Promise<TopicDescription | undefined>): Promise<void> {
    try {
      const topic = await describe()
      if (topic === undefined) return
      await this.#sample.read(topic, Date.now(), signal)
      this.#sampledAt = performance.now()
    } catch (error) {
      // The next look tells whether the log fails; a tail that retention or a new topic took away is no failure.
      if (!signal.aborted) this.#logger.debug({ err: error }, 'the tail of the log could not be read')
    }
  }

  #fails(now: number): boolean {
    return this.#health.at(now).state === 'failed'
  }
}
