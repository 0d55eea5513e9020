/**
 * The times that events carry: whole microseconds since the epoch, exact in a number until the year 2255. They never
 * go back within a run. The fraction that the source of time does not decide is drawn from the seed.
 */
import type { Clock } from '../clock.ts'
import { MusicFakerError } from '../errors.ts'
import { MAX_FUTURE_MS } from '../event.ts'
import { Random } from './random.ts'

/** Of the seed; the generator uses lower ones. */
const STREAM = 16

/** Gives the times of the next events, ascending. */
export type EventTimes = (count: number) => Float64Array

export interface FlowOptions {
  /** Events per second of running; undefined for as fast as the log takes them. */
  perSecond?: number | undefined
  /** Epoch milliseconds of the first event; undefined for events that happen when they are made. */
  start?: number | undefined
  /** Seconds of event time per second of running. Only with `start`; 1 by default where there is a rate. */
  speed?: number | undefined
}

export interface Flow {
  perSecond: number | undefined
  /** When and how far apart events are; undefined where they follow the clock. */
  schedule: Schedule | undefined
}

export interface Schedule {
  /** Epoch milliseconds. */
  start: number
  /** Seconds of event time from one event to the next. */
  step: number
}

/**
 * Settles rate, speed and step, of which two determine the third (speed = rate x step).
 *
 * From a start, times follow from the step alone, never from the clock, so that the same run gives the same bytes. Where
 * neither rate nor speed is given the step is the natural one and the log sets the pace; where only a speed is
 * given, the natural flow is played at that speed.
 *
 * @param naturalStep seconds between events when all listeners are heard in real time
 * @throws USAGE for a speed without a start
 */
export function planFlow({ perSecond, start, speed }: FlowOptions, naturalStep: number): Flow {
  if (start === undefined) {
    if (speed === undefined) return { perSecond, schedule: undefined }
    throw new MusicFakerError('USAGE', 'a speed was given without a time to start from', {
      next: 'Add a start in the past, such as --start 2025-07-03T20:00:00.',
    })
  }
  if (perSecond !== undefined) return { perSecond, schedule: { start, step: (speed ?? 1) / perSecond } }
  return { perSecond: speed === undefined ? undefined : speed / naturalStep, schedule: { start, step: naturalStep } }
}

/**
 * Refuses a run that begins in the future or before 1970 (Kafka takes no earlier time), or whose last events would lie
 * so far ahead that the archive quarantines them.
 *
 * @param count how many events are asked for; undefined for a run that ends when the present is reached
 * @param now   epoch milliseconds
 * @throws USAGE
 */
export function requirePast({ perSecond, schedule }: Flow, count: number | undefined, now: number): void {
  if (schedule === undefined) return
  const { start, step } = schedule
  if (!(start >= 0 && start <= now)) {
    throw new MusicFakerError('USAGE', 'the time to start from is not between 1970 and now', {
      next: 'Give a start in the past; leave it out to start now.',
    })
  }
  if (count === undefined) return
  const runningMs = perSecond === undefined ? 0 : (count / perSecond) * 1000
  if (start + count * step * 1000 <= now + runningMs + MAX_FUTURE_MS) return
  throw new MusicFakerError(
    'USAGE',
    `${count} events from ${new Date(start).toISOString()} would reach more than a day into the future`,
    { next: 'Give an earlier start, fewer events, a higher rate or a lower speed.' },
  )
}

/**
 * Times at a fixed mean step: event i falls at a random place of the i-th step, so that the times look
 * like arrivals rather than ticks and depend on nothing but the seed.
 */
export function scheduledTimes(seed: number, { start, step }: Schedule): EventTimes {
  const random = new Random(seed, STREAM)
  let event = 0
  return (count) => {
    const times = new Float64Array(count)
    for (let i = 0; i < count; i++) times[i] = Math.floor(start * 1000 + (event++ + random.float()) * step * 1e6)
    return times
  }
}

/** How far the times of a lot reach back at most, where nothing was gathered for longer. */
const LONGEST_MOMENT_MS = 1_000

/**
 * Times of events that happen now: those of one lot fall within the last moments, a millisecond each (the `gatherMs` of all of
 * them at least, a second at most), but not before the lot before. Where the machine's clock is set back, time stands still until it has caught up.
 */
export function presentTimes(seed: number, clock: Clock, gatherMs = 0): EventTimes {
  const random = new Random(seed, STREAM)
  let last = 0
  return (count) => {
    const now = Math.max(last, Math.floor(clock.now()) * 1000)
    const begin = Math.max(last, now - Math.max(Math.min(count, LONGEST_MOMENT_MS), gatherMs) * 1000)
    const times = new Float64Array(count)
    for (let i = 0; i < count; i++) times[i] = Math.floor(begin + ((i + random.float()) / count) * (now - begin))
    last = now
    return times
  }
}
