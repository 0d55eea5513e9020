/** What DuckDB's errors mean. It has no codes for them, only words. */
import { tmpdir } from 'node:os'
import { MusicFakerError } from '../errors.ts'
import { FIELDS } from '../event.ts'
import { temporaryFailure, temporaryFull } from '../temporary.ts'
import { isRefusedLine } from './readable.ts'

/** For what fails before a query: throws what is wrong with the temporary folder as such, anything else as it is. */
export function fail(error: unknown): never {
  throw isNoRoom(error) ? temporaryFull(error) : temporaryFailure(error)
}

/**
 * For what fails while a query is answered.
 * @throws LAKE_FULL for the temporary folder; LAKE_NOT_FOUND for a file that is gone; USAGE for all else, in DuckDB's words
 */
export function refuse(cause: unknown): never {
  if (isNoRoom(cause)) throw temporaryFull(cause)
  // Others than those of the lake are the query's own.
  const gone = /(?:No files found that match the pattern|Cannot open file) "(.*\/batch_[^"]*)"/.exec(
    (cause as Error).message,
  )
  if (gone) {
    throw new MusicFakerError('LAKE_NOT_FOUND', `${gone[1]} is gone: joined with others since, or lost`, {
      cause,
      next: 'Run the query again. If it says the same, run: music-faker verify, then: music-faker repair',
    })
  }
  if (isRefusedLine(cause)) {
    throw new MusicFakerError(
      'USAGE',
      'DuckDB refuses an event of the lake, and rows were given before it came to that',
      {
        cause,
        next: 'Let the query end in ORDER BY ALL: it then reads all events before the first row, and such ones in another way.',
      },
    )
  }
  const { message } = cause as Error
  // All that its binding says of a text without a statement.
  const what = message === 'Error in native callback' ? 'there is no statement in it' : message
  throw new MusicFakerError('USAGE', `DuckDB refuses the query: ${what}`, {
    cause,
    next: `The table is "events", with the columns ${FIELDS.join(', ')}.`,
  })
}

/** Whether the temporary folder has no room for the database, or for what does not fit into memory. */
function isNoRoom(error: unknown): boolean {
  const { message } = error as Error
  if (message.includes("'max_temp_directory_size'")) return true
  return message.includes('No space left on device') && message.includes(tmpdir())
}
