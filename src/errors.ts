/**
 * The closed table of errors: every failure that a user can meet is one of these codes.
 *
 * `exit` is the process's exit code (UX contract: 1 failure, 2 usage, 65 verification, 69 service unreachable,
 * 78 configuration), `http` the status of the REST API's problem document, `retry` whether the same call may
 * succeed later without anyone changing anything.
 */
export const ERRORS = {
  USAGE: { exit: 2, http: 400, retry: false },
  CONFIG_INVALID: { exit: 78, http: 500, retry: false },
  CONFIG_UNREADABLE: { exit: 78, http: 500, retry: false },
  LOG_UNREACHABLE: { exit: 69, http: 503, retry: true },
  LOG_REFUSED: { exit: 1, http: 502, retry: false },
  LOG_AUTH: { exit: 78, http: 502, retry: false },
  LOG_FORMAT: { exit: 78, http: 500, retry: false },
  LOG_TOPIC_MISSING: { exit: 78, http: 503, retry: false },
  LOG_TOPIC_RECREATED: { exit: 1, http: 503, retry: false },
  LOG_OFFSET_GONE: { exit: 1, http: 503, retry: false },
  LAKE_UNREACHABLE: { exit: 69, http: 503, retry: true },
  LAKE_DENIED: { exit: 78, http: 502, retry: false },
  LAKE_FULL: { exit: 1, http: 503, retry: true },
  LAKE_EXISTS: { exit: 1, http: 409, retry: false },
  LAKE_NOT_FOUND: { exit: 1, http: 404, retry: false },
  LAKE_FAILED: { exit: 1, http: 502, retry: true },
  COMMIT_FENCED: { exit: 1, http: 409, retry: false },
  COMMIT_CORRUPT: { exit: 65, http: 500, retry: false },
  COMMIT_UNKNOWN_FORMAT: { exit: 78, http: 500, retry: false },
  VERIFY_FAILED: { exit: 65, http: 500, retry: false },
  PORT_TAKEN: { exit: 1, http: 500, retry: false },
  CLUSTER_MISSING: { exit: 69, http: 503, retry: false },
  CLUSTER_FAILED: { exit: 69, http: 503, retry: false },
  ENGINE_MISSING: { exit: 69, http: 503, retry: false },
  CHECK_FAILED: { exit: 1, http: 500, retry: false },
  NOT_FOUND: { exit: 1, http: 404, retry: false },
  BUSY: { exit: 1, http: 503, retry: true },
  INTERNAL: { exit: 1, http: 500, retry: false },
} as const satisfies Record<string, { exit: number; http: number; retry: boolean }>

export type ErrorCode = keyof typeof ERRORS

/**
 * An expected failure. `message` says what failed and on what; `next` says what the user can do about it.
 * The original error, where there is one, stays reachable as `cause`.
 */
export class MusicFakerError extends Error {
  override readonly name = 'MusicFakerError'
  readonly code: ErrorCode
  readonly next: string | undefined

  constructor(code: ErrorCode, message: string, options: { next?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.next = options.next
  }

  get exitCode(): number {
    return ERRORS[this.code].exit
  }

  get httpStatus(): number {
    return ERRORS[this.code].http
  }

  get retryable(): boolean {
    return ERRORS[this.code].retry
  }
}

/** True when `error` is a MusicFakerError carrying one of `codes`. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is MusicFakerError {
  return error instanceof MusicFakerError && codes.includes(error.code)
}

/** True when the same call may succeed later. Unknown errors are not retried: a bug must not loop. */
export function isRetryable(error: unknown): boolean {
  return error instanceof MusicFakerError && error.retryable
}
