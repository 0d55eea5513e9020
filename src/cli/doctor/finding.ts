/** What the doctor finds, one check at a time. */
import { type ErrorCode, MusicFakerError } from '../../errors.ts'

export interface Finding {
  /** What was tried, such as `log write`. */
  check: string
  /** `skipped`: it needs a check before it that failed. */
  verdict: 'ok' | 'warning' | 'failed' | 'skipped'
  detail: string
  /** How to mend it. */
  next?: string
  code?: ErrorCode
}

export interface Step {
  check: string
  /** Returns what is well, or a finding of its own; throws what is not. */
  run(): Promise<string | Omit<Finding, 'check'>>
}

/** Takes steps of which each needs those before it. Throws the signal's reason between two of them once it aborts. */
export async function* inOrder(steps: readonly Step[], signal: AbortSignal): AsyncGenerator<Finding> {
  let broken = false
  for (const step of steps) {
    signal.throwIfAborted()
    const finding: Finding = broken
      ? { check: step.check, verdict: 'skipped', detail: 'needs the one before' }
      : await take(step)
    broken ||= finding.verdict === 'failed'
    yield finding
  }
}

async function take({ check, run }: Step): Promise<Finding> {
  try {
    const result = await run()
    return typeof result === 'string' ? { check, verdict: 'ok', detail: result } : { check, ...result }
  } catch (error) {
    if (!(error instanceof MusicFakerError)) throw error
    const { message, next, code } = error
    return { check, verdict: 'failed', detail: message, code, ...(next !== undefined && { next }) }
  }
}
