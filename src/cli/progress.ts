/** What long work says while it runs. */
import { formatCount, formatDuration, formatRate } from './format.ts'

const RATE_WINDOW_MS = 5_000
const TERMINAL_EVERY_MS = 100
const PLAIN_EVERY_MS = 5_000

/** The line for one moment: done, share, rate and time left where they are known. `rate` is per second. */
export function progressLine(state: { done: number; total?: number | undefined; rate: number; unit: string }): string {
  const { done, total, rate, unit } = state
  if (total === undefined) return `${formatCount(done)} ${unit}, ${formatRate(rate)}`
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
  const left = rate > 0 ? `, ${formatDuration((total - done) / rate)} left` : ''
  return `${formatCount(done)} of ${formatCount(total)} ${unit} (${percent} %), ${formatRate(rate)}${left}`
}

/** Where the lines go: `rewrite` replaces the last one on a terminal, `print` adds one elsewhere. */
export interface ProgressSink {
  readonly terminal: boolean
  rewrite(line: string): void
  print(line: string): void
}

/**
 * Shows how far work is, at most ten times a second on a terminal, and in a plain line every 5 s elsewhere. Short work
 * that is not on a terminal therefore says nothing.
 */
export class Progress {
  readonly #sink: ProgressSink
  readonly #total: number | undefined
  readonly #unit: string
  readonly #now: () => number
  readonly #samples: { at: number; done: number }[]
  #shownAt: number

  constructor(
    sink: ProgressSink,
    options: { total?: number | undefined; unit?: string } = {},
    now: () => number = () => performance.now(),
  ) {
    this.#sink = sink
    this.#total = options.total
    this.#unit = options.unit ?? 'events'
    this.#now = now
    this.#samples = [{ at: now(), done: 0 }]
    this.#shownAt = now()
  }

  /** `done` counts from the beginning of the work. */
  update(done: number): void {
    const at = this.#now()
    const { terminal } = this.#sink
    if (at - this.#shownAt < (terminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS)) return
    this.#shownAt = at
    this.#samples.push({ at, done })
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= RATE_WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0] as { at: number; done: number }
    const rate = at > first.at ? ((done - first.done) * 1000) / (at - first.at) : 0
    const line = progressLine({ done, total: this.#total, rate, unit: this.#unit })
    if (terminal) this.#sink.rewrite(line)
    else this.#sink.print(line)
  }

  /** Takes the line off the terminal; what follows is the summary. */
  end(): void {
    if (this.#sink.terminal) this.#sink.rewrite('')
  }
}
