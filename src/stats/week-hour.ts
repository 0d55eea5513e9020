/** The hour of the week, UTC, of a moment in epoch seconds: Monday 00:00 is 0. 1 January 1970 was a Thursday. */
export function weekHour(second: number): number {
  const hour = Math.floor(second / 3_600) + 3 * 24
  return ((hour % 168) + 168) % 168
}

/** The hour of the week that is written as `5-18`, Friday from 18:00 on: ISO weekday, 1 is Monday, and hour, UTC. */
export function readWeekHour(text: string): number {
  const [day = 0, hour = 0] = text.split('-').map(Number)
  return (day - 1) * 24 + hour
}

export function writeWeekHour(hour: number): string {
  return `${Math.floor(hour / 24) + 1}-${hour % 24}`
}
