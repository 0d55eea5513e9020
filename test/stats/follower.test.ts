import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitsFolder, recordName } from '../../src/archive/layout.ts'
import { type CommitRecord, encodeRecord, RECORD_FORMAT } from '../../src/archive/record.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { LakeFollower } from '../../src/stats/follower.ts'
import { Totals } from '../../src/stats/totals.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { batch, claim, eventOf, gap, put, ROOT, recordPath, T0 } from './records.ts'
import { watchedLake } from './watched-lake.ts'

/** A claim and `batches` batches of two events. */
function history(partition: number, batches: number, topicId = 'topic-a'): CommitRecord[] {
  const place = { partition, topicId }
  const records: CommitRecord[] = [claim({ ...place, seq: 1, first: 0 })]
  for (let i = 0; i < batches; i++) {
    const users = [`${topicId}-${partition}-${i}`, 'everywhere']
    const events = users.map((user) => eventOf({ user, artist: `artist ${i % 3}` }))
    records.push(batch({ ...place, seq: i + 2, first: i * 2, at: T0 + i * 1000 + partition }, events))
  }
  return records
}

function totalsOf(records: CommitRecord[]): Totals {
  const totals = new Totals()
  for (const record of records) totals.add(record)
  return totals
}

const unreachable = () => new MusicFakerError('LAKE_UNREACHABLE', 'the lake is away')

describe('LakeFollower', () => {
  it('is empty on an empty lake, and fills as partitions and lineages appear', async () => {
    const lake = openMemoryLake()
    const follower = new LakeFollower({ lake, root: ROOT })
    expect(await follower.refresh()).toBe(0)
    expect([follower.partitions(), follower.commits(10), follower.problems()]).toEqual([[], [], []])

    const [first, second, third] = [history(0, 3), history(11, 2), history(2, 4, 'topic-b')]
    await put(lake, ...first.slice(0, 2))
    expect(await follower.refresh()).toBe(2)
    await put(lake, ...first.slice(2), ...second, ...third)
    expect(await follower.refresh()).toBe(2 + 3 + 5)
    expect(await follower.refresh()).toBe(0)

    expect(follower.totals.snapshot()).toEqual(totalsOf([...first, ...second, ...third]).snapshot())
    const head = { topic: 'music_events', owner: 'archiver-1' }
    expect(follower.partitions()).toEqual([
      { ...head, topicId: 'topic-a', partition: 0, next: 6, seq: 4, committedAt: new Date(T0 + 2000).toISOString() },
      { ...head, topicId: 'topic-a', partition: 11, next: 4, seq: 3, committedAt: new Date(T0 + 1011).toISOString() },
      { ...head, topicId: 'topic-b', partition: 2, next: 8, seq: 5, committedAt: new Date(T0 + 3002).toISOString() },
    ])
  })

  it('reads a folder on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'music-faker-follower-'))
    try {
      const lake = openLocalLake({ folder })
      const records = [...history(0, 40), ...history(1, 3)]
      await put(lake, ...records)
      const follower = new LakeFollower({ lake, root: ROOT })
      expect(await follower.refresh()).toBe(records.length)
      expect(follower.totals.snapshot()).toEqual(totalsOf(records).snapshot())
      await lake.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('passes over what is no record', async () => {
    const lake = openMemoryLake()
    await put(lake, ...history(0, 1))
    for (const name of ['.tmp-1', 'notes.txt', '00000000000000000003.json.partial']) {
      await lake.write(`${commitsFolder(ROOT)}/topic-a/p0/${name}`, Buffer.from('x'))
    }
    await lake.write(`${commitsFolder(ROOT)}/topic-a/px/${recordName(1)}`, Buffer.from('x'))
    await lake.write(`${commitsFolder(ROOT)}/README`, Buffer.from('x'))
    const follower = new LakeFollower({ lake, root: ROOT })
    expect(await follower.refresh()).toBe(2)
    expect(follower.problems()).toEqual([])
  })

  it('costs one listing per folder when there is nothing new', async () => {
    const inner = openMemoryLake()
    await put(inner, ...history(0, 5), ...history(1, 5), ...history(0, 5, 'topic-b'))
    const calls: string[] = []
    const follower = new LakeFollower({
      lake: watchedLake(inner, (operation, path) => void calls.push(`${operation} ${path.slice(ROOT.length)}`)),
      root: ROOT,
    })
    await follower.refresh()
    calls.length = 0
    await follower.refresh()
    expect(calls.sort()).toEqual([
      'list /_commits',
      'list /_commits/topic-a',
      'list /_commits/topic-a/p0',
      'list /_commits/topic-a/p1',
      'list /_commits/topic-b',
      'list /_commits/topic-b/p0',
    ])
  })

  it('reads several records at once, but never more than eight', async () => {
    const inner = openMemoryLake()
    await put(inner, ...Array.from({ length: 12 }, (_, partition) => history(partition, 12)).flat())
    let reading = 0
    let most = 0
    const lake = watchedLake(
      inner,
      async (operation) => {
        if (operation === 'read') most = Math.max(most, ++reading)
        await turn()
      },
      (operation) => {
        if (operation === 'read') reading--
      },
    )
    const follower = new LakeFollower({ lake, root: ROOT })
    expect(await follower.refresh()).toBe(12 * 13)
    expect(most).toBe(8)
  })

  it('joins calls that overlap, and counts nothing twice', async () => {
    const lake = openMemoryLake()
    await put(lake, ...history(0, 5))
    const follower = new LakeFollower({ lake, root: ROOT })
    expect(await Promise.all([follower.refresh(), follower.refresh()])).toEqual([6, 6])
    expect(follower.totals.snapshot().records).toBe(6)
  })

  it('stops at the signal, and goes on with the next call', async () => {
    const inner = openMemoryLake()
    await put(inner, ...history(0, 50))
    const controller = new AbortController()
    let reads = 0
    const lake = watchedLake(inner, (operation) => {
      if (operation === 'read' && ++reads === 10) controller.abort(new Error('enough'))
    })
    const follower = new LakeFollower({ lake, root: ROOT })
    await expect(follower.refresh(controller.signal)).rejects.toThrow('enough')
    const before = follower.totals.snapshot().records
    expect(before).toBeLessThan(51)
    expect(await follower.refresh()).toBe(51 - before)
    await expect(follower.refresh(controller.signal)).rejects.toThrow('enough')
  })
})

describe('recent commits and quarantine', () => {
  it('come newest first over all partitions, the newest 200', async () => {
    const lake = openMemoryLake()
    await put(lake, ...history(0, 150), ...history(1, 150), gap({ seq: 1, first: 0, partition: 2, at: T0 + 1e6 }, 7))
    const follower = new LakeFollower({ lake, root: ROOT })
    await follower.refresh()
    const commits = follower.commits(1_000)
    expect(commits).toHaveLength(200)
    expect(commits.slice(0, 2)).toEqual([
      {
        ...{ seq: 1, topicId: 'topic-a', partition: 2, kind: 'gap', first: 0, next: 7 },
        ...{ events: 0, quarantined: 0, files: 0, bytes: 0, committedAt: new Date(T0 + 1e6).toISOString() },
      },
      {
        ...{ seq: 151, topicId: 'topic-a', partition: 1, kind: 'batch', first: 298, next: 300 },
        ...{ events: 2, quarantined: 0, files: 1, bytes: 400, committedAt: new Date(T0 + 149_001).toISOString() },
      },
    ])
    const times = commits.map(({ committedAt }) => committedAt)
    expect(times).toEqual(times.toSorted().reverse())
    expect(follower.commits(1)).toEqual(commits.slice(0, 1))
  })

  it('name each quarantine file', async () => {
    const lake = openMemoryLake()
    const path = `${ROOT}/_quarantine/day=2025-07-03/batch_20250703_200803_p4_0-2.jsonl`
    const files = [
      { staged: '/s1', path: '/data', day: '2025-07-03', events: 1, bytes: 200, crc32: '00000000' },
      { staged: '/s2', path, day: null, events: 2, bytes: 90, crc32: '00000000' },
    ]
    await put(lake, batch({ seq: 1, first: 0, partition: 4 }, [eventOf()], { files, quarantined: { bad_json: 2 } }))
    const follower = new LakeFollower({ lake, root: ROOT })
    await follower.refresh()
    expect(follower.quarantineFiles(5)).toEqual([
      {
        path,
        messages: 2,
        bytes: 90,
        topicId: 'topic-a',
        partition: 4,
        committedAt: new Date(T0 + 1000).toISOString(),
      },
    ])
    expect(follower.commits(1)).toMatchObject([{ events: 1, quarantined: 2, files: 2, bytes: 290 }])
  })
})

describe('problems', () => {
  async function broken(spoil: (lake: LakeStorage, records: CommitRecord[]) => Promise<void>) {
    const inner = openMemoryLake()
    const records = history(0, 5)
    const healthy = history(1, 5)
    await put(inner, ...records, ...healthy)
    await spoil(inner, records)
    // Slow enough that records are read ahead of the broken one.
    const lake = watchedLake(inner, async () => {
      for (let i = 0; i < 5; i++) await turn()
    })
    const follower = new LakeFollower({ lake, root: ROOT })
    await follower.refresh()
    return { lake, follower, records, healthy }
  }

  async function replace(lake: LakeStorage, record: CommitRecord, content: string): Promise<void> {
    await lake.remove(recordPath(record))
    await lake.write(recordPath(record), Buffer.from(content))
  }

  it.each<[string, string, (lake: LakeStorage, record: CommitRecord) => Promise<void>]>([
    ['is missing', 'COMMIT_CORRUPT', (lake, record) => lake.remove(recordPath(record))],
    ['is empty', 'COMMIT_CORRUPT', (lake, record) => replace(lake, record, '')],
    ['is not JSON', 'COMMIT_CORRUPT', (lake, record) => replace(lake, record, '{"format":1')],
    ['is of no record', 'COMMIT_CORRUPT', (lake, record) => replace(lake, record, '{"format":1,"kind":"batch"}')],
    [
      'is of a format of later',
      'COMMIT_UNKNOWN_FORMAT',
      (lake, record) => replace(lake, record, JSON.stringify({ ...record, format: RECORD_FORMAT + 1 })),
    ],
    [
      'is of a kind of later',
      'COMMIT_UNKNOWN_FORMAT',
      (lake, record) => replace(lake, record, JSON.stringify({ ...record, kind: 'checkpoint' })),
    ],
    [
      'belongs to another partition',
      'COMMIT_CORRUPT',
      (lake, record) => replace(lake, record, encodeRecord({ ...record, partition: 1 }).toString()),
    ],
    [
      'leaves a gap of offsets',
      'COMMIT_CORRUPT',
      (lake, record) => replace(lake, record, encodeRecord({ ...record, first: 5, next: 7 }).toString()),
    ],
    [
      'has a damaged sketch',
      'COMMIT_CORRUPT',
      (lake, record) => {
        const text = JSON.stringify(record).replace(/"data":"[^"]*"/, '"data":"AAAA"')
        return replace(lake, record, encodeRecord(JSON.parse(text)).toString())
      },
    ],
  ])('stop a partition at a record that %s, and no other', async (_, code, spoil) => {
    const { lake, follower, records, healthy } = await broken((lake, all) => spoil(lake, all[3] as CommitRecord))
    expect(follower.problems()).toEqual([
      {
        topicId: 'topic-a',
        partition: 0,
        seq: 4,
        code,
        message: expect.stringContaining('4'),
        next: expect.any(String),
      },
    ])
    expect(follower.totals.snapshot()).toEqual(totalsOf([...records.slice(0, 3), ...healthy]).snapshot())
    expect(await follower.refresh()).toBe(0)
    expect(follower.problems()).toHaveLength(1)

    await lake.remove(recordPath(records[3] as CommitRecord))
    await put(lake, records[3] as CommitRecord)
    expect(await follower.refresh()).toBe(3)
    expect(follower.problems()).toEqual([])
    expect(follower.totals.snapshot()).toEqual(totalsOf([...records, ...healthy]).snapshot())
  })

  it('stop a partition whose first record is missing', async () => {
    const { follower } = await broken((lake, records) => lake.remove(recordPath(records[0] as CommitRecord)))
    expect(follower.problems()).toMatchObject([{ partition: 0, seq: 1, code: 'COMMIT_CORRUPT' }])
    expect(follower.partitions()).toMatchObject([{ partition: 1, seq: 6 }])
  })
})

describe('a lake that fails', () => {
  it('rejects with its error; the next refresh goes on where this one stopped', async () => {
    const inner = openMemoryLake()
    const records = [...history(0, 6), ...history(1, 6)]
    await put(inner, ...records)
    let down = true
    const bad = recordPath(records[4] as CommitRecord)
    const lake = watchedLake(inner, (_, path) => {
      if (down && path === bad) throw unreachable()
    })
    const follower = new LakeFollower({ lake, root: ROOT })
    await expect(follower.refresh()).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
    expect(follower.partitions().find(({ partition }) => partition === 0)?.seq).toBe(4)
    expect(follower.problems()).toEqual([])
    down = false
    await follower.refresh()
    expect(follower.totals.snapshot()).toEqual(totalsOf(records).snapshot())
  })

  it('has nothing under way any more, and forgets no problem, once it has rejected', async () => {
    const inner = openMemoryLake()
    const records = [...history(0, 9), ...history(1, 2)]
    await put(inner, ...records)
    await inner.remove(recordPath(records[8] as CommitRecord))
    let down = false
    let underWay = 0
    const lake = watchedLake(
      inner,
      async (operation, path) => {
        underWay++
        if (down && operation === 'list' && path.endsWith('/p1')) throw unreachable()
        for (let i = 0; i < 5; i++) await turn()
      },
      () => {
        underWay--
      },
    )
    const follower = new LakeFollower({ lake, root: ROOT })
    await follower.refresh()
    expect(follower.problems()).toMatchObject([{ partition: 0, seq: 9 }])

    down = true
    await put(inner, records[8] as CommitRecord)
    await expect(follower.refresh()).rejects.toMatchObject({ code: 'LAKE_UNREACHABLE' })
    expect(underWay).toBe(0)
    expect(follower.problems()).toMatchObject([{ partition: 0, seq: 9 }])
    down = false
    await follower.refresh()
    expect(follower.problems()).toEqual([])
    expect(follower.totals.snapshot()).toEqual(totalsOf(records).snapshot())
  })

  it('comes to the same totals through any sequence of failures', async () => {
    const records = [...history(0, 9), ...history(1, 4), ...history(2, 12), ...history(0, 3, 'topic-b')]
    const expected = totalsOf(records).snapshot()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (script) => {
        const inner = openMemoryLake()
        await put(inner, ...records)
        const failures = [...script]
        const lake = watchedLake(inner, async () => {
          await turn()
          const next = failures.shift()
          if (next !== undefined && next < 5) throw unreachable()
        })
        const follower = new LakeFollower({ lake, root: ROOT })
        let added = 0
        for (let pending = true; pending; ) {
          const before = follower.totals.snapshot().records
          pending = await follower.refresh().then(
            () => false,
            (error) => error.code === 'LAKE_UNREACHABLE',
          )
          added += follower.totals.snapshot().records - before
        }
        expect(added).toBe(records.length)
        expect(follower.totals.snapshot()).toEqual(expected)
        expect(follower.problems()).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
