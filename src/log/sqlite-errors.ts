/** SQLite's and the file system's failures as errors of the log port. */
import { MusicFakerError } from '../errors.ts'

/** Primary result codes, https://sqlite.org/rescode.html */
const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOTADB: 26,
} as const

/** True when another connection holds a lock that the call needed: the same call may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE.BUSY || code === SQLITE.LOCKED || code === SQLITE.PROTOCOL
}

/** The error that the port promises for a failure on `file`. Failures of neither SQLite nor the file system pass as they are. */
export function toLogError(error: unknown, file: string): unknown {
  if (error instanceof MusicFakerError) return error
  const reason = error instanceof Error ? error.message : String(error)
  switch (sqliteCode(error)) {
    case undefined:
      if (!isSystemError(error)) return error
      return new MusicFakerError('CONFIG_INVALID', `cannot use ${file} as the log: ${reason}`, {
        cause: error,
        next: 'Choose a folder that you may write to: --data-dir DIR.',
      })
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
    case SQLITE.PROTOCOL:
      return new MusicFakerError('LOG_UNREACHABLE', `the log ${file} is locked by another process`, {
        cause: error,
        next: 'Close the program that holds it open, such as a SQLite shell in a transaction.',
      })
    case SQLITE.PERM:
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return new MusicFakerError('CONFIG_INVALID', `cannot open the log ${file} for writing: ${reason}`, {
        cause: error,
        next: 'Check the permissions of the file and its folder, or choose another folder: --data-dir DIR.',
      })
    case SQLITE.NOTADB:
      return new MusicFakerError('LOG_FORMAT', `${file} is not a music-faker log: it is not a SQLite database`, {
        cause: error,
        next: 'Move the file away, or use another folder: --data-dir DIR.',
      })
    case SQLITE.CORRUPT:
      return damaged(file, reason, error)
    case SQLITE.FULL:
      return new MusicFakerError('LOG_UNREACHABLE', `cannot write to the log ${file}: the disk is full`, {
        cause: error,
        next: 'Free some space on its disk.',
      })
    case SQLITE.IOERR:
      return new MusicFakerError('LOG_UNREACHABLE', `reading or writing the log ${file} failed: ${reason}`, {
        cause: error,
        next: 'Check the disk that holds it.',
      })
    default:
      return new MusicFakerError('LOG_REFUSED', `the log ${file} refused the request: ${reason}`, { cause: error })
  }
}

/** The file is a log, but what is in it cannot be. */
export function damaged(file: string, what: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('LOG_FORMAT', `the log ${file} is damaged: ${what}`, {
    cause,
    next: 'Move it away to begin a new one; the lake keeps what was archived. An older copy would give out offsets again.',
  })
}

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}
