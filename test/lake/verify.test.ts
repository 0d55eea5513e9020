import { cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BatchRecord } from '../../src/archive/record.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { type ProblemKind, type VerifyOptions, type VerifyReport, verify } from '../../src/lake/verify.ts'
import { watchedLake } from '../stats/watched-lake.ts'
import { ROOT, SmallArchive, TOPIC_ID } from './small-archive.ts'

let archive: SmallArchive
/** Batches of partition 0 (records 2 to 5) and partition 1 (record 2, and 4 after a second claim). */
let zero: BatchRecord[]
let one: BatchRecord[]

beforeEach(async () => {
  archive = await SmallArchive.create()
  const first = await archive.claim(0)
  zero = []
  for (const days of [{ 1: 5, 2: 3 }, { 2: 7 }, { 3: 2 }, { 1: 4 }]) {
    zero.push(await archive.commit(first, 0, { days, quarantined: zero.length === 1 ? 2 : 0, skipped: zero.length }))
  }
  one = []
  one.push(await archive.commit(await archive.claim(1), 1, { days: { 2: 6 } }))
  one.push(await archive.commit(await archive.claim(1), 1, { days: { 3: 1 } }))
})

afterEach(() => archive.destroy())

function check(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verify({ lake: archive.lake, root: ROOT, ...options })
}

function found(report: VerifyReport): [ProblemKind, string][] {
  return report.problems.map(({ kind, path }) => [kind, path])
}

function fileOf(batch: BatchRecord | undefined, index = 0) {
  const file = batch?.files[index]
  if (!file) throw new Error('no such file')
  return file
}

describe('a lake in order', () => {
  it('is proved, and summed up by partition', async () => {
    const report = await check({ deep: true })
    expect(report).toMatchObject({ ok: true, deep: true, problems: [], problemCount: 0, pending: [] })
    expect(report.partitions).toMatchObject([
      { topicId: TOPIC_ID, partition: 0, next: 29, records: 5, files: 6, events: 21, quarantined: 2, skipped: 6 },
      { topicId: TOPIC_ID, partition: 1, next: 7, records: 4, files: 2, events: 7, quarantined: 0, skipped: 0 },
    ])
    const bytes = [...zero, ...one].flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0)
    expect(report).toMatchObject({ records: 9, files: 8, events: 28, quarantined: 2, skipped: 6, gaps: 0, bytes })
    expect(report.staged).toEqual({ files: 0, bytes: 0 })
  })

  it('is proved in several rounds when not all files can be held at once', async () => {
    expect(await check({ filesHeld: 1 })).toEqual(await check())
    await rm(archive.at(fileOf(zero[2]).path))
    await writeFile(archive.at(`${ROOT}/_quarantine/extra`), 'x')
    const report = await check({ filesHeld: 1 })
    expect(found(report).sort()).toEqual([
      ['file_missing', fileOf(zero[2]).path],
      ['file_stray', `${ROOT}/_quarantine/extra`],
    ])
  })

  it('may be empty, or not be there at all', async () => {
    expect(await verify({ lake: archive.lake, root: '/nowhere' })).toMatchObject({ ok: true, partitions: [], files: 0 })
  })

  it('counts accepted gaps, and keeps lineages apart', async () => {
    const log = await archive.claim(0, 'BBBBBBBBBBBBBBBBBBBBBB')
    await log.acceptGap(1_000)
    await archive.commit(log, 0, { days: { 4: 3 } })
    const report = await check({ deep: true })
    expect(report).toMatchObject({ ok: true, gaps: 1_000, events: 31 })
    expect(report.partitions.map(({ topicId, next }) => [topicId[0], next])).toEqual([
      ['A', 29],
      ['A', 7],
      ['B', 1_003],
    ])
  })

  it('may hold leftovers in staging and names that readers skip', async () => {
    await archive.lake.write(`${ROOT}/_staging/${TOPIC_ID}/p0/1/left.jsonl`, Buffer.from('12345'))
    await archive.lake.write(`${ROOT}/_SUCCESS`, Buffer.from(''))
    await archive.lake.write(`${ROOT}/_elsewhere/file`, Buffer.from('x'))
    expect(await check()).toMatchObject({ ok: true, staged: { files: 1, bytes: 5 } })
  })

  it('tells how far it is, and stops when asked', async () => {
    const seen: number[] = []
    await verify({ lake: archive.lake, root: ROOT, onProgress: ({ files }) => seen.push(files) })
    expect(seen.at(-1)).toBe(8)
    const stop = new AbortController()
    const reason = new Error('enough')
    const call = verify({
      lake: archive.lake,
      root: ROOT,
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    })
    await expect(call).rejects.toBe(reason)
  })
})

describe('the last batch', () => {
  it('may still be unpublished, also after claims', async () => {
    const last = fileOf(zero[3])
    await archive.lake.rename(last.path, last.staged)
    expect(await check({ deep: true })).toMatchObject({ ok: true, pending: [last.staged], staged: { files: 0 } })
    // A claim is made before the batch is published again: redone here, undone once more.
    await archive.claim(0)
    expect(await check({ deep: true })).toMatchObject({ ok: true, pending: [] })
    await archive.lake.rename(last.path, last.staged)
    expect(await check()).toMatchObject({ ok: true, pending: [last.staged] })
  })

  it('is held to its length and checksum in staging too', async () => {
    const last = fileOf(zero[3])
    await archive.lake.rename(last.path, last.staged)
    await flipBit(archive.at(last.staged), 10)
    expect(found(await check({ deep: true }))).toEqual([['file_checksum', last.staged]])
    await truncate(archive.at(last.staged), 10)
    expect(found(await check())).toEqual([['file_length', last.staged]])
    await rm(archive.at(last.staged))
    expect(found(await check())).toEqual([['file_missing', last.path]])
  })
})

describe('damage to files is named', () => {
  it('missing', async () => {
    await rm(archive.at(fileOf(zero[0], 1).path))
    expect(found(await check())).toEqual([['file_missing', fileOf(zero[0], 1).path]])
  })

  it('left in staging, by a batch that is not the last', async () => {
    const file = fileOf(zero[1])
    await archive.lake.rename(file.path, file.staged)
    expect(found(await check())).toEqual([['file_unpublished', file.path]])
  })

  it('truncated', async () => {
    const { path, bytes } = fileOf(zero[1], 1)
    await truncate(archive.at(path), bytes - 1)
    expect(found(await check())).toEqual([['file_length', path]])
    expect(found(await check({ deep: true }))).toEqual([['file_length', path]])
  })

  it('one bit flipped, seen by deep only', async () => {
    await flipBit(archive.at(fileOf(one[0]).path), 100)
    expect((await check()).ok).toBe(true)
    expect(found(await check({ deep: true }))).toEqual([['file_checksum', fileOf(one[0]).path]])
  })

  it('bits flipped, seen in what is read: a share of the files, or those from a day on', async () => {
    const [early, late] = [fileOf(zero[0]).path, fileOf(one[1]).path]
    for (const path of [early, late]) await flipBit(archive.at(path), 100)
    expect(found(await check({ deep: true }))).toEqual([early, late].map((path) => ['file_checksum', path]))

    const since = await check({ deep: true, from: '2025-07-03' })
    expect(found(since)).toEqual([['file_checksum', late]])
    expect(since.read.files).toBeLessThan(since.files)

    const chance = vi.spyOn(Math, 'random')
    onTestFinished(() => chance.mockRestore())
    chance.mockReturnValue(0.4)
    expect(await check({ deep: true, sample: 0.4 })).toMatchObject({ ok: true, read: { files: 0, bytes: 0 } })
    expect(await check({ deep: true, sample: 0.41 })).toMatchObject({ ok: false, read: { files: since.files } })
  })

  it('tells of the day that it has come to, for who goes on there', async () => {
    const days: (string | undefined)[] = []
    await flipBit(archive.at(fileOf(zero[0]).path), 100)
    let problems = 0
    const onProgress: VerifyOptions['onProgress'] = (now) => {
      if (days.at(-1) !== now.day) days.push(now.day)
      problems = now.problems
    }
    await check({ deep: true, onProgress })
    expect(days).toEqual(['2025-07-01', '2025-07-02', '2025-07-03', undefined])
    expect(problems).toBe(1)
  })

  it('another number of lines than the record says, seen by deep only', async () => {
    await archive.rewrite(archive.record(0, 2), (record) => {
      // The sums still hold: only the file's own lines tell.
      fileOf(record, 0).events -= 1
      fileOf(record, 1).events += 1
    })
    expect((await check()).ok).toBe(true)
    expect(found(await check({ deep: true }))).toEqual([
      ['file_lines', fileOf(zero[0], 0).path],
      ['file_lines', fileOf(zero[0], 1).path],
    ])
  })

  it.each([
    ['a copy beside the original', (path: string) => `${path.replace('.jsonl', '')}-copy.jsonl`],
    ['in another day', (path: string) => path.replace('day=01', 'day=09')],
    ['in a folder of its own', () => `${ROOT}/notes/readme.txt`],
    ['in the top folder', () => `${ROOT}/file.jsonl`],
    ['hidden in a day', (path: string) => path.replace('batch_', '_batch_')],
    ['in quarantine', () => `${ROOT}/_quarantine/day=2025-07-03/other.jsonl`],
  ])('stray: %s', async (_, where) => {
    const { path } = fileOf(zero[0])
    await cp(archive.at(path), archive.at(where(path)), { recursive: true })
    expect(found(await check())).toEqual([['file_stray', where(path)]])
  })

  it('moved to another name: missing and stray', async () => {
    const { path } = fileOf(zero[0])
    await rename(archive.at(path), archive.at(`${path}.bak`))
    expect(found(await check()).sort()).toEqual([
      ['file_missing', path],
      ['file_stray', `${path}.bak`],
    ])
  })
})

describe('damage to records is named', () => {
  it('missing in the middle', async () => {
    await rm(archive.at(archive.record(0, 4)))
    expect(found(await check())).toEqual([
      ['record_missing', archive.record(0, 4)],
      ['file_stray', fileOf(zero[2]).path],
    ])
  })

  it('a hole of any size', async () => {
    await rename(archive.at(archive.record(0, 5)), archive.at(archive.record(0, 9_000_000_000)))
    const report = await check()
    expect(report.problemCount).toBeLessThan(110)
    expect(found(report)).toContainEqual(['record_missing', archive.record(0, 5)])
    expect(found(report)).toContainEqual(['record_missing', archive.record(0, 8_999_999_999)])
    expect(found(report)).toContainEqual(['record_misplaced', archive.record(0, 9_000_000_000)])
  })

  it.each([
    ['not JSON', 'record_corrupt', (text: string) => text.slice(0, 50)],
    ['empty', 'record_corrupt', () => ''],
    ['a field too few', 'record_corrupt', (text: string) => text.replace('"skipped":1,', '')],
    ['one bit flipped', 'record_corrupt', (text: string) => text.replace('"Jazz"', '"Kazz"')],
    ['without its checksum', 'record_corrupt', unchecked],
    [
      'of a later format',
      'record_unknown_format',
      (text: string) => unchecked(text).replace('"format":2', '"format":3'),
    ],
    [
      'of an unknown kind',
      'record_unknown_format',
      (text: string) => unchecked(text).replace('"kind":"batch"', '"kind":"merge"'),
    ],
  ] as const)('%s', async (_, kind, damage) => {
    const path = archive.record(0, 3)
    const text = await readFile(archive.at(path), 'utf8')
    await writeFile(archive.at(path), damage(text))
    const report = await check({ deep: true })
    expect(found(report).sort()).toEqual(
      [
        [kind, path],
        ['file_stray', fileOf(zero[1], 0).path],
        ['file_stray', fileOf(zero[1], 1).path],
      ].sort(),
    )
    expect(report.partitions[0]?.next).toBe(29)
  })

  it('in the place of another', async () => {
    await cp(archive.at(archive.record(1, 2)), archive.at(archive.record(0, 6)))
    expect(found(await check()).map(([kind]) => kind)).toContain('record_misplaced')
  })

  it.each<[string, ProblemKind, number, (record: BatchRecord) => void]>([
    ['an overlap', 'offset_overlap', 3, (r) => Object.assign(r, { first: r.first - 1, skipped: r.skipped + 1 })],
    ['a gap', 'offset_gap', 3, (r) => Object.assign(r, { first: r.first + 1, skipped: r.skipped - 1 })],
    ['counts that do not add up', 'record_inconsistent', 3, (r) => Object.assign(r, { skipped: r.skipped + 1 })],
    ['files that hold other numbers', 'record_inconsistent', 3, (r) => Object.assign(fileOf(r), { events: 1 })],
    ['a summary of other events', 'record_inconsistent', 1, (r) => Object.assign(r, { first: 0, next: 3 })],
    [
      'a file in the folder of another day',
      'record_inconsistent',
      3,
      (r) => Object.assign(fileOf(r), { day: '2025-07-09' }),
    ],
    ['a file staged elsewhere', 'record_inconsistent', 3, (r) => Object.assign(fileOf(r), { staged: '/etc/x' })],
    ['a foreign fence', 'fence_violated', 3, (r) => Object.assign(r, { fence: 2 })],
    ['a foreign owner', 'fence_violated', 3, (r) => Object.assign(r, { owner: 'someone' })],
    ['a file that another names', 'file_named_twice', 3, (r) => Object.assign(fileOf(r), fileOf(zero[0], 1))],
  ])('%s', async (_, kind, seq, change) => {
    await archive.rewrite(archive.record(0, seq), change)
    const report = await check()
    expect(report.ok).toBe(false)
    expect(found(report).map(([k]) => k)).toContain(kind)
  })

  it('a batch before any claim', async () => {
    await rm(archive.at(archive.record(1, 1)))
    for (const seq of [2, 3, 4])
      await rename(archive.at(archive.record(1, seq)), archive.at(archive.record(1, seq - 1)))
    expect(found(await check())).toContainEqual(['fence_violated', archive.record(1, 1)])
  })

  it('anything else among them', async () => {
    for (const name of ['x.json', 'p0/00000000000000000000.json', 'p0/note.txt', 'p0/sub/x']) {
      await archive.lake.write(`${ROOT}/_commits/${TOPIC_ID}/${name}`, Buffer.from('{}'))
    }
    await archive.lake.write(`${ROOT}/_commits/README`, Buffer.from('x'))
    const folder = `${ROOT}/_commits/${TOPIC_ID}`
    expect(found(await check()).sort()).toEqual([
      ['entry_unknown', `${folder}/p0/00000000000000000000.json`],
      ['entry_unknown', `${folder}/p0/note.txt`],
      ['entry_unknown', `${folder}/p0/sub`],
      ['entry_unknown', `${folder}/x.json`],
      ['entry_unknown', `${ROOT}/_commits/README`],
    ])
  })
})

describe('while archivers are at work', () => {
  /** Runs `act` when the verification lists or reads a path that matches, for the `nth` time. */
  function interrupted(lake: LakeStorage, when: RegExp, nth: number, act: () => Promise<void>): LakeStorage {
    let times = 0
    return watchedLake(lake, async (_, path) => {
      if (when.test(path) && ++times === nth) await act()
    })
  }

  it.each([
    ['when the logs are found', /_commits$/, 1],
    ['when a log is read', /p0\/0+3\.json$/, 1],
    ['when the last record is read', /p1\/0+4\.json$/, 1],
    ['before the days are listed', /month=07$/, 1],
    ['when a day is listed', /day=02$/, 1],
    ['after the days are listed', /_commits$/, 2],
    ['when the logs are read on', /p1$/, 2],
    ['when staging is listed', /_staging$/, 1],
  ])('raises no alarm about what is committed %s', async (_, when, nth) => {
    let committed = false
    const lake = interrupted(archive.lake, when, nth, async () => {
      const log = await archive.claim(0)
      await archive.commit(log, 0, { days: { 2: 2, 9: 1 }, quarantined: 1 })
      await archive.commit(log, 0, { days: { 2: 2 } })
      const other = await archive.claim(7)
      await archive.commit(other, 7, { days: { 2: 1 } })
      await archive.commit(await archive.claim(0, 'CCCCCCCCCCCCCCCCCCCCCC'), 0, { days: { 1: 1 } })
      committed = true
    })
    const report = await verify({ lake, root: ROOT, deep: true })
    expect(report.problems).toEqual([])
    expect(committed).toBe(true)
    expect((await check()).ok).toBe(true)
  })

  it('raises no alarm when the last batch is published in between', async () => {
    const last = fileOf(zero[3])
    await archive.lake.rename(last.path, last.staged)
    const lake = interrupted(archive.lake, /day=02$/, 1, () => archive.lake.rename(last.staged, last.path))
    expect(await verify({ lake, root: ROOT })).toMatchObject({ ok: true, pending: [] })
  })
})

async function flipBit(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(file, bytes)
}

function unchecked(text: string): string {
  return text.replace(/,"crc32":"\w{8}"\}\n$/, '}\n')
}
