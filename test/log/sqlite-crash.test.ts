import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { drainTopic, eventually } from '../contract/log-reading.ts'
import { LOT, LogProcess, numbered } from './sqlite-process.ts'

const KILLS = 4
let folder: string
const processes: LogProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-crash-'))
})
afterEach(async () => {
  for (const child of processes) child.signal('SIGKILL')
  await Promise.all(processes.splice(0).map((child) => child.exit()))
  await rm(folder, { recursive: true })
})

it.each(['no one else has it open', 'another process has it open'])(
  'kill -9 at a random moment loses nothing acknowledged and tears nothing, when %s',
  async (situation) => {
    const file = join(folder, 'log.db')
    const open = () => openSqliteLog({ file, topic: 't', partitions: 3 })
    const other = situation === 'another process has it open' ? await open() : undefined

    const before = new Set<string>()
    for (let kill = 0; kill < KILLS; kill += 1) {
      const who = `life${kill}`
      const child = new LogProcess('append', file, 't', who, 1e9)
      processes.push(child)
      await eventually(() => expect(child.lines.length).toBeGreaterThan(0), 10_000)
      await sleep(Math.random() * 120)
      child.signal('SIGKILL')
      expect(await child.exit()).toBeNull()
      const acknowledged = Number(child.lines.at(-1))

      const log = await open()
      const values = [...(await drainTopic(log)).values()].flat().map(String)
      const { partitions } = await log.describe()
      await log.close()
      expect(new Set(values).size).toBe(values.length)
      const present = new Set(values)
      for (const value of before) expect(present.has(value), 'kept over a later life').toBe(true)
      const mine = values.filter((value) => value.startsWith(`${who} `))
      // One append may have been durable when the kill came before its acknowledgement; it is there whole or not at all.
      expect([acknowledged, acknowledged + LOT]).toContain(mine.length)
      const expected = new Set(mine.map((_, n) => numbered(who, n).value.toString()))
      expect(mine.every((value) => expected.has(value))).toBe(true)
      expect([...partitions.values()].reduce((sum, { end }) => sum + end, 0)).toBe(values.length)
      for (const value of values) before.add(value)
    }
    await other?.close()
  },
  60_000,
)
