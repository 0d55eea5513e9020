/**
 * Guarantee: small files are joined into larger ones without an event being lost, doubled or out of the order of its offsets,
 * whatever dies at whatever step, whoever archives or reads meanwhile; and where the lake appends files to each other, as HDFS
 * does, a plain reader of the folder sees each event once at every moment.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { foldersOf } from '../src/archive/compactor.ts'
import { filesOf as liveFilesOf } from '../src/archive/files.ts'
import { joinedOf } from '../src/archive/join-plan.ts'
import { partitionCommits } from '../src/archive/layout.ts'
import { decodeRecord } from '../src/archive/record.ts'
import { MusicFakerError } from '../src/errors.ts'
import { openLocalLake } from '../src/lake/local.ts'
import { repair } from '../src/lake/repair.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import { openWebHdfsLake } from '../src/lake/webhdfs.ts'
import type { EventLog } from '../src/log/log.ts'
import { openSqliteLog } from '../src/log/sqlite.ts'
import { LakeFollower } from '../src/stats/follower.ts'
import { boundLake } from '../test/lake/bound-lake.ts'
import { openAppendingLake, openMemoryLake } from '../test/lake/memory.ts'
import { APPENDING_STEPS, COPYING_STEPS, dyingLake, type Step, tornCalls, WAYS, type Way } from './dying-lake.ts'
import { LONG } from './form.ts'
import { alive, archiveUpTo, DAYS, filesOf, joinAll, messages, own, ownAndJoin, TOPIC } from './joining-scene.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const MESSAGES = 20
const ROOT = `/${TOPIC}`

const services = inject('services')
let folder: string
let log: EventLog
let lakes = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-compaction-'))
  log = await openSqliteLog({ file: join(folder, 'log'), topic: TOPIC, partitions: 1 })
  await log.ensureTopic()
  await log.append(messages(MESSAGES))
})
afterAll(async () => {
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

/** A lake in a folder of its own, and what a rename in it leaves that is cut short. */
function localLake() {
  const at = join(folder, `lake${++lakes}`)
  const half = async (from: string, to: string) => {
    await mkdir(dirname(join(at, to)), { recursive: true })
    await link(join(at, from), join(at, to)).catch(() => undefined)
  }
  return { lake: openLocalLake({ folder: at }), half }
}

async function fileCount(lake: LakeStorage, root = ROOT): Promise<number> {
  const days = await Promise.all(DAYS.map((day) => filesOf(lake, root, day)))
  return days.flat().length
}

async function everyPath(lake: LakeStorage): Promise<string[]> {
  const paths: string[] = []
  for (const day of DAYS) paths.push(...(await filesOf(lake, ROOT, day)).map(({ path }) => path))
  return paths
}

/** As HDFS is while a snapshot holds the files. */
function refusingLake(lake: LakeStorage): LakeStorage {
  return {
    ...boundLake(lake),
    concat: async () => {
      throw new MusicFakerError('LAKE_DENIED', 'in a snapshot')
    },
    close: async () => {},
  }
}

/** All is there once, in the order of offsets, and nothing is left to be joined. */
async function expectJoined(lake: LakeStorage, what: string, root = ROOT, of = log): Promise<void> {
  await expectLakeHoldsLog(of, lake, root, what)
  const { problems, pending, staged, files, bytes } = await verify({ lake, root, deep: true })
  expect(problems, what).toEqual([])
  expect(pending, what).toEqual([])
  expect(staged, what).toEqual({ files: 0, bytes: 0 })
  for (const day of DAYS) expect(await filesOf(lake, root, day), `${what}, ${day}`).toHaveLength(1)
  const follower = new LakeFollower({ lake, root })
  await follower.refresh()
  expect(follower.problems(), what).toEqual([])
  expect(follower.totals.snapshot(), what).toMatchObject({ files, bytes })
  const newest = follower.files().map(({ path }) => path)
  expect(newest.length, what).toBeGreaterThan(0)
  for (const path of newest) expect(await lake.stat(path), `${what}, ${path}`).toBeDefined()
}

/** Dies at one step of a compaction; the next owner finishes, or gives up, what it finds. The step, or undefined when it lived. */
async function dieJoining(
  lake: LakeStorage,
  step: number,
  way: Way,
  half = tornCalls(lake),
): Promise<Step | undefined> {
  const over = new AbortController()
  const dead = Promise.withResolvers<void>()
  const die = (begun?: Promise<unknown>) => Promise.allSettled([begun]).then(() => dead.resolve())
  const dying = dyingLake(lake, { step, way, half, die })
  await Promise.race([ownAndJoin({ log, lake: dying.lake, root: ROOT, signal: over.signal }), dead.promise])
  over.abort()
  return dying.diedAt
}

const copying = () => ({ lake: openMemoryLake(), half: undefined })
const appending = () => ({ lake: openAppendingLake(), half: undefined })
const PLACES = [
  { name: 'that copies, in memory', open: copying, steps: COPYING_STEPS, ways: WAYS, batch: 2 },
  { name: 'that appends', open: appending, steps: APPENDING_STEPS, ways: WAYS, batch: 2 },
  // Each fsync takes its time.
  { name: 'in a folder', open: localLake, steps: COPYING_STEPS, ways: LONG ? WAYS : (['amid'] as const), batch: 5 },
]

it.each(PLACES)(
  'dies at every step, on a lake $name',
  async ({ open, steps, ways, batch }) => {
    const tried = new Set<string>()
    for (let step = 1, lived = false; !lived; step++) {
      for (const way of ways) {
        const { lake, half } = open()
        await archiveUpTo({ log, lake, root: ROOT }, MESSAGES, batch)
        const diedAt = await dieJoining(lake, step, way, tornCalls(lake, half))
        lived = diedAt === undefined
        const what = `killed ${way} change ${step} (${diedAt})`
        // Whatever it left, it is in order for who looks at it now.
        expect((await verify({ lake, root: ROOT, deep: true })).problems, what).toEqual([])
        await ownAndJoin({ log, lake, root: ROOT })
        await ownAndJoin({ log, lake, root: ROOT })
        await expectJoined(lake, what)
        tried.add(`${way}: ${diedAt}`)
      }
    }
    expect([...tried]).toEqual(expect.arrayContaining(steps.flatMap((step) => ways.map((way) => `${way}: ${step}`))))
  },
  300_000,
)

it('joins while the partition is archived, also events that come late for a day that is joined', async () => {
  for (const lake of [openMemoryLake(), openAppendingLake()]) {
    const late = await openSqliteLog({ file: join(folder, `late${++lakes}`), topic: TOPIC, partitions: 1 })
    await late.ensureTopic()
    await late.append(messages(40))
    const of = { log: late, lake, root: ROOT }
    await archiveUpTo(of, 20)
    await ownAndJoin(of)
    expect(await fileCount(lake)).toBe(2)
    // Late for both days: small files beside the joined ones, which join as they come to half of them.
    await archiveUpTo(of, 40)
    expect(await fileCount(lake)).toBe(20)
    await ownAndJoin(of)
    await expectJoined(lake, 'late', ROOT, late)
    await late.close()
  }
})

it('is fenced like any owner: one that was taken over joins nothing', async () => {
  for (const lake of [openMemoryLake(), openAppendingLake()]) {
    const of = { log, lake, root: ROOT }
    await archiveUpTo(of, MESSAGES)
    const sleeper = await own(of)
    await ownAndJoin(of)
    const before = await everyPath(lake)
    await expect(
      sleeper.tend(
        ({ join }) =>
          join({
            joined: { path: '/x', day: null, events: 0, bytes: 0, crc32: '00000000', parts: [[0, 1, null]] },
            files: [],
          }),
        alive(),
      ),
    ).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
    expect(await everyPath(lake)).toEqual(before)
    await ownAndJoin(of)
    await expectJoined(lake, 'fenced')
  }
})

it('records no join of a file that is gone: it would come back in the joined one, or nobody could put that in its place', async () => {
  for (const lake of [openMemoryLake(), openAppendingLake()]) {
    const of = { log, lake, root: ROOT }
    await archiveUpTo(of, MESSAGES)
    const commits = await own(of)
    const live = liveFilesOf(lake, ROOT, (await log.describe()).topicId, 0)
    const folders = foldersOf(live, { root: ROOT, before: Number.POSITIVE_INFINITY, day: DAYS[0] })
    const { joined, files } = joinedOf((await folders.next()).value)
    const staged = `${commits.staging}/joined.jsonl`
    if (!lake.concat) {
      await lake.write(staged, Buffer.concat(await Promise.all(files.map(({ path }) => lake.read(path)))))
    }
    await lake.remove(files[2]!.path)
    const before = await everyPath(lake)
    const joining = { joined: { ...joined, ...(!lake.concat && { staged }) }, files }
    await expect(commits.tend(({ join }) => join(joining), alive())).rejects.toMatchObject({ code: 'COMMIT_CORRUPT' })
    expect(await everyPath(lake)).toEqual(before)
    expect(commits.stuck).toBe(false)
    await commits.close()
    const { problems } = await verify({ lake, root: ROOT, deep: true })
    expect(problems).toMatchObject([{ kind: 'file_missing', path: files[2]!.path }])
  }
})

it('gives a compaction up that the lake refuses, and archives on', async () => {
  const lake = openAppendingLake()
  const refusing = refusingLake(lake)
  await archiveUpTo({ log, lake, root: ROOT }, 10)
  const left = await ownAndJoin({ log, lake: refusing, root: ROOT })
  expect(left.join()).toMatch(/cannot append the files of \/music_events\/year=2025/)
  expect((await verify({ lake, root: ROOT, deep: true })).problems).toEqual([])
  await archiveUpTo({ log, lake: refusing, root: ROOT }, MESSAGES)
  await expectLakeHoldsLog(log, lake, ROOT, 'refused')
  // And once it does not refuse any more:
  await ownAndJoin({ log, lake, root: ROOT })
  await expectJoined(lake, 'refused, then done')
})

it('finds out when a call that seemed to fail appends while the compaction is given up', async () => {
  const lake = openAppendingLake()
  let late: (() => Promise<void>) | undefined
  let calls = 0
  const doubtful: LakeStorage = {
    ...refusingLake(lake),
    // Times out, and happens later: the second one is refused.
    concat: async (to, sources) => {
      if (++calls % 2 === 0) throw new MusicFakerError('LAKE_DENIED', 'in a snapshot')
      late = async () => lake.concat?.(to, sources)
      throw new MusicFakerError('LAKE_UNREACHABLE', 'timed out')
    },
    rename: async (from, to) => {
      if (calls % 2 === 0) {
        await late?.()
        late = undefined
      }
      await lake.rename(from, to)
    },
  }
  await archiveUpTo({ log, lake, root: ROOT }, MESSAGES)
  await expect(ownAndJoin({ log, lake: doubtful, root: ROOT })).resolves.toHaveLength(3)
  expect(calls).toBeGreaterThan(1)
  await expectJoined(lake, 'late')
})

it('leaves a folder alone of which a file is missing or another than was committed', async () => {
  for (const open of [openMemoryLake, openAppendingLake]) {
    const lake = open()
    await archiveUpTo({ log, lake, root: ROOT }, MESSAGES)
    const [, second] = await filesOf(lake, ROOT, DAYS[0])
    await lake.remove(second?.path ?? '')
    const left = await ownAndJoin({ log, lake, root: ROOT })
    expect(left).toHaveLength(1)
    expect(await filesOf(lake, ROOT, DAYS[1])).toHaveLength(1)
    expect((await verify({ lake, root: ROOT })).problems).toMatchObject([{ kind: 'file_missing', path: second?.path }])
    const { ok } = await repair({ lake, log, root: ROOT })
    expect(ok).toBe(true)
    await ownAndJoin({ log, lake, root: ROOT })
    await expectJoined(lake, 'repaired, then joined')
  }
})

it('makes a joined file again from the log, whether its record is folded or not', async () => {
  for (const foldEvery of [undefined, 4]) {
    for (const open of [openMemoryLake, openAppendingLake]) {
      const lake = open()
      await archiveUpTo({ log, lake, root: ROOT }, MESSAGES)
      const commits = await own({ log, lake, root: ROOT }, foldEvery)
      await joinAll({ log, lake, root: ROOT }, commits)
      await commits.close()
      const paths: string[] = []
      for await (const { path, parts } of liveFilesOf(lake, ROOT, (await log.describe()).topicId, 0)) {
        expect(parts?.length ?? 0).toBeGreaterThan(1)
        paths.push(path)
      }
      expect(paths).toHaveLength(3)
      for (const path of paths) await lake.remove(path)
      const { problems } = await verify({ lake, root: ROOT })
      expect(problems.map(({ kind }) => kind)).toEqual(['file_missing', 'file_missing', 'file_missing'])
      expect(await repair({ lake, log, root: ROOT, deep: true })).toMatchObject({ ok: true, left: [] })
      await expectJoined(lake, 'made again')
    }
  }
})

/** A lake with joined files, and the record of one compaction of them; with `archiveOn` more was archived after that. */
async function joinedLake({ archiveOn, last }: { archiveOn: boolean; last: boolean }) {
  const lake = openMemoryLake()
  const of = { log, lake, root: ROOT }
  await archiveUpTo(of, 16)
  await ownAndJoin(of)
  if (archiveOn) await archiveUpTo(of, MESSAGES)
  const commits = partitionCommits(ROOT, (await log.describe()).topicId, 0)
  const compactions: { path: string; joined: string }[] = []
  for await (const { path } of lake.list(commits)) {
    const record = decodeRecord(await lake.read(path), path)
    if (record.kind === 'compaction') compactions.push({ path, joined: record.joined.path })
  }
  return { lake, ...compactions.at(last ? -1 : 0)! }
}

async function rewrite(lake: LakeStorage, path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = change(Buffer.from(await lake.read(path)))
  await lake.remove(path)
  await lake.write(path, bytes)
}

it.each([
  ['the first of several', { archiveOn: true, last: false }],
  ['the last, with others after it', { archiveOn: true, last: true }],
  ['the head', { archiveOn: false, last: true }],
])('restores the record of a compaction, %s, from the files, though the log holds nothing', async (_, of) => {
  const empty = await openSqliteLog({ file: join(folder, `empty${++lakes}`), topic: TOPIC, partitions: 1 })
  for (const damaged of [false, true]) {
    const { lake, path } = await joinedLake(of)
    if (damaged) await rewrite(lake, path, (bytes) => bytes.subarray(0, 100))
    else await lake.remove(path)
    expect((await verify({ lake, root: ROOT })).ok).toBe(false)
    const { ok, steps } = await repair({ lake, log: empty, root: ROOT, deep: true })
    expect(steps).toMatchObject([{ action: 'restore_records', path }])
    expect(ok).toBe(true)
    await archiveUpTo({ log, lake, root: ROOT }, MESSAGES)
    await expectLakeHoldsLog(log, lake, ROOT, 'restored')
    expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, pending: [] })
  }
  await empty.close()
})

it.each([
  ['the last, with others after it', { archiveOn: true, last: true }],
  ['the head', { archiveOn: false, last: true }],
])('leaves all as it is where the joined file is damaged, too, and the log holds nothing: %s', async (_, of) => {
  const empty = await openSqliteLog({ file: join(folder, `empty${++lakes}`), topic: TOPIC, partitions: 1 })
  const { lake, path, joined } = await joinedLake(of)
  await lake.remove(path)
  await rewrite(lake, joined, (bytes) => bytes.fill('x', 12, 13))
  const before = await everyPath(lake)
  const { ok, steps, left } = await repair({ lake, log: empty, root: ROOT, deep: true })
  expect({ ok, steps }).toEqual({ ok: false, steps: [] })
  const said = left.map(({ why }) => why)
  const expected = of.archiveOn
    ? ['it may have been a compaction: restore it from a backup', `${joined} may hold its lines`]
    : ['it may hold the lines of']
  for (const why of expected) expect(said).toContainEqual(expect.stringContaining(why))
  expect(await everyPath(lake)).toEqual(before)
  await empty.close()
})

it.skipIf('skipped' in services)(
  'shows a plain reader of HDFS each event once at every moment, whatever dies',
  async () => {
    const namenodes = 'skipped' in services ? [] : services.hdfs.namenodes
    const hdfs = openWebHdfsLake({ namenodes, user: 'music-faker-test', requestTimeout: 30_000 })
    const topic = `compaction_${randomUUID()}`
    const root = `/${topic}`
    const log = await openSqliteLog({ file: join(folder, topic), topic, partitions: 1 })
    await log.ensureTopic()
    await log.append(messages(MESSAGES))
    const of = { log, lake: hdfs, root }
    await archiveUpTo(of, MESSAGES)
    const bytes = async () => Object.fromEntries(await Promise.all(DAYS.map(async (day) => [day, await sizeOf(day)])))
    const sizeOf = async (day: string) => (await filesOf(hdfs, root, day)).reduce((sum, file) => sum + file.bytes, 0)
    const whole = await bytes()
    const over = new AbortController()
    let looks = 0
    const reader = (async () => {
      for (; !over.signal.aborted; looks++) expect(await bytes()).toEqual(whole)
    })()
    try {
      for (let step = 1, lived = false; !lived; step++) {
        const dead = Promise.withResolvers<void>()
        const half = tornCalls(hdfs)
        const way = WAYS[step % WAYS.length]!
        const dying = dyingLake(hdfs, {
          step,
          way,
          half,
          die: (begun) => Promise.allSettled([begun]).then(() => dead.resolve()),
        })
        const owner = new AbortController()
        await Promise.race([ownAndJoin({ ...of, lake: dying.lake, signal: owner.signal }), dead.promise, reader])
        owner.abort()
        lived = dying.diedAt === undefined
        expect((await verify({ lake: hdfs, root, deep: true })).problems, `step ${step}, ${dying.diedAt}`).toEqual([])
      }
      await ownAndJoin(of)
      await expectJoined(hdfs, 'HDFS', root, log)
    } finally {
      over.abort()
      await reader
    }
    expect(looks).toBeGreaterThan(10)
    await hdfs.remove(root)
    await Promise.all([hdfs.close(), log.close()])
  },
  300_000,
)
