/** All stages in one process: listeners, archiver and dashboard, stopped in the order of the flow so that it drains. */
import { type ArchiveEvent, type ArchiveSummary, archive } from './archive/archiver.ts'
import type { BatchLimits } from './archive/batch.ts'
import { lakeRoot } from './archive/layout.ts'
import type { Config } from './config.ts'
import { isRetryable, type MusicFakerError } from './errors.ts'
import { Generator } from './generate/generator.ts'
import { parseRate } from './generate/pacing.ts'
import { produce } from './generate/produce.ts'
import type { LakeStorage } from './lake/storage.ts'
import type { EventLog } from './log/log.ts'
import { backoff, pause } from './retry.ts'

/** A continuous flow commits each partition every other second: half the files of `consume -m realtime`, as live to the eye. */
const FLOW_AGE_MS = 1_500

export interface PipelineOptions {
  config: Config
  log: EventLog
  lake: LakeStorage
  /** Stops the flow: the generator first, then the archiver once it has drained. */
  signal: AbortSignal
  onArchive?: (event: ArchiveEvent) => void
  /** Told when the log refuses events for a while; the flow goes on when it takes them again. */
  onRetry?: (error: MusicFakerError) => void
}

export interface PipelineSummary {
  produced: number
  archived: ArchiveSummary
}

/**
 * Runs a continuous flow at the configured rate into the log and from there into the lake, until `signal` aborts.
 * What was acknowledged before is in the lake when this resolves, if the services answer within the drain time.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineSummary> {
  const { config, log, lake, signal } = options
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
    signal: drain.signal,
    ...(options.onArchive && { report: options.onArchive }),
  })
  // An archiver that has to stop takes the flow down with it: producing on would only hide it.
  const failed = new AbortController()
  archiving.catch((error) => failed.abort(error))
  try {
    const produced = await produceUntil(AbortSignal.any([signal, failed.signal]), options)
    drain.abort()
    return { produced, archived: await archiving }
  } finally {
    drain.abort()
    await archiving.catch(() => undefined)
  }
}

/** Produces until the signal aborts, also over times when the log cannot be reached. */
async function produceUntil(signal: AbortSignal, options: PipelineOptions): Promise<number> {
  const generator = new Generator({ seed: options.config.seed })
  let produced = 0
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await produce({
        log: options.log,
        generator,
        perSecond: parseRate(options.config.rate),
        signal,
        onAcknowledged: (messages) => {
          produced += messages.length
          attempt = 1
        },
      })
    } catch (error) {
      if (!isRetryable(error)) throw error
      options.onRetry?.(error as MusicFakerError)
      await pause(backoff(attempt), signal).catch(() => undefined)
    }
  }
  return produced
}
