/** How a failure is told: what failed, its code, what to do next; a stack only with --verbose. */
import { MusicFakerError } from '../errors.ts'
import type { Output } from './output.ts'
import { withProgramName } from './program-name.ts'

/** What stands on stderr with --json. */
export interface ErrorReport {
  error: { code: string; message: string; next?: string }
}

/** Tells `error` on stderr and returns the exit code that goes with it. */
export function reportError(error: unknown, out: Output, verbose: boolean): number {
  const failure = asFailure(error)
  const next = failure.next === undefined ? undefined : withProgramName(failure.next)
  if (out.json) {
    const report: ErrorReport = {
      error: { code: failure.code, message: failure.message, ...(next !== undefined && { next }) },
    }
    out.complain(JSON.stringify(report))
  } else {
    out.complain(`${out.paintTalk('red', 'error:')} ${failure.message} (${failure.code})`)
    if (next !== undefined) out.complain(`  next: ${next}`)
  }
  if (verbose && error instanceof Error) out.complain(stackOf(error))
  return failure.exitCode
}

function asFailure(error: unknown): MusicFakerError {
  if (error instanceof MusicFakerError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new MusicFakerError('INTERNAL', `unexpected failure: ${message}`, {
    next: 'This is a bug: run it again with --verbose and report what it prints.',
    cause: error,
  })
}

function stackOf(error: Error): string {
  const stack = error.stack ?? String(error)
  return error.cause instanceof Error ? `${stack}\ncaused by: ${stackOf(error.cause)}` : stack
}
