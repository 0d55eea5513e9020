/** Checks of the lake: write, rename, read and delete in a folder of their own, which is gone afterwards. */
import { randomUUID } from 'node:crypto'
import { MusicFakerError } from '../../errors.ts'
import type { LakeStorage } from '../../lake/storage.ts'
import type { Context } from '../context.ts'
import type { Step } from './finding.ts'

export function lakeSteps({ config, openLake, defer }: Context): Step[] {
  const cluster = config.profile === 'cluster'
  // HDFS has a /tmp for everyone; a local lake should not be given one.
  const folder = `${cluster ? '/tmp' : ''}/music-faker-doctor-${randomUUID()}`
  const body = Buffer.from('written by music-faker doctor\n')
  let lake: LakeStorage
  return [
    {
      check: 'lake write',
      run: async () => {
        lake = await openLake()
        // Also when a later check fails, or the command is stopped.
        defer(() => lake.remove(folder))
        const bytes = await lake.write(`${folder}/written`, body)
        return `${bytes} bytes to ${cluster ? `HDFS at ${config.hdfsNamenodes.join(', ')}` : 'the local lake'}`
      },
    },
    {
      check: 'lake rename',
      run: async () => {
        await lake.rename(`${folder}/written`, `${folder}/renamed`)
        return 'moved in one step'
      },
    },
    {
      check: 'lake read',
      run: async () => {
        const read = await lake.read(`${folder}/renamed`)
        if (body.equals(read)) return 'the same bytes came back'
        throw new MusicFakerError('LAKE_FAILED', `${folder}/renamed came back with other bytes than were written`, {
          next: 'Check the health of the lake, for HDFS with: hdfs fsck /tmp',
        })
      },
    },
    {
      check: 'lake delete',
      run: async () => {
        await lake.remove(folder)
        if ((await lake.stat(folder)) === undefined) return 'gone'
        throw new MusicFakerError('LAKE_FAILED', `${folder} is still there after it was deleted`, {
          next: 'Check the permissions of the folder, and its snapshots.',
        })
      },
    },
  ]
}
