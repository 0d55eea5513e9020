import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { CHECKPOINT_FORMAT, decodeCheckpoint, encodeCheckpoint } from '../../src/archive/checkpoint.ts'
import { Recent } from '../../src/stats/recent.ts'
import { Totals } from '../../src/stats/totals.ts'
import { batch, eventOf } from '../stats/records.ts'

const PATH = '/t/_commits/id/p0/checkpoints/00000000000000000001.json.gz'

function encoded(): Promise<Buffer> {
  const totals = new Totals()
  const recent = new Recent()
  const record = batch({ seq: 1, first: 0 }, [eventOf(), eventOf({ artist: 'Zo\u00eb \ud800' })])
  totals.add(record)
  recent.add(record)
  const { topic, topicId, partition, seq, next, owner, committedAt } = record
  return encodeCheckpoint({
    ...{ format: CHECKPOINT_FORMAT, topic, topicId, partition, seq, base: 0, next, fence: 1, owner, committedAt },
    ...{ manifests: [], totals: totals.encode(), recent: recent.encode() },
  })
}

it('comes back with its columns', async () => {
  const { seq, totals } = await decodeCheckpoint(await encoded(), PATH)
  const again = new Totals()
  again.merge(totals, 'a test')
  expect([seq, again.snapshot().events, again.cells.all.size]).toEqual([1, 2, 2])
})

it('is a line of JSON, and damaged where a byte of the columns after it is missing', async () => {
  const content = gunzipSync(await encoded())
  const line = content.subarray(0, content.indexOf('\n') + 1)
  expect(JSON.parse(line.toString())).toMatchObject({ format: 3, totals: { events: 2, cells: { v: 2, rows: 4 } } })
  for (const spoilt of [content.subarray(0, -1), line]) {
    await expect(decodeCheckpoint(gzipSync(spoilt), PATH)).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  }
})

it('of format 2, all of it JSON, is still read', async () => {
  const content = gunzipSync(await encoded()).toString()
  const now = JSON.parse(content.slice(0, content.indexOf('\n')))
  const cells = JSON.parse(await readFile(join(import.meta.dirname, '../stats/cells-v1.json'), 'utf8'))
  const before = { ...now, format: 2, totals: { ...now.totals, cells } }
  const { totals } = await decodeCheckpoint(gzipSync(`${JSON.stringify(before)}\n`), PATH)
  expect([totals.events, totals.cells.events]).toEqual([2, 24])
  await expect(decodeCheckpoint(gzipSync(`${JSON.stringify({ ...before, format: 4 })}\n`), PATH)).rejects.toMatchObject(
    {
      code: 'COMMIT_UNKNOWN_FORMAT',
    },
  )
})
