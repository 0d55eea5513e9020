import { storageContract } from '../contract/storage.ts'
import { openAppendingLake, openMemoryLake } from './memory.ts'

storageContract('memory', async () => {
  const lake = openMemoryLake()
  return { open: () => lake, cleanup: async () => {} }
})

storageContract('memory, with files appended to each other', async () => {
  const lake = openAppendingLake()
  return { open: () => lake, cleanup: async () => {} }
})
