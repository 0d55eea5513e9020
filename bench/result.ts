/** What a benchmark gives: figures, each beside what the same machine does in the same run with less to do. */

export interface Figure {
  /** What was measured, unique among all benchmarks. */
  name: string
  figure: number
  unit: 'events/s' | 'ms' | '% of a core' | 'CPU s per million' | 'MiB'
  /** The bound that the figure is held against, from the same run. */
  ceiling?: { name: string; figure: number }
  /** What the project aims at. `least`: the figure is to be at least this. */
  target?: { figure: number; least: boolean }
  /** Per million events, of the process that did the work. */
  cpuSeconds?: number
  /** Peak resident memory of that process, in MiB. */
  peakMiB?: number
  /** What that memory may be at most. */
  memoryTarget?: number
}

export interface BenchResult {
  figures: Figure[]
  /** What else was found, such as cost per batch and per file, for the model in docs/PERFORMANCE.md. */
  costs?: Record<string, number>
  /** What could not be measured, each with its error. */
  failures?: string[]
}

/**
 * Measures one after the other. One that fails is told of, and does not lose what the others found: what there is so far
 * is written as a line after each, for main.ts to have when this process must be ended in the middle of one.
 */
export async function measureEach(
  parts: Record<string, () => Promise<Figure[]>>,
  costs: Record<string, number> = {},
): Promise<BenchResult> {
  const figures: Figure[] = []
  const failures: string[] = []
  for (const [name, measure] of Object.entries(parts)) {
    try {
      figures.push(...(await measure()))
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`)
    }
    process.stdout.write(`${JSON.stringify({ figures, failures, costs } satisfies BenchResult)}\n`)
  }
  return { figures, failures, costs }
}

export function events(figure: Omit<Figure, 'unit'>): Figure {
  return { ...figure, figure: Math.round(figure.figure), unit: 'events/s' }
}

export function milliseconds(figure: Omit<Figure, 'unit'>): Figure {
  return { ...figure, unit: 'ms' }
}

export const atLeast = (figure: number) => ({ figure, least: true })
export const atMost = (figure: number) => ({ figure, least: false })

/** Events per second. */
export function perSecond(count: number, elapsedMs: number): number {
  return (count * 1000) / elapsedMs
}

/** CPU seconds per million events, since `since`. */
export function cpuPerMillion(since: NodeJS.CpuUsage, count: number): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / count
}

export function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1024
}

/** The value below which a share of the values lie; `sorted` ascending. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Whether a figure keeps to its memory; undefined where it has no such target. */
export function keepsToMemory({ peakMiB, memoryTarget }: Figure): boolean | undefined {
  return peakMiB === undefined || memoryTarget === undefined ? undefined : peakMiB <= memoryTarget
}

/** Whether a figure reaches its target; undefined without one. */
export function isMet({ figure, target }: Figure): boolean | undefined {
  if (!target) return undefined
  return target.least ? figure >= target.figure : figure <= target.figure
}
