/** The hour of the week, UTC, of a moment in epoch seconds: Monday 00:00 is 0. 1 January 1970 was a Thursday. */
export function weekHour(second: number): number {
  const hour = Math.floor(second / 3_600) + 3 * 24
  return ((hour % 168) + 168) % 168
}
