import { hasCode, MusicFakerError } from '../errors.ts'

/**
 * What to tell of a failure of a command that owns a commit log while it runs, and may be run again.
 * @param by who has begun meanwhile, for COMMIT_FENCED; any other failure is given back as it is
 */
export function takenOver(error: unknown, by: string): unknown {
  if (!hasCode(error, 'COMMIT_FENCED')) return error
  return new MusicFakerError('COMMIT_FENCED', `${by} has begun meanwhile`, {
    cause: error,
    next: 'Run it again once that has ended: it goes on where this one stopped.',
  })
}
