/** A batch that is sealed while its archiver loses the partition. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { StagedBatch } from '../../src/archive/staging.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { encode } from '../../src/event.ts'
import { readerOf } from '../contract/log-reading.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'

it('may fail with nobody waiting for it: the process goes on', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  onTestFinished(() => void process.off('unhandledRejection', unhandled))
  const topic = new MemoryTopic('t')
  const log = topic.open(1)
  await log.ensureTopic()
  topic.put(0, encode(eventOf({})))
  const batch = await (await readerOf(log, 0, 0)).read({ maxBytes: 1e6, maxWaitMs: 0 })
  const lake = openMemoryLake()
  lake.write = () => Promise.reject(new MusicFakerError('LAKE_UNREACHABLE', 'the DataNode is gone'))
  const place = { lake, root: '/t', partition: 0, folder: '/t/_staging/t/p0/1', batch: 1, chunkBytes: 65_536 }
  const staged = new StagedBatch(place, 0)
  await staged.take({ batch, index: 0 }, { messages: 10, bytes: 1e6, ageMs: 1e6 }, Date.now())
  await staged.seal(Date.now())
  // Rejections are told of as unhandled once nothing else is to be done.
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(unhandled).not.toHaveBeenCalled()
})
