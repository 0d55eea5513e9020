import { DIMENSIONS } from './dimensions.ts'
import { DURATION_BUCKETS } from './durations.ts'

const MINUTE_BYTES = (6 + DURATION_BUCKETS) * 8 + (1 + DIMENSIONS.length) * 4
const COUNT_BYTES = 6

export type MinuteColumns = ReturnType<typeof minuteColumnsOf>

/**
 * What is counted of many minutes, in columns, which are read without making an object of each.
 * @param counts names that they count, over all of them
 */
export function minuteColumnsOf(minutes: number, counts: number) {
  const buffer = new ArrayBuffer(minuteBytes(minutes, counts))
  let end = 0
  const place = (bytes: number) => {
    end += bytes
    return end - bytes
  }
  const float64 = (length: number) => new Float64Array(buffer, place(length * 8), length)
  const uint32 = (length: number) => new Uint32Array(buffer, place(length * 4), length)
  // The widest first, so that each is aligned.
  return {
    at: float64(minutes),
    events: float64(minutes),
    unknown: float64(minutes),
    counted: float64(minutes),
    seconds: float64(minutes),
    threshold: float64(minutes),
    /** `DURATION_BUCKETS` of each. */
    buckets: float64(minutes * DURATION_BUCKETS),
    /** How many rows it has. */
    rows: uint32(minutes),
    /** How many names it counts, of each of the `DIMENSIONS`. */
    sizes: uint32(minutes * DIMENSIONS.length),
    /** By count: its events, and the number of its name. */
    counts: uint32(counts),
    numbers: new Uint16Array(buffer, end, counts),
  }
}

/** The bytes of so many, which begin with those of `at`. */
export function minuteBytes(minutes: number, counts: number): number {
  return minutes * MINUTE_BYTES + counts * COUNT_BYTES
}

/** How many names the minute at `i` counts. */
export function countsOf({ sizes }: MinuteColumns, i: number): number {
  let sum = 0
  for (let d = 0; d < DIMENSIONS.length; d++) sum += sizes[i * DIMENSIONS.length + d] as number
  return sum
}
