/**
 * When events are due: rates and speeds as people write them, and the pacer. Imports next to nothing, because --help
 * needs the parsers.
 */
import type { Clock } from '../clock.ts'
import { MusicFakerError } from '../errors.ts'

const RATE = /^(\d+(?:\.\d+)?|\.\d+)\s*([km]?)(?:\s*\/\s*(s|sec|second|min|minute|h|hour))?$/i
const MULTIPLE: Readonly<Record<string, number>> = { '': 1, k: 1000, m: 1_000_000 }
const PERIOD_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }
const SPEED = /^(\d+(?:\.\d+)?|\.\d+)\s*x?$/i

const MAX_PER_SECOND = 100_000_000
const MAX_SPEED = 1_000_000

/** The least time between two lots, where nobody says otherwise: an append for each event would be the slowest way. */
export const GATHER_MS = 20
/** setTimeout fires at once beyond 2^31 ms; waking up now and then costs nothing. */
const LONGEST_SLEEP_MS = 60_000
/** How much of a standstill is made up for afterwards. */
const CATCH_UP_S = 5

/**
 * `500/s`, `30/min`, `10/h`, `2k/s`, `1.5M/h` or `500` (per second) as events per second.
 * @throws USAGE for anything else, for 0 and above 100 million a second
 */
export function parseRate(text: string): number {
  const match = RATE.exec(text.trim())
  const [, number = '', multiple = '', period = 's'] = match ?? []
  const perSecond =
    (Number(number) * (MULTIPLE[multiple.toLowerCase()] ?? 1)) / (PERIOD_S[period.charAt(0).toLowerCase()] ?? 1)
  if (match && perSecond > 0 && perSecond <= MAX_PER_SECOND) return perSecond
  throw new MusicFakerError('USAGE', `"${text}" is not a rate such as 500/s, 30/min or 2k/s`, {
    next: 'Give events per s, min or h: above 0, at most 100M/s.',
  })
}

/**
 * `60x`, `60` or `0.5x` as seconds of event time per second of running.
 * @throws USAGE for anything else, for 0 and above a million
 */
export function parseSpeed(text: string): number {
  const speed = Number(SPEED.exec(text.trim())?.[1])
  if (speed > 0 && speed <= MAX_SPEED) return speed
  throw new MusicFakerError('USAGE', `"${text}" is not a speed such as 60x`, {
    next: 'Give a multiple of real time, above 0 and at most 1000000x; 60x is a minute of events per second.',
  })
}

/** Seconds between events, 0 or more, as events per second; undefined for 0, which means without pause. */
export function perSecondEvery(seconds: number): number | undefined {
  return seconds === 0 ? undefined : 1 / seconds
}

export interface PaceOptions {
  /** Undefined for as fast as the lots are taken. */
  perSecond: number | undefined
  /** The largest lot. */
  maxBatch: number
  /** The least time between two lots, in milliseconds. */
  gatherMs?: number | undefined
  clock: Clock
  /** Ends the pace, at once even in the middle of a wait. */
  signal: AbortSignal
}

/**
 * Yields how many events are due, each time some are: event n (from 0) is due n / perSecond after the first step, so
 * the average is exact however late single lots are. After a standstill at most 5 s of events are made up for; the
 * rest is let go. Ends only by `signal` or by the caller's return.
 */
export async function* pace(options: PaceOptions): AsyncGenerator<number, void, void> {
  const { perSecond, maxBatch, gatherMs = GATHER_MS, clock, signal } = options
  const begin = clock.elapsed()
  const mostOwed = Math.max(1, Math.floor((perSecond ?? 0) * CATCH_UP_S))
  let given = 0
  while (!signal.aborted) {
    if (perSecond === undefined) {
      yield maxBatch
      await clock.sleep(0, signal)
      continue
    }
    const due = Math.floor(((clock.elapsed() - begin) * perSecond) / 1000) + 1
    given = Math.max(given, due - mostOwed)
    const lot = Math.min(due - given, maxBatch)
    if (lot > 0) yield lot
    given += lot
    if (due > given) {
      await clock.sleep(0, signal)
      continue
    }
    const wait = begin + (given * 1000) / perSecond - clock.elapsed()
    // A timer may fire a little early, before anything is due: then the rest is waited for.
    await clock.sleep(Math.min(Math.max(wait, lot > 0 ? gatherMs : 1), LONGEST_SLEEP_MS), signal)
  }
}
