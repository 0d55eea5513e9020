/**
 * Guarantee: archivers may fold the commit log, again and again, between a repair's look at the lake and its plan. What is wrong
 * is mended all the same, or named as left: never passed over, and no error ends the repair.
 */
import { beforeEach, expect, it } from 'vitest'
import { filesOf as liveFilesOf } from '../src/archive/files.ts'
import { baseName, manifestsFolder, partitionCommits, recordName, recordSeq } from '../src/archive/layout.ts'
import type { ManifestEntry } from '../src/archive/manifest.ts'
import { type CommitRecord, decodeRecord } from '../src/archive/record.ts'
import { type RepairReport, repair } from '../src/lake/repair.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'
import { alive, archiveUpTo, messages, own, ownAndJoin, TOPIC } from './joining-scene.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const MESSAGES = 16
const ROOT = `/${TOPIC}`
/** So many that each manifest is merged into another, and each record of before is removed. */
const MANY = 9

let lake: LakeStorage
let log: EventLog

beforeEach(async () => {
  lake = openMemoryLake()
  log = new MemoryTopic(TOPIC).open(1)
  await log.ensureTopic()
  await log.append(messages(MESSAGES))
  await archiveUpTo({ log, lake, root: ROOT }, MESSAGES)
})

/** Claims the partition, and folds all there is, so many times. */
async function fold(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await (await own({ log, lake, root: ROOT }, 1)).close()
}

/** A log that does this when it is first asked what it holds: after the look at the lake. */
function meanwhile(act: () => Promise<void>, of = log): EventLog {
  const describe = of.describe.bind(of)
  of.describe = async () => {
    of.describe = describe
    await act()
    return describe()
  }
  return of
}

const repairWith = (of: EventLog): Promise<RepairReport> => repair({ lake, log: of, root: ROOT, deep: true })

const commits = async () => partitionCommits(ROOT, (await log.describe()).topicId, 0)

async function records(): Promise<CommitRecord[]> {
  const all: CommitRecord[] = []
  for await (const { path } of lake.list(await commits())) {
    if (recordSeq(baseName(path))) all.push(decodeRecord(await lake.read(path), path))
  }
  return all
}

/** Joins all there is, and loses the last record of that. The file that it told of. */
async function loseCompaction(): Promise<string> {
  await ownAndJoin({ log, lake, root: ROOT })
  const last = (await records()).findLast((record) => record.kind === 'compaction')!
  await lake.remove(`${await commits()}/${recordName(last.seq)}`)
  return last.joined.path
}

async function emptyLog(): Promise<EventLog> {
  const empty = new MemoryTopic(TOPIC).open(1)
  await empty.ensureTopic()
  return empty
}

async function someFile(): Promise<ManifestEntry> {
  for await (const file of liveFilesOf(lake, ROOT, (await log.describe()).topicId, 0)) return file
  throw new Error('no file')
}

it.each([
  ['a manifest that is merged meanwhile', 1],
  ['a record that is folded and removed meanwhile', 0],
])('makes a file again that is named by %s', async (_, foldedBefore) => {
  await fold(foldedBefore)
  const { path } = await someFile()
  await lake.remove(path)
  const report = await repairWith(meanwhile(() => fold(MANY)))
  expect(report).toMatchObject({ ok: true, left: [], steps: [{ action: 'remake', path }] })
  await expectLakeHoldsLog(log, lake, ROOT, 'made again')
})

it.each([
  ['manifests that are merged meanwhile', 1],
  ['records that are folded and removed meanwhile', 0],
])(
  'restores the record of a compaction whose files are named by %s, though the log holds nothing',
  async (_, times) => {
    const joined = await loseCompaction()
    await fold(times)
    const report = await repairWith(meanwhile(() => fold(MANY), await emptyLog()))
    expect(report).toMatchObject({ ok: true, left: [], steps: [{ action: 'restore_records' }] })
    expect(report.steps[0]?.detail).toContain(joined)
    await expectLakeHoldsLog(log, lake, ROOT, 'restored')
  },
)

it('restores the record of a compaction also where a manifest is damaged that names none of its files', async () => {
  await fold(1)
  const joined = await loseCompaction()
  await log.append(messages(4, MESSAGES))
  await archiveUpTo({ log, lake, root: ROOT }, MESSAGES + 4)
  await fold(1)
  let newest = ''
  for await (const { path } of lake.list(manifestsFolder(await commits()))) newest = path
  await lake.remove(newest)
  const report = await repairWith(await emptyLog())
  expect(report).toMatchObject({ ok: false, steps: [{ action: 'restore_records' }] })
  expect(report.left).toContainEqual(expect.objectContaining({ kind: 'manifest_corrupt', path: newest }))
  expect(await lake.stat(joined)).toBeDefined()
})

it('names as left what the commit log does not name any more, until it is run again', async () => {
  const { path, day, events, bytes } = await someFile()
  await lake.remove(path)
  const report = await repairWith(
    meanwhile(async () => {
      const commits = await own({ log, lake, root: ROOT })
      await commits.tend(({ retire }) => retire([{ path, day, events, bytes }]), alive())
      await commits.close()
      await fold(MANY)
    }),
  )
  expect(report).toMatchObject({
    ok: false,
    steps: [],
    left: [{ kind: 'file_missing', path, why: expect.stringContaining('run repair again') }],
  })
  expect(await repairWith(log)).toMatchObject({ ok: true, steps: [], left: [] })
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true })
})

it('names as left a file in staging whose record is folded meanwhile, and makes it again when it is run again', async () => {
  const { path } = await someFile()
  for (const record of await records()) {
    const file = record.kind === 'batch' ? record.files.find((one) => one.path === path) : undefined
    if (file) await lake.rename(path, file.staged)
  }
  const report = await repairWith(meanwhile(() => fold(MANY)))
  expect(report).toMatchObject({ ok: false, steps: [], left: [{ kind: 'file_unpublished', path }] })
  expect(await repairWith(log)).toMatchObject({ ok: true, steps: [{ action: 'remake', path }], left: [] })
  await expectLakeHoldsLog(log, lake, ROOT, 'made again')
})
