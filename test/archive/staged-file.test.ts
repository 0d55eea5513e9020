/** A file that streams into a lake which fails amid it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { StagedFile } from '../../src/archive/staged-file.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { openMemoryLake } from '../lake/memory.ts'

it('fails with the error of the lake, also where that comes after the end of the stream', async () => {
  const lake = openMemoryLake()
  lake.write = async (_path, body) => {
    // As a folder on a full disk does: it reads no more, then closes and removes the file, and then says why.
    for await (const _chunk of body as AsyncIterable<Uint8Array>) break
    await sleep(20)
    throw new MusicFakerError('LAKE_FULL', 'the disk is full')
  }
  const file = new StagedFile(lake, '/t/file', 1_000)
  const fill = async () => {
    for (let i = 0; i < 100; i++) await file.write(Buffer.alloc(600))
  }
  await expect(fill()).rejects.toMatchObject({ code: 'LAKE_FULL' })
})
