/** The produce loop: generated events into the log, one append in flight, the next lot made meanwhile. */
import { type Clock, systemClock } from '../clock.ts'
import { formatTimestamp } from '../event.ts'
import type { EventLog, LogMessage } from '../log/log.ts'
import { type Flow, planFlow, presentTimes, requirePast, scheduledTimes } from './event-time.ts'
import type { Generator } from './generator.ts'
import { GATHER_MS, pace } from './pacing.ts'

export interface ProduceOptions {
  log: Pick<EventLog, 'append'>
  generator: Generator
  /** Stop after so many events; undefined to go on until `signal`, or from a `start` until the present is reached. */
  count?: number | undefined
  /** Events per second (`parseRate`, `perSecondEvery`); undefined for as fast as the log takes them. */
  perSecond?: number | undefined
  /** Epoch milliseconds of the first event, in the past; undefined for events that happen as they are made. */
  start?: number | undefined
  /** Seconds of event time per second of running (`parseSpeed`); only with `start`. */
  speed?: number | undefined
  /** The most events in one append; 8,000 by default. */
  maxBatch?: number | undefined
  /** The least time between two appends of a paced run, in milliseconds; 20 by default. */
  gatherMs?: number | undefined
  /** Ends the run: nothing new is appended, the append in flight is waited for. */
  signal?: AbortSignal | undefined
  /** Told at most twice a second while events are acknowledged, and once at the end, also before an error is thrown. */
  onProgress?: ((state: ProduceProgress) => void) | undefined
  /** Told after each append, in order. */
  onAcknowledged?: ((messages: readonly LogMessage[]) => void) | undefined
  clock?: Clock | undefined
}

export interface ProduceProgress {
  /** Events handed to the log. */
  produced: number
  /** Events that the log has made durable. */
  acknowledged: number
  /** How many were asked for, if that is known. */
  count: number | undefined
  /** Seconds since the beginning. */
  seconds: number
  /** Acknowledged events per second since the beginning. */
  rate: number
  /** Timestamps of the first and the last acknowledged event, in the event format. */
  firstTimestamp: string | undefined
  lastTimestamp: string | undefined
}

/** What the progress has come to when the run ends. */
export type ProduceSummary = ProduceProgress

/**
 * Events in one append, at most, where nobody says otherwise. Each append is forced to the disk or waited for: with 8,000
 * the embedded flow takes a tenth less CPU time than with 2,000, and 10 MiB more memory.
 */
export const LARGEST_LOT = 8_000
const PROGRESS_EVERY_MS = 500

/**
 * Produces events until there are `count`, `signal` aborts, or (with `start` and without `count`) the present is reached.
 *
 * An append that fails ends the run with its error, after a last `onProgress`. It is not repeated here, whether the error
 * is retryable or not: the adapter has already done what can be done without doubling events, and some of the failed
 * lot may be in the log.
 *
 * @throws USAGE for a speed without a start and for a start or a count that reaches into the future; whatever `append` rejects with
 */
export async function produce(options: ProduceOptions): Promise<ProduceSummary> {
  const { log, clock = systemClock } = options
  const flow = possibleFlow(options, clock.now())

  // A failed append must wake the pacer: the next event may be due in an hour.
  const failed = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  const tally = new Tally(options, clock)
  const send = async (lot: Lot) => {
    tally.sent(lot)
    await log.append(lot.messages)
    tally.acknowledged(lot)
  }
  let inFlight = Promise.resolve()
  try {
    for await (const lot of lots(options, flow, clock, signal)) {
      await inFlight
      if (signal.aborted) break
      inFlight = send(lot)
      // Else Node would take a failure during the next wait for a forgotten one. The awaits here throw it.
      inFlight.catch(() => failed.abort())
    }
    await inFlight
    return tally.state()
  } finally {
    tally.report()
  }
}

/**
 * The flow of these options, if there can be one. To be asked before a topic is created for it.
 * @param now epoch milliseconds
 * @throws USAGE as `produce`
 */
export function possibleFlow(options: Omit<ProduceOptions, 'log'>, now: number): Flow {
  const flow = planFlow(options, options.generator.naturalStep)
  requirePast(flow, options.count, now)
  return flow
}

/** Events as they fall due, with their times; ends when there are enough of them or the present is reached. */
async function* lots(options: ProduceOptions, flow: Flow, clock: Clock, signal: AbortSignal): AsyncGenerator<Lot> {
  const { generator, count, maxBatch = LARGEST_LOT, gatherMs = GATHER_MS } = options
  const { seed } = generator
  const times = flow.schedule ? scheduledTimes(seed, flow.schedule) : presentTimes(seed, clock, options.gatherMs)
  let left = count ?? Number.POSITIVE_INFINITY
  if (left === 0) return
  for await (const due of pace({ perSecond: flow.perSecond, maxBatch, gatherMs, clock, signal })) {
    const planned = times(Math.min(due, left))
    const past = flow.schedule && count === undefined ? upTo(planned, clock.now()) : planned
    if (past.length > 0) yield makeLot(generator, past)
    left -= past.length
    if (left === 0 || past.length < planned.length) return
  }
}

/** The times that are not ahead of `nowMs`. */
function upTo(times: Float64Array, nowMs: number): Float64Array {
  const ahead = times.findIndex((time) => time > nowMs * 1000)
  return ahead < 0 ? times : times.subarray(0, ahead)
}

interface Lot {
  messages: LogMessage[]
  firstMicros: number
  lastMicros: number
}

function makeLot(generator: Generator, times: Float64Array): Lot {
  const messages: LogMessage[] = []
  for (let i = 0; i < times.length; i++) {
    const time = times[i] as number
    const atMs = Math.floor(time / 1000)
    messages.push(generator.nextMessage(atMs, time - atMs * 1000))
  }
  return { messages, firstMicros: times[0] as number, lastMicros: times.at(-1) as number }
}

/** What has been done so far, and who wants to know. */
class Tally {
  readonly #options: ProduceOptions
  readonly #clock: Clock
  readonly #begin: number
  #produced = 0
  #acknowledged = 0
  #firstMicros: number | undefined
  #lastMicros: number | undefined
  #reported: number

  constructor(options: ProduceOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#begin = clock.elapsed()
    this.#reported = this.#begin
  }

  sent(lot: Lot): void {
    this.#produced += lot.messages.length
  }

  acknowledged(lot: Lot): void {
    this.#acknowledged += lot.messages.length
    this.#firstMicros ??= lot.firstMicros
    this.#lastMicros = lot.lastMicros
    this.#options.onAcknowledged?.(lot.messages)
    if (this.#clock.elapsed() - this.#reported >= PROGRESS_EVERY_MS) this.report()
  }

  report(): void {
    this.#reported = this.#clock.elapsed()
    this.#options.onProgress?.(this.state())
  }

  state(): ProduceProgress {
    const seconds = (this.#clock.elapsed() - this.#begin) / 1000
    return {
      produced: this.#produced,
      acknowledged: this.#acknowledged,
      count: this.#options.count,
      seconds,
      rate: seconds > 0 ? this.#acknowledged / seconds : 0,
      firstTimestamp: text(this.#firstMicros),
      lastTimestamp: text(this.#lastMicros),
    }
  }
}

function text(micros: number | undefined): string | undefined {
  if (micros === undefined) return undefined
  const atMs = Math.floor(micros / 1000)
  return formatTimestamp(atMs, micros - atMs * 1000)
}
