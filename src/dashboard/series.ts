/** The range of a time series: whole steps, and not too many. */
import { MusicFakerError } from '../errors.ts'
import { MAX_POINTS, type Series, STEPS } from './api.ts'

/** Steps of an answer for which no range was asked. */
const NORMAL_POINTS = 60

export interface SeriesRange {
  step: Series['step']
  /** Epoch milliseconds, at the start of a step. */
  from: number
  /** Exclusive, at the start of a step. */
  to: number
}

/**
 * The time at which a range ends for which nothing else was asked: now, or the newest event where all of them are long
 * ago, so that a lake of old events does not show as empty.
 *
 * @param newest time of the newest event; all in epoch milliseconds
 */
export function lastMoment(step: Series['step'], newest: number | null, now: number): number {
  return newest === null || newest > now - NORMAL_POINTS * STEPS[step] * 1_000 ? now : newest
}

/**
 * @param last a moment of the last step where nothing else was asked, epoch milliseconds
 * @throws USAGE when the range is empty or holds more than MAX_POINTS steps
 */
export function seriesRange(
  query: { step: Series['step']; from?: string | undefined; to?: string | undefined },
  last: number,
): SeriesRange {
  const stepMs = STEPS[query.step] * 1_000
  const to =
    query.to === undefined
      ? (Math.floor(last / stepMs) + 1) * stepMs
      : Math.ceil(Date.parse(query.to) / stepMs) * stepMs
  const from =
    query.from === undefined ? to - NORMAL_POINTS * stepMs : Math.floor(Date.parse(query.from) / stepMs) * stepMs
  const steps = (to - from) / stepMs
  if (steps < 1) {
    throw new MusicFakerError('USAGE', '`from` is not before `to`', { next: 'Give an earlier `from` or a later `to`.' })
  }
  if (steps > MAX_POINTS) {
    throw new MusicFakerError('USAGE', `the range holds ${steps} steps of a ${query.step}, at most ${MAX_POINTS}`, {
      next: 'Ask for a shorter range or a longer step.',
    })
  }
  return { step: query.step, from, to }
}

/** One number per step from a list of the steps that hold events. */
export function dense(range: SeriesRange, points: readonly (readonly [at: number, events: number])[]): number[] {
  const stepMs = STEPS[range.step] * 1_000
  const values = new Array<number>((range.to - range.from) / stepMs).fill(0)
  for (const [at, events] of points) {
    const i = (at - range.from) / stepMs
    if (i >= 0 && i < values.length) values[i] = events
  }
  return values
}
