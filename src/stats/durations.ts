/**
 * The fixed buckets of durations, by their longest duration in seconds, inclusive, as Prometheus has them; one more
 * bucket holds what is longer. The first bounds are those of the published skip figures. On disk: never change them,
 * but give the summary another version.
 */
export const DURATION_BOUNDS = [
  5, 10, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 600, 900, 1800, 3600,
] as const

export const DURATION_BUCKETS = DURATION_BOUNDS.length + 1

const LAST_BOUND = DURATION_BOUNDS[DURATION_BOUNDS.length - 1] as number
const bucketOfSecond = Uint8Array.from({ length: LAST_BOUND + 1 }, (_, seconds) =>
  DURATION_BOUNDS.findIndex((bound) => seconds <= bound),
)

/** The bucket of a duration in whole seconds. */
export function durationBucket(seconds: number): number {
  return bucketOfSecond[seconds] ?? DURATION_BUCKETS - 1
}
