/** What a benchmark gives: its figure beside a ceiling measured in the same run. */
export interface BenchResult {
  name: string
  figure: number
  unit: string
  /** What the same machine does, in the same run, with less to do. */
  ceiling: { name: string; figure: number }
  /** CPU seconds per million events. */
  cpuSeconds: number
  /** Peak resident memory of the process that did the work, in MiB. */
  peakMiB: number
}

/** Events per second, whole. */
export function perSecond(events: number, milliseconds: number): number {
  return Math.round((events * 1000) / milliseconds)
}

/** CPU seconds per million events, since `since`. */
export function cpuPerMillion(since: NodeJS.CpuUsage, events: number): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / events
}

export function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024
}
