import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventLog } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { SqliteFile } from '../../src/log/sqlite-file.ts'
import { Member } from '../contract/log-member.ts'
import { drain, eventually, message, readerOf } from '../contract/log-reading.ts'

const PATIENCE_MS = 10_000
const READ = { maxBytes: 1_000_000, maxWaitMs: 1 }

let folder: string
let file: string
const opened: EventLog[] = []

async function open(path = file, topic = 't'): Promise<EventLog> {
  const log = await openSqliteLog({ file: path, topic, partitions: 1, leaseMs: 1_000 })
  opened.push(log)
  return log
}
async function openTopic(): Promise<EventLog> {
  const log = await open()
  await log.ensureTopic()
  return log
}
/** Changes the file behind the log's back. */
function tamper(sql: string): void {
  const db = new DatabaseSync(file, { timeout: 5_000 })
  db.exec(sql)
  db.close()
}
async function removeFile(): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true })
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-file-'))
  file = join(folder, 'log.db')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()))
  await rm(folder, { recursive: true })
})

describe('what is not a log of this format is refused', () => {
  it.each([
    ['a short text file', 'hello'],
    ['a long text file', 'not a database '.repeat(1_000)],
  ])('%s', async (_, content) => {
    await writeFile(file, content)
    await expect(open()).rejects.toMatchObject({
      code: 'LOG_FORMAT',
      message: expect.stringContaining(file),
      next: expect.any(String),
    })
  })

  it('the database of another program, which stays as it was', async () => {
    tamper('CREATE TABLE recipes (name TEXT)')
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORMAT' })
    const db = new DatabaseSync(file)
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' })
    expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'recipes' }])
    db.close()
  })

  it('another format version', async () => {
    await (await openTopic()).close()
    tamper('PRAGMA user_version = 2')
    await expect(open()).rejects.toMatchObject({
      code: 'LOG_FORMAT',
      message: expect.stringContaining('format 2'),
      next: expect.stringContaining('--data-dir'),
    })
  })

  it('a row that cannot be a run', async () => {
    const log = await openTopic()
    await log.append([message('k', 'v')])
    tamper("UPDATE runs SET packed = x'00'")
    await expect((await readerOf(log, 0, 0)).read(READ)).rejects.toMatchObject({ code: 'LOG_FORMAT' })
  })
})

describe('a place that cannot be used is CONFIG_INVALID and says which', () => {
  it('below a file', async () => {
    await writeFile(join(folder, 'plain'), '')
    const path = join(folder, 'plain', 'log.db')
    await expect(open(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) })
  })

  it('a folder', async () => {
    await expect(open(folder)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(folder),
      next: expect.stringContaining('--data-dir'),
    })
  })
})

it('missing folders are made, and an empty file is a new log', async () => {
  const path = join(folder, 'a', 'b', 'log.db')
  await (await open(path)).ensureTopic()
  await writeFile(file, '')
  await (await open()).ensureTopic()
})

it('opened by many at once, the file is made once', async () => {
  const logs = await Promise.all(Array.from({ length: 8 }, () => openTopic()))
  const ids = await Promise.all(logs.map(async (log) => (await log.describe()).topicId))
  expect(new Set(ids).size).toBe(1)
})

it('several topics live in one file', async () => {
  const [one, two] = [await open(file, 'one'), await open(file, 'two')]
  await Promise.all([one.ensureTopic(), two.ensureTopic()])
  await Promise.all([one.append([message('k', 'of one')]), two.append([message('k', 'of two')])])
  expect((await drain(one, 0, 0, 1)).values.map(String)).toEqual(['of one'])
  expect((await drain(two, 0, 0, 1)).values.map(String)).toEqual(['of two'])
  await expect((await open(file, 'onee')).describe()).rejects.toMatchObject({
    code: 'LOG_TOPIC_MISSING',
    message: expect.stringContaining('"one", "two"'),
  })
})

it('a partition that is not there is refused', async () => {
  const log = await openTopic()
  await expect((await readerOf(log, 7, 0)).read(READ)).rejects.toMatchObject({ code: 'LOG_REFUSED' })
})

it('an append larger than a transaction arrives whole and in order', async () => {
  const log = await openTopic()
  const values = Array.from({ length: 30 }, (_, i) => Buffer.alloc(700_000, i))
  await log.append(values.map((value) => ({ key: 'k', value })))
  const read = await drain(log, 0, 0, 30)
  expect(read.values.map((value) => [value.length, value[0]])).toEqual(values.map((value, i) => [value.length, i]))
})

it('offsets that are gone, or not there yet, are LOG_OFFSET_GONE', async () => {
  const log = await openTopic()
  for (let lot = 0; lot < 2; lot += 1)
    await log.append(Array.from({ length: 10 }, (_, i) => message('k', `${lot}${i}`)))
  tamper('UPDATE partitions SET first_offset = 10; DELETE FROM runs WHERE base = 0')
  expect((await log.describe()).partitions.get(0)).toEqual({ start: 10, end: 20 })
  await expect((await readerOf(log, 0, 9)).read(READ)).rejects.toMatchObject({ code: 'LOG_OFFSET_GONE' })
  await expect((await readerOf(log, 0, 21)).read(READ)).rejects.toMatchObject({ code: 'LOG_OFFSET_GONE' })
  expect((await drain(log, 0, 10, 20)).offsets).toHaveLength(10)
})

describe('a topic that is made anew', () => {
  const recreate = "DELETE FROM topics; DELETE FROM partitions; INSERT INTO topics VALUES (99, 't', 'another', 1);"
  const partition = 'INSERT INTO partitions VALUES (99, 0, 0, 0)'

  it('ends readers of the old one, and is described as it is', async () => {
    const log = await openTopic()
    const [unread, read] = [await readerOf(log, 0, 0), await readerOf(log, 0, 0)]
    await read.read(READ)
    tamper(recreate + partition)
    await expect(read.read(READ)).rejects.toMatchObject({ code: 'LOG_TOPIC_RECREATED' })
    await expect(unread.read(READ)).rejects.toMatchObject({ code: 'LOG_TOPIC_RECREATED' })
    expect((await log.describe()).topicId).toBe('another')
    expect((await (await readerOf(log, 0, 0)).read(READ)).count).toBe(0)
  })

  it('revokes what members held and assigns the new one', async () => {
    const log = await openTopic()
    const member = new Member(log, 'g')
    await eventually(() => expect(member.held.size).toBe(1), PATIENCE_MS)
    const old = member.held.get(0)!
    tamper(recreate + partition)
    await eventually(() => expect(member.held.get(0)?.topicId).toBe('another'), PATIENCE_MS)
    expect(old.revoked.aborted).toBe(true)
    await expect(old.commit(5)).rejects.toMatchObject({ code: 'LOG_TOPIC_RECREATED' })
    await member.leave()
  })

  it('in a file that replaced the one in use: nothing is acknowledged into the old file', async () => {
    const log = await openTopic()
    await log.append([message('k', 'old')])
    const reader = await readerOf(log, 0, 0)
    await reader.read(READ)
    await removeFile()
    await (await openTopic()).append([message('k', 'new')])
    await log.append([message('k', 'newer')])
    expect((await drain(log, 0, 0, 2)).values.map(String)).toEqual(['new', 'newer'])
    await expect(reader.read(READ)).rejects.toMatchObject({ code: 'LOG_TOPIC_RECREATED' })
  })

  it('a file that is removed in use fails what comes after', async () => {
    const log = await openTopic()
    await removeFile()
    await expect(log.append([message('k', 'v')])).rejects.toMatchObject({
      code: 'LOG_TOPIC_MISSING',
      message: expect.stringContaining('removed'),
    })
  })
})

it('a log that another process makes meanwhile is opened, at whichever step it comes', async () => {
  await openTopic()
  const model = new DatabaseSync(file)
  const schema = model.prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND sql IS NOT NULL").all()
  const marks = ['application_id', 'user_version'].map((name) => model.prepare(`PRAGMA ${name}`).get()!)
  model.close()
  const script = [
    ...schema.map(({ sql }) => `${sql};`),
    ...marks.flatMap(Object.entries).map(([name, value]) => `PRAGMA ${name} = ${value};`),
  ].join('')

  const steps: string[] = []
  for (let came = 1; ; came++) {
    const path = join(folder, `${came}.db`)
    let step = 0
    const look = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, text) {
      if (++step === came) steps.push(text, makeMeanwhile(path, script))
      return prepare.call(this, text)
    })
    const log = await open(path).finally(() => look.mockRestore())
    await log.ensureTopic()
    if (step < came) break
  }
  expect(steps).toContain('made')
})

const { prepare } = DatabaseSync.prototype

/** As another process would; it waits, which cannot be had on this thread, where the file is in use. */
function makeMeanwhile(path: string, script: string): string {
  const other = new DatabaseSync(path, { timeout: 0 })
  try {
    other.exec(`BEGIN IMMEDIATE; ${script} COMMIT`)
    return 'made'
  } catch (error) {
    return String(error)
  } finally {
    other.close()
  }
}

describe('while another process holds the write lock', () => {
  let other: DatabaseSync
  beforeEach(async () => {
    await openTopic()
    other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
  })
  afterEach(() => other.close())

  it('an append waits without holding up the process, and reads go on', async () => {
    const log = opened[0]!
    let appended = false
    const append = log.append([message('k', 'v')]).then(() => {
      appended = true
    })
    let turns = 0
    for (const until = performance.now() + 300; performance.now() < until; turns += 1) await nextTurn()
    expect(turns).toBeGreaterThan(100)
    expect((await log.describe()).partitions.get(0)?.end).toBe(0)
    expect(appended).toBe(false)
    other.exec('ROLLBACK')
    await append
    expect((await log.describe()).partitions.get(0)?.end).toBe(1)
  })

  it('the log can be opened and read, but a write is LOG_UNREACHABLE when patience ends', async () => {
    const sqlite = await SqliteFile.open(file)
    await sqlite.read((sql) => sql('SELECT 1').get())
    await expect(sqlite.write(() => undefined, 30)).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
    sqlite.close()
  })
})
