import { type ErrorCode, MusicFakerError } from '../errors.ts'

const FREE = 'Free some space, then run the same command again.'
const PERMIT = 'Give this user the right to write there (chown, chmod), or name another folder with --data-dir.'

/** The codes that a person can act on; every other one is LAKE_FAILED. */
const KNOWN: Record<string, { code: ErrorCode; why: string; next?: string }> = {
  EEXIST: { code: 'LAKE_EXISTS', why: 'the name is taken' },
  ENOSPC: { code: 'LAKE_FULL', why: 'the disk is full', next: FREE },
  EDQUOT: { code: 'LAKE_FULL', why: 'the disk quota is used up', next: FREE },
  EACCES: { code: 'LAKE_DENIED', why: 'permission denied', next: PERMIT },
  EPERM: {
    code: 'LAKE_DENIED',
    why: 'the file system does not permit it',
    next: 'Put the lake on a file system with hard links (ext4, XFS, Btrfs, APFS), in a folder that this user owns.',
  },
  ENOTSUP: {
    code: 'LAKE_DENIED',
    why: 'the file system cannot do it',
    next: 'Put the lake on a file system with hard links (ext4, XFS, Btrfs, APFS).',
  },
  EXDEV: {
    code: 'LAKE_DENIED',
    why: 'the lake spans two file systems',
    next: 'Keep the whole lake on one file system.',
  },
  EROFS: {
    code: 'LAKE_DENIED',
    why: 'the file system is read-only',
    next: 'Name another folder with --data-dir.',
  },
  ENAMETOOLONG: { code: 'LAKE_DENIED', why: 'the name is too long', next: 'Use a shorter name.' },
}

/** True for an error of the operating system with one of `codes`. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}

/** What the operating system's error means in the closed table. A MusicFakerError stays what it is. */
export function failure(error: unknown, doing: string, path: string): MusicFakerError {
  if (error instanceof MusicFakerError) return error
  const errno = error as NodeJS.ErrnoException
  const known = KNOWN[errno.code ?? '']
  return new MusicFakerError(known?.code ?? 'LAKE_FAILED', `cannot ${doing} ${path}: ${known?.why ?? errno.message}`, {
    cause: error,
    ...(known?.next === undefined ? {} : { next: known.next }),
  })
}

/** `failure` as a handler of rejections. */
export function failing(doing: string, path: string): (error: unknown) => never {
  return (error) => {
    throw failure(error, doing, path)
  }
}
