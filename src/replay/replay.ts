/** Writes events of a lake to a log again, in the order of their times, as they are, at a pace or as fast as it takes them. */
import { type Clock, systemClock } from '../clock.ts'
import { GATHER_MS } from '../generate/pacing.ts'
import { LARGEST_LOT } from '../generate/produce.ts'
import type { EventLog, LogMessage } from '../log/log.ts'
import { eventsInOrder, type SortOptions } from './sorted.ts'

export interface ReplayOptions extends SortOptions {
  log: Pick<EventLog, 'append'>
  /** Seconds of event time for each second of running; undefined for as fast as the log takes them. */
  speed?: number | undefined
  /** Told after each append, with the number of events so far and the timestamp of the last. */
  onProgress?: (events: number, timestamp: string) => void
  clock?: Clock
}

export interface ReplaySummary {
  /** That the log has made durable. */
  events: number
  /** Timestamps of the first and the last of them; null without events. */
  first: string | null
  last: string | null
  /** Stopped by the signal before the end. */
  stopped: boolean
}

/**
 * Ends when all is written, or when the signal aborts: then the append in flight is waited for.
 * A run again writes the events again. @throws what the log and `eventsInOrder` throw
 */
export async function replay(options: ReplayOptions): Promise<ReplaySummary> {
  const { log, signal, speed, clock = systemClock, onProgress } = options
  const summary: ReplaySummary = { events: 0, first: null, last: null, stopped: false }
  let lot: LogMessage[] = []
  let last = ''
  let began: { at: number; time: number } | undefined
  const send = async () => {
    if (lot.length === 0) return
    await log.append(lot)
    summary.events += lot.length
    summary.last = last
    lot = []
    onProgress?.(summary.events, last)
  }
  const untilDue = async (time: number): Promise<void> => {
    if (speed === undefined) return
    began ??= { at: clock.elapsed(), time }
    const due = began.at + (time - began.time) / speed
    if (due - clock.elapsed() < GATHER_MS) return
    await send()
    while (!signal.aborted && due > clock.elapsed()) await clock.sleep(Math.min(due - clock.elapsed(), 60_000), signal)
  }
  try {
    for await (const { time, timestamp, user, line } of eventsInOrder(options)) {
      await untilDue(time)
      if (signal.aborted) break
      summary.first ??= timestamp
      last = timestamp
      lot.push({ key: user, value: line })
      if (lot.length >= LARGEST_LOT) await send()
    }
    if (!signal.aborted) await send()
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
  }
  summary.stopped = signal.aborted
  return summary
}
