/**
 * SQL over the committed events of a lake, as `events`: the ten fields, `timestamp` as a TIMESTAMP in UTC, `duration` as an
 * INTEGER. Which files hold them is asked of the commit log, not of the folders.
 *
 * A lake in a folder is read where it is. From any other, and where DuckDB refuses a line that is an event, the events are
 * first loaded into a database in a temporary folder, some tens of megabytes of lines at a time.
 */
import { rmSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import { committedFiles, type LakeFile } from '../archive/files.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import { FIELDS } from '../event.ts'
import { wholeLines } from '../export/lines.ts'
import type { LakeStorage } from '../lake/storage.ts'
import { temporaryFolder } from '../temporary.ts'
import { openDuckDB } from './duckdb.ts'
import { fail, refuse } from './failures.ts'
import { isRefusedLine, readable } from './readable.ts'

/** Lines that lie in the temporary folder at once, while they are loaded. */
const LOT_BYTES = 67_108_864
/** Lines that are loaded for one query, at most: the database takes a fraction of that on disk. */
const MOST_BYTES = 53_687_091_200
/** How often it begins anew when files are joined before it has a row. */
const ATTEMPTS = 5
const TYPES: Partial<Record<string, string>> = { timestamp: 'TIMESTAMP', duration: 'INTEGER' }
const COLUMNS = FIELDS.map((name) => [name, TYPES[name] ?? 'VARCHAR'] as const)
const WHOLE = new Set(['BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT'])

export interface QueryOptions {
  sql: string
  lake: LakeStorage
  root: string
  /** The folder of this machine that the lake is in: its path `/a` is `<folder>/a`. */
  folder?: string | undefined
  /** Days, YYYY-MM-DD, both inclusive: others are not looked at. */
  from?: string | undefined
  until?: string | undefined
  /** Told the bytes of lines that are loaded, where that is needed. */
  onProgress?: (bytes: number) => void
}

/** A cell is null, a text, a number, a boolean, or JSON of a nested value; whole numbers beyond 2^53 are texts. */
export interface QueryResult {
  /** Each name once: the second column `a` is `a:1`. */
  columns: string[]
  /** Row by row, as the engine finds them. */
  rows: AsyncIterable<unknown[]>
}

/**
 * Runs a query and hands its result to `use`, once, whose outcome it gives.
 * @throws ENGINE_MISSING; USAGE for what DuckDB refuses, in its words; LAKE_NOT_FOUND when a file is joined with others after
 *   the first rows are there; LAKE_FULL, CONFIG_INVALID for the temporary folder; what `committedFiles` and the lake throw
 */
export async function query<T>(options: QueryOptions, use: (result: QueryResult) => Promise<T>): Promise<T> {
  let { folder } = options
  for (let attempt = 1; ; attempt++) {
    let begun = false
    try {
      return await queryOnce({ ...options, folder }, (result) => {
        begun = true
        return use(result)
      })
    } catch (error) {
      if (begun || attempt === ATTEMPTS) throw error
      // Loading gives it a line that it reads.
      if (folder !== undefined && error instanceof MusicFakerError && isRefusedLine(error.cause)) folder = undefined
      // Joined with others since it was listed: its events are in another file now.
      else if (!hasCode(error, 'LAKE_NOT_FOUND')) throw error
    }
  }
}

async function queryOnce<T>(options: QueryOptions, use: (result: QueryResult) => Promise<T>): Promise<T> {
  const folder = await temporaryFolder('sql')
  const clear = () => rmSync(folder, { recursive: true, force: true })
  let interrupt = () => {}
  // A signal ends the process without coming back here. The process waits for the threads that the query runs on.
  const leave = () => {
    interrupt()
    clear()
  }
  process.once('exit', leave)
  try {
    const { connection, close } = await openDuckDB(folder).catch(fail)
    interrupt = () => connection.interrupt()
    try {
      await defineEvents(connection, folder, options)
      return await use(await answer(connection, options.sql))
    } finally {
      interrupt = () => {}
      close()
    }
  } finally {
    process.off('exit', leave)
    clear()
  }
}

async function defineEvents(connection: DuckDBConnection, scratch: string, options: QueryOptions): Promise<void> {
  const { folder } = options
  const files = await filesOf(options)
  if (folder !== undefined && files.length > 0) {
    const view = selectFrom(files.map(({ path }) => join(folder, path)))
    await connection.run(`CREATE VIEW events AS ${view}`).catch(refuse)
    return
  }
  await connection.run(`CREATE TABLE events (${COLUMNS.map(([name, type]) => `"${name}" ${type}`).join(', ')})`)
  await load(connection, scratch, files, options).catch(fail)
}

async function filesOf({ lake, root, from = '', until, folder }: QueryOptions): Promise<LakeFile[]> {
  const files: LakeFile[] = []
  let bytes = 0
  for await (const file of committedFiles(lake, root)) {
    if (file.day === null || file.day < from || (until !== undefined && file.day > until)) continue
    files.push(file)
    bytes += file.bytes
  }
  if (folder === undefined && bytes > MOST_BYTES) {
    throw new MusicFakerError('USAGE', `${Math.round(bytes / 1e9)} GB of lines are too much to load for a query`, {
      next: 'Narrow it with --from and --to, or query an export: music-faker export --format parquet DEST',
    })
  }
  return files
}

/** Loads the files in lots, so that no more than one lies on disk as text. */
async function load(
  connection: DuckDBConnection,
  scratch: string,
  files: readonly LakeFile[],
  { lake, onProgress }: QueryOptions,
): Promise<void> {
  const path = join(scratch, 'lot.jsonl')
  const lot = await open(path, 'a')
  try {
    let [total, waiting] = [0, 0]
    const insert = () => connection.run(`INSERT INTO events ${selectFrom([path])}`)
    const insertReadable = async (error: unknown) => {
      if (!isRefusedLine(error)) throw error
      const lines = readable(await readFile(path))
      await lot.truncate()
      await lot.writeFile(lines)
      await insert()
    }
    const take = async () => {
      if (waiting > 0) await insert().catch(insertReadable)
      await lot.truncate()
      waiting = 0
    }
    for (const file of files) {
      for await (const block of wholeLines(lake, file)) {
        await lot.writeFile(block)
        waiting += block.length
        total += block.length
        onProgress?.(total)
        if (waiting >= LOT_BYTES) await take()
      }
    }
    await take()
  } finally {
    await lot.close()
    await rm(path)
  }
}

function selectFrom(paths: readonly string[]): string {
  const columns = COLUMNS.map(([name, type]) => `${name}: '${type}'`).join(', ')
  // Of itself it would take columns, and values over the events' own, from every folder that is named like year=2025.
  const options = `format = 'newline_delimited', hive_partitioning = false, columns = {${columns}}`
  return `SELECT * FROM read_json([${paths.map(literal).join(', ')}], ${options})`
}

/** A path as text of SQL that means this file alone: of itself, a star in it would find others. */
function literal(path: string): string {
  return `'${path.replaceAll(/[*?[]/g, '[$&]').replaceAll("'", "''")}'`
}

/** With its first rows ready, so that what is wrong with the query, or with the files, is told before them. */
async function answer(connection: DuckDBConnection, sql: string): Promise<QueryResult> {
  const result = await connection.stream(sql).catch(refuse)
  const whole = result.columnTypes().map((type) => WHOLE.has(type.toString()))
  const chunks = chunksOf(result, connection, sql)
  const first = await chunks.next()
  const rows = async function* () {
    for (let { done, value } = first; !done; { done, value } = await chunks.next()) {
      for (const row of value ?? []) yield row.map((cell: unknown, i: number) => (whole[i] ? numberOf(cell) : cell))
    }
  }
  return { columns: uniqueNames(result.columnNames()), rows: rows() }
}

/** A stream that fails looks like one that ends. Only its type tells, and only running the query again says why. */
async function* chunksOf(result: DuckDBResult, connection: DuckDBConnection, sql: string): AsyncGenerator<unknown[][]> {
  const type = result.returnType
  yield* result.yieldRowsJson()
  if (result.returnType === type) return
  await connection.run(`EXPLAIN ANALYZE ${sql}`).catch(refuse)
  throw new MusicFakerError('USAGE', 'DuckDB ended the query with an error after it had given rows', {
    next: 'Let the query end in ORDER BY ALL: what is wrong is then told before the first row.',
  })
}

/** A row as an object would hold one of two columns that have the same name. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let n = 1; taken.has(unique) || (n > 1 && names.includes(unique)); n++) unique = `${name}:${n}`
    taken.add(unique)
    return unique
  })
}

function numberOf(value: unknown): unknown {
  const number = Number(value)
  return value !== null && Number.isSafeInteger(number) ? number : value
}
