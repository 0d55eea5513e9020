/**
 * DuckDB, for those who have it: 70 MB that nothing else needs, so it is loaded, and missed, only here.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { MusicFakerError } from '../errors.ts'

/** The version that is tested, as in package.json. */
const PACKAGE = '@duckdb/node-api@1.5.6-r.1'
const MEMORY = '1GB'

/**
 * A connection to a database in `folder`, which also takes what does not fit into 1 GB of memory.
 * @throws ENGINE_MISSING
 */
export async function openDuckDB(folder: string): Promise<{ connection: DuckDBConnection; close: () => void }> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((cause: unknown) => {
    throw new MusicFakerError('ENGINE_MISSING', `DuckDB cannot be loaded: ${(cause as Error).message.split('\n')[0]}`, {
      cause,
      next: `Install it beside music-faker: npm install -g ${PACKAGE}`,
    })
  })
  const options = { memory_limit: MEMORY, temp_directory: `${folder}/spill` }
  const instance = await DuckDBInstance.create(`${folder}/events.duckdb`, options)
  const connection = await instance.connect()
  return {
    connection,
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}
