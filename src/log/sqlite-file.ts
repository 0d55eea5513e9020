/**
 * The file of the embedded log: a SQLite database in WAL mode that several processes of one machine share.
 *
 * Format 1. `application_id` 0x4d464c47 ("MFLG") and `user_version` 1; another number there is refused, never guessed at.
 *
 *   topics      key, name, id, partitions one life of a topic: `id` is a random UUID, `key` is never used twice
 *   partitions  topic, number,            numbered from 0; offsets [first, next) are readable
 *               first_offset, next_offset
 *   runs        topic, partition, base,   messages [base, base + count) of a partition, packed as `sqlite-run.ts` says;
 *               count, packed             runs tile [first_offset, next_offset)
 *   members     topic, grp, member,       who is in a consumer group, until when unless renewed (epoch milliseconds)
 *               expires
 *   owners      topic, grp, partition,    which member holds which partition
 *               member
 *   committed   topic, grp, partition,    how far a group says it is
 *               next_offset
 *
 * Keys of messages are not kept: a key only chooses the partition, and the event carries it.
 *
 * Durability: `synchronous = FULL`, so SQLite has the operating system force the WAL to disk before COMMIT returns and
 * before any reader sees the messages. A killed process loses nothing that was acknowledged, nor does a power cut, as
 * far as the disk keeps its word. With NORMAL a power cut could take back the last appends although they were archived;
 * their offsets would be given out again and the archiver would pass over the new messages as already archived.
 *
 * Never open this file by any other means while it is in use here: closing any descriptor of it drops the process's
 * POSIX locks, and with them SQLite's protection from other processes.
 */
import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'
import { isBusy, toLogError } from './sqlite-errors.ts'
import { ChangeWatch } from './sqlite-watch.ts'

const APPLICATION_ID = 0x4d46_4c47
const FORMAT = 1
const SCHEMA = `
  CREATE TABLE topics (key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, id TEXT NOT NULL,
    partitions INTEGER NOT NULL) STRICT;
  CREATE TABLE partitions (topic INTEGER NOT NULL, number INTEGER NOT NULL, first_offset INTEGER NOT NULL,
    next_offset INTEGER NOT NULL, PRIMARY KEY (topic, number)) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (topic INTEGER NOT NULL, partition INTEGER NOT NULL, base INTEGER NOT NULL, count INTEGER NOT NULL,
    packed BLOB NOT NULL, PRIMARY KEY (topic, partition, base)) STRICT;
  CREATE TABLE members (topic INTEGER NOT NULL, grp TEXT NOT NULL, member TEXT NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (topic, grp, member)) STRICT, WITHOUT ROWID;
  CREATE TABLE owners (topic INTEGER NOT NULL, grp TEXT NOT NULL, partition INTEGER NOT NULL, member TEXT NOT NULL,
    PRIMARY KEY (topic, grp, partition)) STRICT, WITHOUT ROWID;
  CREATE TABLE committed (topic INTEGER NOT NULL, grp TEXT NOT NULL, partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL, PRIMARY KEY (topic, grp, partition)) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};`

/** The WAL grows beyond this only while many write and read at once, and is cut back after. */
const WAL_BYTES = 16_777_216

/** How long SQLite may block the thread for another process's lock; beyond that the wait is asynchronous. */
const BUSY_BLOCK_MS = 5
const BUSY_BACKOFF_MS = { first: 2, most: 50 }
/** How long a lock may be held against us before the call fails: a transaction of ours takes tens of milliseconds. */
const BUSY_PATIENCE_MS = 30_000

/** Gives the prepared statement of a text; prepared once. */
export type Prepare = (text: string) => StatementSync

export class SqliteFile {
  readonly path: string
  readonly changes: ChangeWatch
  readonly #statements = new Map<string, StatementSync>()
  #db: DatabaseSync
  #identity: string
  #closed = false

  /**
   * Opens the file, making it and its folder where they are missing.
   * @throws LOG_FORMAT when the file is not a log of this format, CONFIG_INVALID when it cannot be opened or written
   */
  static async open(path: string): Promise<SqliteFile> {
    try {
      mkdirSync(dirname(path), { recursive: true })
    } catch (cause) {
      throw toLogError(cause, path)
    }
    const db = await patiently(path, BUSY_PATIENCE_MS, () => connect(path))
    return new SqliteFile(path, db)
  }

  private constructor(path: string, db: DatabaseSync) {
    this.path = path
    this.#db = db
    this.#identity = identityOf(path) ?? ''
    this.changes = new ChangeWatch(realpathSync(path), () => this.#dataVersion())
  }

  /** Runs `body` on one snapshot of the file. `body` must not wait, and may run again when the file was busy. */
  read<T>(body: (sql: Prepare) => T): Promise<T> {
    return patiently(this.path, BUSY_PATIENCE_MS, () => this.#transact('DEFERRED', body))
  }

  /**
   * Runs `body` as one transaction, alone among all processes, and wakes whoever waits for changes. Durable when it
   * resolves, undone when `body` throws. `body` must not wait, and may run again when the file was busy.
   * @param patienceMs how long to try against other processes' locks
   */
  async write<T>(body: (sql: Prepare) => T, patienceMs = BUSY_PATIENCE_MS): Promise<T> {
    const result = await patiently(this.path, patienceMs, () => this.#transact('IMMEDIATE', body))
    this.changes.announce()
    return result
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.changes.close()
    this.#statements.clear()
    this.#db.close()
  }

  #transact<T>(mode: 'DEFERRED' | 'IMMEDIATE', body: (sql: Prepare) => T): T {
    if (this.#closed) throw closedError(this.path)
    this.#follow()
    return atOnce(this.#db, mode, () => body((text) => this.#prepare(text)))
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (!statement) {
      statement = this.#db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }

  /** An open database outlives its name: without this, appends to a removed or replaced file would be acknowledged and lost. */
  #follow(): void {
    const identity = identityOf(this.path)
    if (identity === this.#identity) return
    if (identity === undefined) {
      throw new MusicFakerError('LOG_TOPIC_MISSING', `the log ${this.path} was removed while in use`, {
        next: 'Start the command again to begin a new log.',
      })
    }
    const db = connect(this.path)
    this.#statements.clear()
    this.#db.close()
    this.#db = db
    this.#identity = identity
  }

  #dataVersion(): number {
    return (this.#prepare('PRAGMA data_version').get() as { data_version: number }).data_version
  }
}

export function closedError(path: string): MusicFakerError {
  return new MusicFakerError('LOG_REFUSED', `the log ${path} is closed`)
}

/** One attempt to open; throws SQLite's own errors. */
function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_BLOCK_MS })
  try {
    // Refused before anything is changed in it: it may be another program's.
    const found = atOnce(db, 'DEFERRED', () => checkFormat(db, path))
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES}`)
    if (found === 'empty') create(db, path)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function create(db: DatabaseSync, path: string): void {
  atOnce(db, 'IMMEDIATE', () => {
    // Another process may have come first.
    if (checkFormat(db, path) === 'empty') db.exec(SCHEMA)
  })
}

/** Runs `body` in one transaction, undone when it throws. */
function atOnce<T>(db: DatabaseSync, mode: 'DEFERRED' | 'IMMEDIATE', body: () => T): T {
  db.exec(`BEGIN ${mode}`)
  try {
    const result = body()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/**
 * To be called within a transaction: a log that another process makes between two looks would have tables and no mark.
 * @throws LOG_FORMAT
 */
function checkFormat(db: DatabaseSync, path: string): 'empty' | 'log' {
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0] as number
  const application = pragma('application_id')
  const version = pragma('user_version')
  if (application === APPLICATION_ID && version === FORMAT) return 'log'
  if (application === APPLICATION_ID) {
    throw new MusicFakerError('LOG_FORMAT', `the log ${path} has format ${version}; this version knows ${FORMAT}`, {
      next: 'Use the version of music-faker that wrote it, or another folder: --data-dir DIR.',
    })
  }
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (application === 0 && version === 0 && tables === 0) return 'empty'
  throw new MusicFakerError('LOG_FORMAT', `${path} is a SQLite database, but not a music-faker log`, {
    next: 'Move the file away, or use another folder: --data-dir DIR.',
  })
}

/** Repeats `attempt` while the file is busy, without blocking the thread in between. */
async function patiently<T>(path: string, patienceMs: number, attempt: () => T): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (let backoff = BUSY_BACKOFF_MS.first; ; backoff = Math.min(2 * backoff, BUSY_BACKOFF_MS.most)) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw toLogError(error, path)
    }
    // Spread, so that processes that met at a lock do not meet there again.
    await sleep(backoff * (0.5 + Math.random()))
  }
}

/** Tells a file from another of the same name; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat && `${stat.dev}:${stat.ino}`
}
