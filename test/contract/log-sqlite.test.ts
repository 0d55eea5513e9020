import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { partitionOf } from '../../src/log/sqlite-run.ts'
import { makeAnewInSqlite } from '../log/made-anew.ts'
import { LOT, LogProcess, numbered } from '../log/sqlite-process.ts'
import { logContract } from './log.ts'
import { drain, drainTopic } from './log-reading.ts'

logContract('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'music-faker-log-'))
  const file = join(folder, 'log.db')
  return {
    open: (topic, partitions) => openSqliteLog({ file, topic, partitions, leaseMs: 2_000 }),
    makeAnew: async ({ topic }) => makeAnewInSqlite(file, topic),
    cleanup: () => rm(folder, { recursive: true }),
  }
})

const LOTS = 40
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('two processes appending at once lose and double nothing, and a third reads as they append', async () => {
  const file = join(folder, 'log.db')
  const appending = ['a', 'b'].map((who) => new LogProcess('append', file, 't', who, LOTS))
  const log = await openSqliteLog({ file, topic: 't', partitions: 3 })
  await log.ensureTopic()
  const messages = ['a', 'b'].flatMap((who) => Array.from({ length: LOTS * LOT }, (_, n) => numbered(who, n)))
  // Reading begins before the messages are there, and waits for them.
  const live = await Promise.all(
    [0, 1, 2].map(async (partition) => {
      const { length } = messages.filter(({ key }) => partitionOf(key, 3) === partition)
      return (await drain(log, partition, 0, length)).values.map(String)
    }),
  )
  for (const child of appending) expect(await child.exit()).toBe(0)

  const again = [...(await drainTopic(log)).values()].flat().map(String)
  await log.close()
  expect(live.flat()).toEqual(again)
  expect(again.sort()).toEqual(messages.map(({ value }) => String(value)).sort())
})
