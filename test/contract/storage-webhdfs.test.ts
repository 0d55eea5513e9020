import { describe, inject, it } from 'vitest'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { storageContract } from './storage.ts'

const services = inject('services')

if ('skipped' in services) {
  describe.skip(`storage contract: webhdfs (skipped: ${services.skipped})`, () => {
    it('needs a real HDFS', () => undefined)
  })
} else {
  storageContract('webhdfs', async () => ({
    open: () =>
      openWebHdfsLake({ namenodes: services.hdfs.namenodes, user: 'music-faker-test', requestTimeout: 30_000 }),
    cleanup: async () => undefined,
  }))
}
