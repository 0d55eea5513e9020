import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkpointNumbers, newestCheckpoint, readCheckpoint } from '../../src/archive/checkpoint.ts'
import { CommitLog } from '../../src/archive/commits.ts'
import { fold } from '../../src/archive/fold.ts'
import { isArchived, lastBatch } from '../../src/archive/head.ts'
import {
  baseName,
  checkpointName,
  checkpointsFolder,
  manifestsFolder,
  partitionCommits,
  recordName,
  recordSeq,
} from '../../src/archive/layout.ts'
import { type Manifest, mergeManifests, readManifest, writeManifest } from '../../src/archive/manifest.ts'
import { type BatchRecord, type CommitRecord, decodeRecord, encodeRecord } from '../../src/archive/record.ts'
import { foldedBatches } from '../../src/lake/repair-folded.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import { LakeFollower } from '../../src/stats/follower.ts'
import { Slots } from '../../src/stats/slots.ts'
import { eventually } from '../contract/log-reading.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { ROOT, SmallArchive, TOPIC_ID } from '../lake/small-archive.ts'
import { watchedLake } from '../stats/watched-lake.ts'

const EVERY = 4
const LOG = partitionCommits(ROOT, TOPIC_ID, 0)

let archive: SmallArchive

beforeEach(async () => {
  archive = await SmallArchive.create()
})
afterEach(() => archive.destroy())

/** A claim, and batches of three events each, folded on the way. */
async function write(batches: number, days: Record<number, number> = { 1: 2, 2: 1 }, every = EVERY): Promise<void> {
  const log = await archive.claim(0, TOPIC_ID, every)
  // The time that a fold has to come to its end does not pass here: a busy disk may need longer.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    for (let i = 0; i < batches; i++) {
      await archive.commit(log, 0, { days, quarantined: i % 3 === 0 ? 1 : 0, skipped: i % 2 })
      await log.close()
    }
  } finally {
    vi.useRealTimers()
  }
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = []
  for await (const { path } of archive.lake.list(folder)) found.push(baseName(path))
  return found
}

async function recordNumbers(): Promise<number[]> {
  return (await names(LOG)).map(recordSeq).filter((seq) => seq !== undefined)
}

async function follow(lake = archive.lake): Promise<LakeFollower> {
  const follower = new LakeFollower({ lake, root: ROOT })
  await follower.refresh()
  return follower
}

const options = () => ({
  fence: 1,
  isOwner: async () => true,
  ...{ lake: archive.lake, log: LOG, staging: `${ROOT}/_staging/${TOPIC_ID}/p0/1` },
  signal: new AbortController().signal,
  onRetry: () => undefined,
})

describe('a log that is folded', () => {
  it('keeps the records since the checkpoint before the newest, and says the same as all of them', async () => {
    await write(3)
    const before = await follow()
    expect(await recordNumbers()).toEqual([1, 2, 3, 4])
    expect(await checkpointNumbers(archive.lake, LOG)).toEqual([4])
    await write(16)
    expect((await recordNumbers())[0]).toBe((await checkpointNumbers(archive.lake, LOG))[0]! + 1)
    expect((await recordNumbers()).length).toBeLessThanOrEqual(2 * EVERY)

    await before.refresh()
    const after = await follow()
    expect(after.totals.snapshot()).toEqual(before.totals.snapshot())
    expect(after.totals.snapshot()).toMatchObject({ events: 57, records: 21, files: 2 * 19 + 7, skipped: 9 })
    expect([after.partitions(), after.commits(99), after.quarantineFiles(99)]).toEqual([
      before.partitions(),
      before.commits(99),
      before.quarantineFiles(99),
    ])
    const report = await verify({ lake: archive.lake, root: ROOT, deep: true })
    expect(report).toMatchObject({ ok: true, records: 21, files: 45, events: 57, quarantined: 7, skipped: 9 })
    const shallow = await verify({ lake: archive.lake, root: ROOT, filesHeld: 1 })
    expect(shallow).toEqual({ ...report, deep: false, read: { files: 0, bytes: 0 } })
  })

  it('is opened by reading a checkpoint and the records after it', async () => {
    await write(25)
    const read: string[] = []
    const lake = watchedLake(archive.lake, (operation, path) => void (operation === 'read' && read.push(path)))
    await follow(lake)
    const newest = (await checkpointNumbers(lake, LOG)).at(-1)!
    expect(read[0]).toBe(`${checkpointsFolder(LOG)}/${checkpointName(newest)}`)
    expect(read.slice(1)).toEqual([...Array(26 - newest).keys()].map((i) => `${LOG}/${recordName(newest + 1 + i)}`))
  })

  it('is taken over, waited for and shown from where it stands, also when the last batch is folded', async () => {
    await write(3)
    expect(await isArchived(archive.lake, ROOT, TOPIC_ID, 0, 11)).toBe(true)
    expect((await lastBatch(archive.lake, ROOT, TOPIC_ID, 0))?.seq).toBe(4)
    const next = await archive.claim(0, TOPIC_ID, EVERY)
    expect(next.next).toBe(11)
    for (let claims = 0; claims < 3 * EVERY; claims++) await (await archive.claim(0, TOPIC_ID, EVERY)).close()
    expect(await isArchived(archive.lake, ROOT, TOPIC_ID, 0, 11)).toBe(true)
    expect(await lastBatch(archive.lake, ROOT, TOPIC_ID, 0)).toBeUndefined()
    expect((await recordNumbers()).length).toBeLessThanOrEqual(2 * EVERY)
  })

  it('lets go of manifests that it has merged', async () => {
    await write(80)
    const { manifests } = (await newestCheckpoint(archive.lake, LOG))!
    expect(manifests.map(({ level }) => level)).toEqual([1, 1, ...Array(manifests.length - 2).fill(0)])
    expect(manifests.map(({ from }) => from)).toEqual([1, ...manifests.slice(0, -1).map(({ to }) => to + 1)])
    expect((await names(manifestsFolder(LOG))).length).toBeLessThanOrEqual(manifests.length + 9)
    expect(await verify({ lake: archive.lake, root: ROOT })).toMatchObject({ ok: true, files: 2 * 80 + 27 })
  })
})

it('folds no record whose files are not published yet', async () => {
  let gate = Promise.resolve()
  const held = await SmallArchive.create((lake) => ({
    ...watchedLake(lake, () => undefined),
    rename: async (from, to) => {
      if (to.includes('/year=')) await gate
      return lake.rename(from, to)
    },
  }))
  const log = await held.claim(0, TOPIC_ID, 2)
  const commit = () => held.commit(log, 0, { days: { 1: 1 } })
  for (let i = 0; i < 2; i++) await commit()
  await log.close()
  const opened = Promise.withResolvers<void>()
  gate = opened.promise
  const committing = commit()
  await eventually(async () => expect(await held.lake.stat(held.record(0, 4))).toBeDefined(), 5_000)
  // A fold that has begun comes to its end.
  await log.close()
  expect(await checkpointNumbers(held.lake, LOG)).toEqual([2])
  opened.resolve()
  await committing
  await log.close()
  expect(await checkpointNumbers(held.lake, LOG)).toEqual([2, 4])
  await held.destroy()
})

it.each([
  { how: 'in rounds', filesHeld: 1, every: 4, before: 8, during: 12 },
  // So many that manifests are merged, too.
  { how: 'at once', every: 2, before: 5, during: 18 },
])(
  'raises no alarm where it is folded on, and a late owner writes into the hole, at any step of a verification $how',
  async ({ every, before, during, ...options }) => {
    for (let [step, reached] = [1, true]; reached; step++) {
      await archive.destroy()
      archive = await SmallArchive.create(() => openMemoryLake())
      const late = await archive.claim(0, TOPIC_ID, EVERY)
      await write(before, { 1: 1 }, every)
      reached = false
      let steps = 0
      const lake = watchedLake(archive.lake, async () => {
        if (++steps !== step) return
        reached = true
        await write(during, { 1: 1 }, every)
        await expect(archive.commit(late, 0, { days: { 5: 9 } })).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
      })
      const { problems } = await verify({ lake, root: ROOT, ...options })
      expect(problems, `step ${step}`).toEqual([])
    }
  },
)

describe('who comes too late', () => {
  it('has created nothing under a number that was folded and removed', async () => {
    const late = await archive.claim(0, TOPIC_ID, EVERY)
    await write(20)
    expect((await recordNumbers())[0]).toBeGreaterThan(2)
    await expect(archive.commit(late, 0, { days: { 5: 9 } })).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
    // It stands there, and means nothing.
    expect((await recordNumbers())[0]).toBe(2)
    expect((await follow()).totals.snapshot().events).toBe(60)
    expect(await verify({ lake: archive.lake, root: ROOT })).toMatchObject({ ok: true, events: 60 })
    await write(8)
    expect((await recordNumbers())[0]).toBeGreaterThan(2)
  })

  it('as a reader, finds the records gone and begins anew, and believes none that stands in their place', async () => {
    await write(1)
    const reader = await follow()
    const late = await archive.claim(0, TOPIC_ID, EVERY)
    await write(20)
    await archive.commit(late, 0, { days: { 5: 9 } }).catch(() => undefined)
    await reader.refresh()
    expect(reader.totals.snapshot()).toEqual((await follow()).totals.snapshot())
    expect(reader.problems()).toEqual([])
  })
})

describe('damage', () => {
  const damage = (path: string) => writeFile(archive.at(path), 'no checkpoint')

  it('to the newest checkpoint is passed over: the records since the one before it are there', async () => {
    await write(11)
    const before = (await follow()).totals.snapshot()
    const path = `${checkpointsFolder(LOG)}/${checkpointName(12)}`
    await damage(path)
    expect((await follow()).totals.snapshot()).toEqual(before)
    const report = await verify({ lake: archive.lake, root: ROOT })
    expect(report.problems.map(({ kind, path }) => [kind, path])).toEqual([['checkpoint_corrupt', path]])
    await write(6)
    expect((await follow()).totals.snapshot()).toMatchObject({ records: 12 + 7, events: 3 * 17 })
    expect(await verify({ lake: archive.lake, root: ROOT })).toMatchObject({ ok: true })
  })

  it('to a manifest is named', async () => {
    await write(11)
    const [manifest] = (await newestCheckpoint(archive.lake, LOG))!.manifests
    const path = `${manifestsFolder(LOG)}/${manifest!.name}`
    await damage(path)
    const kinds = (await verify({ lake: archive.lake, root: ROOT })).problems.map(({ kind }) => kind)
    expect(new Set(kinds)).toEqual(new Set(['manifest_corrupt', 'checkpoint_inconsistent', 'file_stray']))
  })

  it('to a file whose record is folded is named with its manifest, which has what it takes to make it again', async () => {
    await write(11, { 1: 2, 2: 1 })
    const path = [...(await follow()).files()].at(-1)!.path
    await archive.lake.remove(path)
    const { problems } = await verify({ lake: archive.lake, root: ROOT })
    expect(problems).toMatchObject([{ kind: 'file_missing', path }])
    const { batches } = await foldedBatches(archive.lake, ROOT, LOG, new Set([path]))
    expect(batches).toMatchObject([
      { topicId: TOPIC_ID, partition: 0, first: 0, next: 4, files: [{ path, staged: path }] },
    ])
  })

  it('to a record that is not folded yet is not folded over', async () => {
    await write(2)
    const path = `${LOG}/${recordName(2)}`
    const record = await archive.lake.read(path)
    await damage(path)
    await expect(fold(options(), 3, 2)).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
    await writeFile(archive.at(path), record)
    expect(await fold(options(), 3, 2)).toBe(3)
    expect(await readCheckpoint(archive.lake, LOG, 3)).toMatchObject({ base: 0, totals: { records: 3, events: 6 } })
  })

  it('to the chain of records is not folded over', async () => {
    await write(2)
    await archive.rewrite(`${LOG}/${recordName(3)}`, (record) => Object.assign(record, { first: 5 }))
    await expect(fold(options(), 3, 2)).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
  })
})

it.each([
  { how: 'loses the partition', loses: true },
  { how: 'is closed', loses: false },
])(
  'waits for its turn no longer than until its owner $how, and gives a turn that comes later back',
  async ({ loses }) => {
    const [turns, lost] = [new Slots(1), new AbortController()]
    await turns.take()
    const commits = await CommitLog.claim({
      ...{ lake: archive.lake, root: ROOT, topic: 't', topicId: TOPIC_ID, partition: 0, owner: 'o', clock: Date.now },
      ...{ signal: lost.signal, onRetry: () => undefined, foldEvery: 1, foldTurns: turns },
    })
    if (loses) lost.abort()
    await commits.close()
    turns.release()
    await turns.take()
    expect(await checkpointNumbers(archive.lake, LOG)).toEqual([])
  },
  10_000,
)

it('is claimed anew by who was overtaken long ago: the files of the record that it read may be gone', async () => {
  await write(1)
  const read = decodeRecord(await archive.lake.read(`${LOG}/${recordName(2)}`), 'the last record') as BatchRecord
  const [arrived, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let looks = 0
  // After the claim was created and the last record was read; before the look back.
  const slow = watchedLake(archive.lake, async (operation, path) => {
    if (operation !== 'list' || path !== checkpointsFolder(LOG) || ++looks !== 3) return
    arrived.resolve()
    await release.promise
  })
  const overtaken = archive.claim(0, TOPIC_ID, EVERY, slow)
  await arrived.promise
  await write(4 * EVERY)
  for (const { path } of read.files) await archive.lake.remove(path)
  release.resolve()
  await expect(overtaken.then(({ next }) => next)).resolves.toBeGreaterThan(4 * EVERY)
})

it('leaves what an owner that has claimed since may still refer to, however late those before it fold', async () => {
  await write(6 * EVERY)
  expect((await newestCheckpoint(archive.lake, LOG))?.manifests).toHaveLength(6)
  // Owners that have claimed, and have yet to fold: all three do so as late as can be.
  const sweeps = [gated(isSweep), gated(isSweep), gated(isSweep)]
  const claims: Promise<CommitLog>[] = []
  for (const { lake, reached } of sweeps) {
    claims.push(archive.claim(0, TOPIC_ID, 1, lake))
    await reached
  }
  const late = gated((path) => path.startsWith(checkpointsFolder(LOG)))
  const last = await archive.claim(0, TOPIC_ID, 1, late.lake)
  // It has read the sixth checkpoint, and is about to create one that is made from it.
  await late.reached
  for (const [i, { open }] of sweeps.entries()) {
    open()
    await (await claims[i]!).close()
  }
  late.open()
  await last.close()
  expect((await newestCheckpoint(archive.lake, LOG))?.fence).toBe(last.fence)
  expect(await verify({ lake: archive.lake, root: ROOT, deep: true })).toMatchObject({ ok: true })
})

it('removes nothing before a checkpoint has passed its own claim: an owner before it may create a newer one', async () => {
  const records = 3 * EVERY
  await write(records, { 1: 1 }, 1_000)
  for (const upTo of [EVERY, 2 * EVERY, records]) await fold({ ...options(), fence: records + 1 }, upTo, EVERY)
  expect(await checkpointNumbers(archive.lake, LOG)).toEqual([EVERY, 2 * EVERY, records])
  expect(await recordNumbers()).toContain(1)
  await fold({ ...options(), fence: records + 1 }, records + 1, 1)
  expect(await checkpointNumbers(archive.lake, LOG)).toEqual([records, records + 1])
  expect(await recordNumbers()).toEqual([records + 1])
})

const isSweep = (path: string) => path.endsWith('/p0') && path.includes('/_staging/')

/** A lake that holds up the first rename to such a path, or listing of it, until it is opened. */
function gated(holds: (path: string) => boolean) {
  const [arrived, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const gate = async (path: string) => {
    if (!holds(path)) return
    arrived.resolve()
    await opened.promise
  }
  const lake: LakeStorage = {
    ...watchedLake(archive.lake, (_, path) => (holds(path) && isSweep(path) ? gate(path) : undefined)),
    rename: async (from, to) => {
      await gate(to)
      return archive.lake.rename(from, to)
    },
  }
  return { lake, reached: arrived.promise, open: () => opened.resolve() }
}

/** The commit log of a lake from before checkpoints, of so many claims. */
async function unfolded(records: number): Promise<{ lake: LakeStorage; log: string; staging: string }> {
  const lake = openMemoryLake()
  const log = partitionCommits('/t', 'id', 0)
  const common = {
    format: 2,
    fence: 1,
    owner: 'me',
    topic: 't',
    topicId: 'id',
    partition: 0,
    first: 0,
    next: 0,
  } as const
  for (let seq = 1; seq <= records; seq++) {
    const committedAt = new Date(seq).toISOString()
    const record: CommitRecord = { ...common, seq, fence: seq, id: `${seq}`, committedAt, kind: 'claim' }
    await lake.write(`${log}/${recordName(seq)}`, encodeRecord(record))
  }
  return { lake, log, staging: '/t/_staging/id/p0/1' }
}

it('folds a lake that never had a checkpoint in steps', async () => {
  const { lake, log, staging } = await unfolded(5_000)
  const steps: number[] = []
  const watched = { ...watchedLake(lake, () => undefined) }
  watched.rename = async (from, to) => {
    await lake.rename(from, to)
    steps.push(...(await checkpointNumbers(lake, log)).slice(-1))
  }
  expect(await fold({ ...options(), lake: watched, log, staging }, 4_999, 128)).toBe(4_999)
  expect(steps).toEqual([4_096, 4_999])
})

it('folds past a damaged checkpoint whose number it would write again, or leaves it for the next time', async () => {
  const place = await unfolded(4_200)
  const { lake, log } = place
  await lake.write(`${checkpointsFolder(log)}/${checkpointName(4_096)}`, Buffer.from('no checkpoint'))
  const foldUpTo = (upTo: number) => fold({ ...options(), ...place, signal: AbortSignal.timeout(10_000) }, upTo, 50)
  expect(await foldUpTo(4_096)).toBe(0)
  expect(await checkpointNumbers(lake, log)).toEqual([4_096])
  expect(await foldUpTo(4_200)).toBe(4_200)
  expect(await checkpointNumbers(lake, log)).toEqual([4_097, 4_200])
}, 15_000)

it('merges eight manifests of a level in the order of their paths, whatever that was', async () => {
  const place = { lake: openMemoryLake(), log: '/t/_commits/id/p0' }
  let manifests: Manifest[] = []
  const paths = Array.from(
    { length: 64 * 5 },
    (_, i) => `/t/day=${(i * 37) % 11}/${String((i * 101) % 320).padStart(3, '0')}`,
  )
  for (let i = 0; i < 64; i++) {
    const entries = paths
      .slice(i * 5, i * 5 + 5)
      .sort()
      .map((path) => ({ path, day: null, seq: i + 1, first: i, next: i, events: 1, bytes: 1, crc32: '00000000' }))
    manifests = await mergeManifests(place, [
      ...manifests,
      await writeManifest(place, { level: 0, from: i + 1, to: i + 1 }, entries),
    ])
  }
  expect(manifests).toMatchObject([{ level: 2, from: 1, to: 64, entries: 320 }])
  const read: string[] = []
  for await (const { path } of readManifest(place, manifests[0]!)) read.push(path)
  expect(read).toEqual([...paths].sort())
})
