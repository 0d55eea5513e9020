import { storageContract } from '../contract/storage.ts'
import { openMemoryLake } from './memory.ts'

storageContract('memory', async () => {
  const lake = openMemoryLake()
  return { open: () => lake, cleanup: async () => {} }
})
