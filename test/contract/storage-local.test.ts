import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalLake } from '../../src/lake/local.ts'
import { storageContract } from './storage.ts'

storageContract('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'music-faker-lake-'))
  return {
    open: () => openLocalLake({ folder }),
    cleanup: () => rm(folder, { recursive: true }),
  }
})
