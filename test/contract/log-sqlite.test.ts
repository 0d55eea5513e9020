import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { logContract } from './log.ts'

logContract('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'music-faker-log-'))
  return {
    open: (topic, partitions) => openSqliteLog({ file: join(folder, 'log.db'), topic, partitions, leaseMs: 2_000 }),
    cleanup: () => rm(folder, { recursive: true }),
  }
})
