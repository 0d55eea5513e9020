/** The temporary folder of this machine: TMPDIR, or /tmp. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MusicFakerError } from './errors.ts'
import { isErrno } from './lake/local-errors.ts'

/**
 * Makes a folder of one's own there, whose name tells the purpose. Who made it removes it.
 * @throws as `temporaryFailure` has it
 */
export async function temporaryFolder(purpose: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `music-faker-${purpose}-`)).catch((error) => {
    throw temporaryFailure(error)
  })
}

/** What a failure of the file system there means: LAKE_FULL, or CONFIG_INVALID where it cannot be used. Others stay what they are. */
export function temporaryFailure(error: unknown): unknown {
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return temporaryFull(error)
  if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS')) return error
  return new MusicFakerError('CONFIG_INVALID', `cannot use the temporary folder: ${error.message}`, {
    cause: error,
    next: 'Name another folder in the environment: TMPDIR=/PATH.',
  })
}

/** Its disk is full. */
export function temporaryFull(cause: unknown): MusicFakerError {
  return new MusicFakerError('LAKE_FULL', `the temporary folder ${tmpdir()} is full`, {
    cause,
    next: 'Free some space there, or name a folder on another disk in the environment: TMPDIR=/PATH.',
  })
}
