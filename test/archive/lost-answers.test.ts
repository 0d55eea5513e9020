/** An archiver whose lake does what it is asked, and says that it failed. */
import { expect, it } from 'vitest'
import { archive } from '../../src/archive/archiver.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { encode } from '../../src/event.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { eventOf } from '../stats/records.ts'
import { dataFiles } from './lake-contents.ts'

/** Renames that archiving three messages cannot need. */
const ENOUGH = 100

it('knows its own records and files again when every rename happens and answers with an error', async () => {
  const topic = new MemoryTopic('t')
  const log = topic.open(1)
  await log.ensureTopic()
  const messages = [1, 2, 3].map((n) => encode(eventOf({ track: `Track ${n}` })))
  for (const message of messages) topic.put(0, message)
  const lake = openMemoryLake()
  const rename = lake.rename.bind(lake)
  let renames = 0
  lake.rename = async (from, to) => {
    if (++renames > ENOUGH) expect.fail('expected an archiver that gets on')
    await rename(from, to)
    throw new MusicFakerError('LAKE_FAILED', 'the connection broke')
  }
  const limits = { messages: 2, bytes: 1e9, ageMs: 20 }
  const signal = new AbortController().signal
  await archive({
    ...{ log, lake, root: '/t', group: 'g', limits, once: true, acceptGap: false },
    ...{ signal, report: () => {} },
  })
  const lines = [...(await dataFiles(lake, '/t')).values()].flat()
  expect(lines).toEqual(messages.map(String))
})
