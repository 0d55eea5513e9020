/** Every metric of the dashboard: its name, its help, and where its number comes from. Those of a process: `process-metrics.ts`. */
import { Counter, Gauge, Registry } from '@prometheus-io/client'
import { quarantinedCount } from '../archive/record.ts'
import { QUARANTINE_REASONS } from '../event.ts'
import type { ProcessMetrics } from '../process-metrics.ts'
import type { Live } from './live.ts'
import type { LiveStreams } from './streams.ts'

export class Metrics {
  readonly #registry = new Registry()
  readonly #requests: Counter<'route' | 'status'>

  readonly #process: ProcessMetrics | undefined

  constructor(live: Live, streams: LiveStreams, process?: ProcessMetrics) {
    this.#process = process
    this.#ofLake(live)
    this.#ofLog(live)
    this.#dependencies(live)
    this.#stages(live)
    this.#gauge('musicfaker_streamed_views', 'Windows and filters that are streamed', () => streams.views)
    this.#gauge('musicfaker_stream_clients', 'Open streams of /api/live', () => streams.clients)
    this.#counter(
      'musicfaker_stream_skipped_deltas_total',
      'Deltas not sent to clients that had not taken the message before',
      () => streams.skipped,
    )
    this.#requests = new Counter({
      name: 'musicfaker_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['route', 'status'],
      registers: [this.#registry],
    })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The Prometheus text format. */
  async text(): Promise<string> {
    return (await this.#registry.metrics()) + ((await this.#process?.text()) ?? '')
  }

  /** Counts an answered request. @param route the route's pattern, never the path: of those there is no end */
  answered(route: string, status: number): void {
    this.#requests.inc({ route, status })
  }

  #ofLake(live: Live): void {
    this.#counter('musicfaker_archived_events_total', 'Events in the lake', () => live.totals?.events)
    this.#counter('musicfaker_archived_files_total', 'Published files, quarantine included', () => live.totals?.files)
    this.#counter('musicfaker_archived_bytes_total', 'Bytes of the published files', () => live.totals?.bytes)
    this.#counter('musicfaker_commit_records_total', 'Records of the commit log', () => live.totals?.records)
    this.#counter('musicfaker_skipped_offsets_total', 'Offsets that hold no message', () => live.totals?.skipped)
    this.#counter(
      'musicfaker_lost_offsets_total',
      'Offsets lost to the retention of the log, and accepted as lost',
      () => live.totals?.gaps,
    )
    this.#gauge('musicfaker_last_commit_timestamp_seconds', 'When events were committed last, Unix time', () => {
      const at = live.totals?.lastCommit ?? null
      return at === null ? undefined : at / 1_000
    })
    new Counter({
      name: 'musicfaker_quarantined_messages_total',
      help: 'Messages that are not valid events, by reason',
      labelNames: ['reason'],
      registers: [this.#registry],
      collect() {
        this.reset()
        const counts = live.totals?.quarantined
        if (counts) for (const reason of QUARANTINE_REASONS) this.inc({ reason }, counts[reason] ?? 0)
      },
    })
  }

  /** Where everything that was produced is now: the outcomes of a stage add up to what the stage before has passed on. */
  #stages(live: Live): void {
    new Counter({
      name: 'musicfaker_events_total',
      help: 'Offsets of the log, and what has become of them in the lake, by stage and outcome',
      labelNames: ['stage', 'outcome'],
      registers: [this.#registry],
      collect() {
        this.reset()
        const lags = live.lags()
        if (lags.length > 0)
          this.inc(
            { stage: 'log', outcome: 'appended' },
            lags.reduce((sum, { end }) => sum + end, 0),
          )
        const { totals } = live
        if (!totals) return
        this.inc({ stage: 'archive', outcome: 'archived' }, totals.events)
        this.inc({ stage: 'archive', outcome: 'quarantined' }, quarantinedCount(totals))
        this.inc({ stage: 'archive', outcome: 'skipped' }, totals.skipped)
        this.inc({ stage: 'archive', outcome: 'lost' }, totals.gaps)
      },
    })
  }

  #ofLog(live: Live): void {
    const byPartition = { labelNames: ['partition'] as const, registers: [this.#registry] }
    new Gauge({
      name: 'musicfaker_log_end_offset',
      help: 'Next offset that the log will give, by partition',
      ...byPartition,
      collect() {
        this.reset()
        for (const { partition, end } of live.lags()) this.set({ partition }, end)
      },
    })
    new Gauge({
      name: 'musicfaker_waiting_events',
      help: 'Events in the log and not yet in the lake, by partition',
      ...byPartition,
      collect() {
        this.reset()
        for (const { partition, lag } of live.lags()) this.set({ partition }, lag)
      },
    })
  }

  #dependencies(live: Live): void {
    new Gauge({
      name: 'musicfaker_dependency_up',
      help: '1 where the dependency answers, 0 where it fails',
      labelNames: ['dependency'],
      registers: [this.#registry],
      collect() {
        const { log, lake } = live.health(Date.now())
        this.set({ dependency: 'log' }, log.state === 'ok' ? 1 : 0)
        this.set({ dependency: 'lake' }, lake.state === 'ok' ? 1 : 0)
      },
    })
  }

  /** A total that is kept elsewhere; while it is not known the metric is absent rather than 0. */
  #counter(name: string, help: string, total: () => number | undefined): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.remove()
        const known = total()
        if (known !== undefined) this.inc(known)
      },
    })
  }

  /** A value that is kept elsewhere; absent while it is not known. */
  #gauge(name: string, help: string, value: () => number | undefined): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        const known = value()
        if (known === undefined) this.remove()
        else this.set(known)
      },
    })
  }
}
