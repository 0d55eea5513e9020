import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { environmentOf } from '../src/self.ts'

test('a program in another folder finds the files that settings name', () => {
  const { config } = loadConfig({ dataDir: 'data', hdfsTokenFile: 'token', topic: 'plays' }, {})
  expect(environmentOf(config)).toMatchObject({
    MF_DATA_DIR: resolve('data'),
    MF_HDFS_TOKEN_FILE: resolve('token'),
    MF_TOPIC: 'plays',
  })
  // And reads the same from it.
  const { config: read } = loadConfig({}, environmentOf(config))
  expect(read).toEqual({ ...config, dataDir: resolve('data'), hdfsTokenFile: resolve('token') })
})
