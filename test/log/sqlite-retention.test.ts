import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Assignment, EventLog } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { drain, readerOf } from '../contract/log-reading.ts'

const KEEP = 2_000_000
const LOT = 200_000

let folder: string
let file: string
let log: EventLog
const joined: AbortController[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-retention-'))
  file = join(folder, 'log.db')
  log = await openSqliteLog({ file, topic: 't', partitions: 1, keepBytes: KEEP })
  await log.ensureTopic()
})
afterEach(async () => {
  for (const membership of joined.splice(0)) membership.abort()
  await log.close()
  await rm(folder, { recursive: true })
})

/** One message, a lot of bytes. */
function append(): Promise<void> {
  return log.append([{ key: 'k', value: Buffer.alloc(LOT, 'x') }])
}

async function assigned(group: string): Promise<Assignment> {
  const membership = new AbortController()
  joined.push(membership)
  for await (const assignment of log.join({ group, signal: membership.signal })) return assignment
  throw new Error('nothing was assigned')
}

const range = async () => (await log.describe()).partitions.get(0)
const usedBytes = async () => (await stat(file)).size

it('keeps the size that it is given, however much comes, and what is left can be read', async () => {
  const { commit } = await assigned('g')
  for (let n = 1; n <= 60; n++) {
    await append()
    await commit(n)
  }
  const { start = 0, end = 0 } = (await range()) ?? {}
  expect(end).toBe(60)
  // As many as fit, and no fewer: pages are freed whole.
  expect(end - start).toBeLessThanOrEqual(KEEP / LOT)
  expect(end - start).toBeGreaterThanOrEqual(KEEP / LOT - 2)
  expect(await usedBytes()).toBeLessThan(2 * KEEP)
  expect((await drain(log, 0, start, end)).offsets).toHaveLength(end - start)
  await expect((await readerOf(log, 0, start - 1)).read({ maxBytes: 1_000, maxWaitMs: 1 })).rejects.toMatchObject({
    code: 'LOG_OFFSET_GONE',
  })
})

it('never removes what is not archived, by any group, however large it gets', async () => {
  for (let n = 0; n < 30; n++) await append()
  const first = await assigned('first')
  expect(await range()).toEqual({ start: 0, end: 30 })
  await first.commit(4)
  expect(await range()).toEqual({ start: 4, end: 30 })
  const second = await assigned('second')
  await second.commit(6)
  await first.commit(20)
  expect(await range()).toEqual({ start: 6, end: 30 })
  await second.commit(30)
  expect((await range())?.start).toBe(20)
})

it('removes nothing below its size', async () => {
  const { commit } = await assigned('g')
  for (let n = 1; n <= 5; n++) await append()
  await commit(5)
  expect(await range()).toEqual({ start: 0, end: 5 })
})
