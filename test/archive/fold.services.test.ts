/** The commit log folds itself on real HDFS as it does in a folder. */
import { randomUUID } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { checkpointNumbers, newestCheckpoint } from '../../src/archive/checkpoint.ts'
import { CommitLog } from '../../src/archive/commits.ts'
import { baseName, partitionCommits, recordSeq } from '../../src/archive/layout.ts'
import { verify } from '../../src/lake/verify.ts'
import { openWebHdfsLake } from '../../src/lake/webhdfs.ts'
import { LakeFollower } from '../../src/stats/follower.ts'
import { SummaryBuilder } from '../../src/stats/summary.ts'

const EVERY = 4
const BATCHES = 36

const services = inject('services')

it.skipIf('skipped' in services)(
  'folds the commit log on HDFS, and fences who comes late',
  async () => {
    if ('skipped' in services) return
    const lake = openWebHdfsLake({
      namenodes: services.hdfs.namenodes,
      user: 'music-faker-test',
      requestTimeout: 30_000,
    })
    const topic = `fold_${randomUUID()}`
    const root = `/${topic}`
    const log = partitionCommits(root, 'id', 0)
    const claim = (owner: string) =>
      CommitLog.claim({
        ...{ lake, root, topic, topicId: 'id', partition: 0, owner, clock: Date.now, foldEvery: EVERY },
        signal: new AbortController().signal,
        onRetry: () => undefined,
        onUnfolded: (error) => {
          throw error
        },
      })
    try {
      const late = await claim('late')
      const owner = await claim('owner')
      for (let batch = 0; batch < BATCHES; batch++) {
        await owner.commit(skipping(owner.next + 5, owner.next))
        await owner.close()
      }

      const { manifests } = (await newestCheckpoint(lake, log))!
      expect(manifests.map(({ level }) => level)[0]).toBe(1)
      const numbers: number[] = []
      for await (const { path } of lake.list(log)) {
        const seq = recordSeq(baseName(path))
        if (seq !== undefined) numbers.push(seq)
      }
      expect(numbers[0]).toBe((await checkpointNumbers(lake, log))[0]! + 1)
      expect(numbers.length).toBeLessThanOrEqual(2 * EVERY)

      await expect(late.commit(skipping(late.next + 5, late.next))).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
      expect(await verify({ lake, root })).toMatchObject({ ok: true, skipped: 5 * BATCHES, records: BATCHES + 2 })
      const follower = new LakeFollower({ lake, root })
      await follower.refresh()
      expect(follower.partitions()).toMatchObject([{ next: 5 * BATCHES, seq: BATCHES + 2 }])
    } finally {
      await lake.remove(root)
      await lake.close()
    }
  },
  120_000,
)

/** A batch of offsets without a message. */
function skipping(next: number, first: number) {
  const summary = new SummaryBuilder().build()
  return { next, files: [], events: 0, quarantined: {}, skipped: next - first, summary }
}
