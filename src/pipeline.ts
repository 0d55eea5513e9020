/** All stages in one process: listeners, archiver and dashboard, stopped in the order of the flow so that it drains. */
import { type ArchiveEvent, type ArchiveSummary, archive } from './archive/archiver.ts'
import type { BatchLimits } from './archive/batch.ts'
import { isArchived } from './archive/head.ts'
import { lakeRoot } from './archive/layout.ts'
import type { Clock } from './clock.ts'
import { careOf } from './config.ts'
import { isRetryable, type MusicFakerError } from './errors.ts'
import { Generator } from './generate/generator.ts'
import { parseRate } from './generate/pacing.ts'
import { produce } from './generate/produce.ts'
import type { LakeStorage } from './lake/storage.ts'
import type { EventLog, LogMessage } from './log/log.ts'
import { backoff, pause, unlessAborted } from './retry.ts'
import type { Config } from './settings.ts'

/** A continuous flow commits each partition every other second: half the files of `consume -m realtime`, as live to the eye. */
const FLOW_AGE_MS = 1_500
/** Events of so long go into the log together: each append is forced to the disk, and wakes who reads. The page shows four changes a second. */
const FLOW_GATHER_MS = 250
/**
 * How long a stop waits for the append under way, for the archiver to reach the log's end, and then to drain: together less
 * than the 10 s that it has.
 */
const LAST_APPEND_MS = 1_500
const CATCH_UP_MS = 5_000
const DRAIN_MS = 2_500
const POLL_MS = 100

export interface PipelineOptions {
  config: Config
  log: EventLog
  lake: LakeStorage
  /** Stops the flow: the generator first, then the archiver once it has drained. */
  signal: AbortSignal
  onArchive?: (event: ArchiveEvent) => void
  /** Told when the log refuses events for a while; the flow goes on when it takes them again. */
  onRetry?: (error: MusicFakerError) => void
  /** Told of each lot of events that the log has taken. */
  onAcknowledged?: (messages: readonly LogMessage[]) => void
  /** When events happen, and when hours and days are over; the machine's by default. */
  clock?: Clock
}

export interface PipelineSummary {
  /** Events that the log has acknowledged. */
  produced: number
  /** Not `drained` when events of this flow may have been left in the log for the next start. */
  archived: ArchiveSummary
}

/**
 * Runs a continuous flow at the configured rate into the log and from there into the lake, until `signal` aborts.
 * What was acknowledged before is in the lake when this resolves, or the summary says that it was not drained.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineSummary> {
  const { config, log, lake, signal, clock } = options
  await log.ensureTopic()
  const limits: BatchLimits = { messages: 500_000, bytes: config.batchBytes, ageMs: FLOW_AGE_MS }
  const drain = new AbortController()
  const archiving = archive({
    log,
    lake,
    limits,
    root: lakeRoot(config.topic),
    group: config.group,
    once: false,
    acceptGap: false,
    ...careOf(config),
    signal: drain.signal,
    drainMs: DRAIN_MS,
    ...(clock && { clock }),
    ...(options.onArchive && { report: options.onArchive }),
  })
  // An archiver that has to stop takes the flow down with it: producing on would only hide it.
  const failed = new AbortController()
  archiving.catch((error) => failed.abort(error))
  try {
    const stop = AbortSignal.any([signal, failed.signal])
    const flow = { produced: 0 }
    const appended = await endsInTime(produceUntil(stop, flow, options), stop)
    // The archiver drains what it has read, and the last events may still stand in the log unread.
    const catchUp = () => untilArchived(options, AbortSignal.any([failed.signal, AbortSignal.timeout(CATCH_UP_MS)]))
    // A log that hangs would only take more of the time.
    const caughtUp = appended && (await catchUp())
    drain.abort()
    const archived = await archiving
    // Counted now: an append may have been acknowledged meanwhile.
    return { ...flow, archived: { ...archived, drained: archived.drained && caughtUp } }
  } finally {
    drain.abort()
    await archiving.catch(() => undefined)
  }
}

/** Produces until the signal aborts, also over times when the log cannot be reached. Counts in `flow` what is acknowledged. */
async function produceUntil(signal: AbortSignal, flow: { produced: number }, options: PipelineOptions): Promise<void> {
  const generator = new Generator({ seed: options.config.seed })
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await produce({
        log: options.log,
        generator,
        perSecond: parseRate(options.config.rate),
        gatherMs: FLOW_GATHER_MS,
        signal,
        clock: options.clock,
        onAcknowledged: (messages) => {
          flow.produced += messages.length
          attempt = 1
          options.onAcknowledged?.(messages)
        },
      })
    } catch (error) {
      if (!isRetryable(error)) throw error
      options.onRetry?.(error as MusicFakerError)
      await pause(backoff(attempt), signal).catch(() => undefined)
    }
  }
}

/** Resolves false when the append under way does not come to its end soon after the stop: it is left to itself then. */
async function endsInTime(producing: Promise<void>, stop: AbortSignal): Promise<boolean> {
  // A stop that came before has kept it from beginning.
  const late = new Promise<false>((resolve) => {
    stop.addEventListener('abort', () => setTimeout(resolve, LAST_APPEND_MS, false).unref(), { once: true })
  })
  return Promise.race([producing.then(() => true), late])
}

/** Waits until the lake holds what the log holds now. Resolves false when that does not come before the signal aborts. */
async function untilArchived({ log, lake, config }: PipelineOptions, signal: AbortSignal): Promise<boolean> {
  const reached = async () => {
    const { topicId, partitions } = await log.describe()
    for (const [partition, { start, end }] of partitions) {
      while (end > start && !(await isArchived(lake, lakeRoot(config.topic), topicId, partition, end))) {
        await pause(POLL_MS, signal)
      }
    }
    return true
  }
  // A service that hangs must not hold up the stop, and an archiver that has failed is not waited for.
  return unlessAborted(reached(), signal).catch(() => false)
}
