/**
 * What the dashboard knows, as sections: each is a new object when it changed and the same one when it did not, so that
 * the stream sends only what changed. Those of a window and filter are made in `views.ts`, from these.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import type { TotalsSnapshot } from '../stats/totals.ts'
import type { ViewQuery as FiguresQuery, ViewFigures } from '../stats/view.ts'
import type { Dependencies, Lag, PartitionLag, Recent, Sections, Series } from './api.ts'
import type { Lookup } from './api-lookup.ts'
import type { ArchiverHealth } from './archiver-health.ts'
import type { Subject } from './found.ts'
import { both } from './health.ts'
import { TotalsHistory } from './history.ts'
import { lagSection, partitionLags } from './lag.ts'
import { LakeWatch } from './lake-watch.ts'
import { LogWatch } from './log-watch.ts'
import { Lookups } from './lookup.ts'
import { repeat } from './loop.ts'
import { PUBLISHED } from './published.ts'
import { RankHistory } from './ranks.ts'
import { KEPT } from './sample.ts'
import { clocks, iso, quarantineTotals, totalsSection } from './sections.ts'
import { dense, lastMoment, seriesRange } from './series.ts'
import type { ViewSections } from './view.ts'

/** How long closing waits for calls that are under way. */
const CLOSE_MS = 500
/** Who asks within it is given the same sections. */
const SHARED_MS = 100
/** How long a look at the log may hold up what else is known: it may hang. */
const FRESHEN_MS = 200
/** How often the totals are put by, to tell the change from. */
const REMEMBER_MS = 1_000
/** What is the same for every view; `recent` holds more rows than one shows, so that a filter leaves some. */
export type CommonSections = Omit<Sections, keyof ViewSections>

export interface LiveOptions {
  log: EventLog
  lake: LakeStorage
  root: string
  group: string
  profile: 'embedded' | 'cluster'
  logger: FastifyBaseLogger
  /** Of an archiver in this process. */
  archiver?: ArchiverHealth
}

export class Live {
  readonly profile: 'embedded' | 'cluster'
  readonly #log: LogWatch
  readonly #lake: LakeWatch
  readonly #archiver: ArchiverHealth | undefined
  readonly #history = new TotalsHistory()
  readonly #stop = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()
  readonly #lookups: Lookups
  readonly #ranks = new RankHistory()
  #sections: CommonSections
  #madeAt = Number.NEGATIVE_INFINITY
  /** What the sections of the lake were made of. */
  #made: { totals: TotalsSnapshot | undefined; minute: number } = { totals: undefined, minute: 0 }

  constructor(options: LiveOptions) {
    this.profile = options.profile
    this.#log = new LogWatch(options.log, options.group, options.logger)
    this.#lake = new LakeWatch(options)
    this.#archiver = options.archiver
    this.#lookups = new Lookups(options.lake, () => this.#lake.files())
    this.#sections = { ...NOTHING, ...this.#quick(Date.now()), profile: this.profile, topic: options.log.topic }
  }

  /** Starts watching; resolves when log and lake have answered, after `patienceMs` at the latest. */
  async start(patienceMs: number): Promise<void> {
    const { signal } = this.#stop
    const remember = async () => {
      const { totals } = this
      if (!totals) return
      this.#history.add(Date.now(), totals)
      this.#ranks.note(Date.now(), totals)
    }
    this.#loops = Promise.all([this.#log.run(signal), this.#lake.run(signal), repeat(REMEMBER_MS, signal, remember)])
    const until = Date.now() + patienceMs
    const waiting = () => Object.values(this.health(Date.now())).some(({ state }) => state === 'failed')
    while (waiting() && Date.now() < until && !signal.aborted) await sleep(10)
  }

  /** Stops watching. Calls that are under way are given a moment, but not waited for: a service may be frozen. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#loops, sleep(CLOSE_MS)])
  }

  /** Has what came last read now, for somebody who watches it come. Never rejects, and takes 200 ms at most. */
  async freshen(): Promise<void> {
    await Promise.race([this.#log.freshen(this.#stop.signal), sleep(FRESHEN_MS, undefined, { ref: false })])
    this.#madeAt = Number.NEGATIVE_INFINITY
  }

  /** Whether both answer, and take what the archiver of this process reads and writes, where there is one. */
  health(now: number): Dependencies {
    const answer = { log: this.#log.health(now), lake: this.#lake.health(now) }
    if (!this.#archiver) return answer
    const { log, lake } = this.#archiver.at(now)
    return { log: both(answer.log, log), lake: both(answer.lake, lake) }
  }

  /** Undefined before the commit log was read to its end for the first time. */
  get totals(): TotalsSnapshot | undefined {
    return this.#lake.totals
  }

  /**
   * The figures of a window and filter, and the totals of the same moment; undefined before the commit log was read to its
   * end for the first time.
   */
  figures(query: FiguresQuery): { found: ViewFigures; totals: Sections['totals'] } | undefined {
    if (this.totals === undefined) return undefined
    const { found, totals } = this.#lake.figures(query)
    return { found, totals: totalsSection(totals, query.now, this.#history.before(query.now)) }
  }

  /** The top lists of all time as they were a while ago, epoch milliseconds; undefined in the first minute. */
  ranksBefore(now: number): ReturnType<RankHistory['before']> {
    return this.#ranks.before(now)
  }

  /** Looks up one listener or artist in the newest files of the lake: see Lookups. @throws LAKE_UNREACHABLE as `known` does */
  async lookup(subject: Subject, name: string): Promise<Lookup> {
    this.known()
    return this.#lookups.find(subject, name)
  }

  /**
   * The totals, and when the commit log was read.
   * @throws LAKE_UNREACHABLE before it was read to its end for the first time: 0 would be a wrong answer
   */
  known(): { totals: TotalsSnapshot; readAt: number } {
    const { totals, readAt } = this.#lake
    if (totals !== undefined && readAt !== undefined) return { totals, readAt }
    const { reason } = this.#lake.health(Date.now())
    throw new MusicFakerError(
      'LAKE_UNREACHABLE',
      `the totals are not known yet: ${reason ?? 'the lake is being read'}`,
      {
        next: '/health says what fails; the figures come by themselves once it is mended.',
      },
    )
  }

  /** @throws USAGE as `seriesRange` does, LAKE_UNREACHABLE as `known` does */
  series(query: Parameters<typeof seriesRange>[0]): Series {
    const { totals } = this.known()
    const range = seriesRange(query, lastMoment(query.step, totals.newestEvent, Date.now()))
    const { points, coarser } = this.#lake.series(range.step, range.from, range.to)
    return { step: range.step, from: iso(range.from), to: iso(range.to), values: dense(range, points), coarser }
  }

  recent(limit: number): Recent {
    return this.#log.recent(Date.now(), limit)
  }

  /** Every partition of the log, as last seen. */
  lags(): PartitionLag[] {
    const { position } = this.#log
    return position === undefined ? [] : partitionLags(position, this.#lake.archived(position.topic.topicId))
  }

  lag(now: number): Lag {
    const { position, topic } = this.#log
    const current = this.#log.health(now).state === 'ok' && this.#lake.health(now).state === 'ok'
    return lagSection(topic, position?.topic.topicId ?? null, this.lags(), current)
  }

  /** @throws LAKE_UNREACHABLE as `known` does */
  commits(limit: number): ReturnType<LakeWatch['commits']> {
    this.known()
    return this.#lake.commits(limit)
  }

  quarantineFiles(limit: number): ReturnType<LakeWatch['quarantineFiles']> {
    return this.#lake.quarantineFiles(limit)
  }

  sections(): CommonSections {
    const now = Date.now()
    // A thousand requests a second, or many streams, are answered from what was put together for the first of them.
    if (now >= this.#madeAt && now - this.#madeAt < SHARED_MS) return this.#sections
    this.#madeAt = now
    this.#put(this.#quick(now))
    const { totals } = this
    const minute = Math.floor(now / 60_000)
    if (totals !== undefined && (totals !== this.#made.totals || minute !== this.#made.minute)) {
      this.#made = { totals, minute }
      this.#put(this.#ofLake(totals))
    }
    return this.#sections
  }

  /** The sections that may change at any moment, and cost little. */
  #quick(now: number): Pick<CommonSections, 'health' | 'clocks' | 'rate' | 'lag' | 'recent' | 'problems' | 'totals'> {
    const { totals } = this
    return {
      health: this.health(now),
      clocks: clocks(totals, now, { lake: this.#lake.readAt, log: this.#log.readAt }),
      rate: this.#log.rate(now),
      lag: this.lag(now),
      recent: this.#log.recent(now, KEPT),
      problems: this.#lake
        .problems()
        .map(({ message, next }) => (next === undefined ? { message } : { message, next })),
      totals: totals === undefined ? null : totalsSection(totals, now, this.#history.before(now)),
    }
  }

  #ofLake(totals: TotalsSnapshot): Pick<CommonSections, 'series' | 'quarantine'> {
    return {
      series: this.series({ step: 'minute' }),
      quarantine: quarantineTotals(totals),
    }
  }

  #put(sections: Partial<CommonSections>): void {
    this.#sections = withChanges(this.#sections, sections)
  }
}

/** `before` with the sections that are of other contents now; `before` itself where none is. */
export function withChanges<T extends object>(before: T, now: Partial<T>): T {
  const changed = Object.entries(now).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof T]),
  )
  return changed.length > 0 ? { ...before, ...Object.fromEntries(changed) } : before
}

/** The sections of a lake that was not read yet. */
const NOTHING = { series: null, quarantine: null, published: PUBLISHED }
