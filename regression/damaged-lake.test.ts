/**
 * Guarantee: whatever happens to the files of a lake, `verify` names it, no archiver goes on over a broken head, and
 * `repair` mends it from what the log still holds. Each damage is done to the lake that the repair of the one before left.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { encodeRecord } from '../src/archive/record.ts'
import { repair } from '../src/lake/repair.ts'
import { type ProblemKind, verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { type Damage, eventsOf, FILES, flipped, HEADS, RECORDS, Site } from './damages.ts'
import { LONG } from './form.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const services = inject('services')
const onServices = 'skipped' in services ? undefined : services

/** Each repair takes HDFS seconds: there the heads, which are what archivers and repair contend for, and one of each kind. */
const ON_HDFS = [...FILES, ...RECORDS].filter(({ short }) => short).concat(HEADS)
const PROFILES = [
  { profile: 'memory', open: () => Site.inMemory() },
  { profile: 'embedded', open: () => Site.open({ MF_PROFILE: 'embedded' }) },
  {
    profile: 'cluster',
    open: () =>
      Site.open({
        MF_PROFILE: 'cluster',
        MF_KAFKA_BROKERS: onServices!.kafka.brokers.join(','),
        MF_HDFS_NAMENODES: onServices!.hdfs.namenodes.join(','),
      }),
  },
]

describe.each(PROFILES)('$profile', ({ profile, open }) => {
  const there = profile !== 'cluster' || onServices !== undefined
  let site: Site
  beforeAll(async () => {
    if (there) site = await open()
  })
  afterAll(() => site?.close())

  const all = LONG && profile === 'cluster' ? ON_HDFS : [...FILES, ...RECORDS, ...HEADS]
  const tried = all.filter(({ short }) => LONG || short || profile === 'memory')
  it.skipIf(!there).each(tried)('$name', async (damage) => {
    await tryOut(site, damage)
  })
})

async function tryOut(site: Site, { name, do: damage, refused, undo }: Damage): Promise<void> {
  const expected = await damage(site)
  const { problems, pending } = await verify({ lake: site.lake, root: site.root, deep: true })
  const named = problems.map(({ kind, path }): [ProblemKind, string] => [kind, path])
  expect(named).toEqual(expect.arrayContaining(expected))
  if (expected.length === 0) expect(pending, name).not.toEqual([])
  if (refused) await expectRefused(site, refused)

  const before = await site.snapshot()
  const planned = await site.repair({ dryRun: true })
  expect(await site.snapshot(), 'a dry run').toEqual(before)
  const report = await site.repair()
  if (undo) {
    expect(report).toMatchObject({ ok: false, steps: [] })
    expect(report.left.map(({ kind, path }) => [kind, path])).toEqual(named)
    expect(await site.snapshot(), 'what cannot be repaired').toEqual(before)
    await undo(site)
  } else {
    expect(report, JSON.stringify(planned)).toMatchObject({ ok: true, left: [] })
    expect(planned).toMatchObject({ ok: true, steps: report.steps.slice(0, planned.steps.length) })
    expect(report.steps.length).toBeGreaterThan(0)
  }
  if (refused) await site.archive()
  await expectLakeHoldsLog(site.log, site.lake, site.root, name)
  expect(await site.repair(), 'again').toMatchObject({ ok: true, steps: [], run: null })
}

/** Nothing of its partition is archived, all of the other is. */
async function expectRefused(site: Site, code: string): Promise<void> {
  await site.append(8)
  const before = await site.snapshot()
  await expect(site.archive()).rejects.toMatchObject({ code })
  const added = (await site.snapshot()).filter((line) => !before.includes(line))
  expect(added.filter((line) => line.includes('/p1/') || line.includes('_p1_'))).not.toEqual([])
  expect(added.filter((line) => line.includes('_p0_') || line.includes('/p0/'))).toEqual([])
}

it('leaves what the log no longer holds, and names its offsets', async () => {
  const site = await Site.inMemory()
  const batch = (await site.batches())[0]!
  const { path } = eventsOf(batch)[0]!
  await site.lake.remove(path)
  const forgetful: EventLog = Object.create(site.log, {
    describe: {
      value: async () => {
        const { topicId, partitions } = await site.log.describe()
        return { topicId, partitions: new Map([...partitions].map(([p, { end }]) => [p, { start: end, end }])) }
      },
    },
  })
  const before = await site.snapshot()
  const options = { lake: site.lake, log: forgetful, root: site.root }
  const { topicId, partition, first, next } = batch
  expect(await repair(options)).toMatchObject({
    ok: false,
    steps: [],
    left: [{ kind: 'file_missing', path, offsets: { topicId, partition, first, next } }],
  })
  // A record without the log: its files are all that is left of it, so they stay.
  await site.lake.remove(site.record(batch.seq))
  expect(await repair(options)).toMatchObject({ ok: false, steps: [], left: [{ kind: 'record_missing' }] })
  expect(await site.snapshot()).toEqual(before.filter((line) => !line.startsWith(site.record(batch.seq))))
  await site.lake.write(site.record(batch.seq), encodeRecord(batch))
  expect(await site.repair()).toMatchObject({ ok: true })
  await expectLakeHoldsLog(site.log, site.lake, site.root, 'with the log')
  await site.close()
})

it('restores no record whose files are not what the log holds', async () => {
  const site = await Site.inMemory()
  const batch = (await site.batches())[1]!
  await site.lake.remove(site.record(batch.seq))
  await site.damage(eventsOf(batch)[0]!.path, flipped)
  const before = await site.snapshot()
  const { topicId, partition, first, next } = batch
  expect(await site.repair()).toMatchObject({
    ok: false,
    steps: [],
    left: [{ kind: 'record_missing', path: site.record(batch.seq), offsets: { topicId, partition, first, next } }],
  })
  expect(await site.snapshot()).toEqual(before)
  await site.undo()
  expect(await site.repair()).toMatchObject({ ok: true })
  await expectLakeHoldsLog(site.log, site.lake, site.root, 'with its file')
})

it('puts no file in place that is not the one its record says', async () => {
  const site = await Site.inMemory()
  const batch = (await site.batches())[1]!
  const [file, ...files] = batch.files
  const other = { ...batch, files: [{ ...file!, crc32: '00000000' }, ...files] }
  await site.damage(site.record(batch.seq), () => encodeRecord(other))
  const before = await site.snapshot()
  expect(await site.repair()).toMatchObject({
    ok: false,
    steps: [],
    left: [{ kind: 'file_checksum', path: file!.path, offsets: { first: batch.first, next: batch.next } }],
  })
  expect(await site.snapshot()).toEqual(before)
  await site.undo()
  await expectLakeHoldsLog(site.log, site.lake, site.root, 'with its record')
})

it('publishes no file that was damaged while it waited: it is made again', async () => {
  const site = await Site.inMemory()
  const { path, staged } = eventsOf((await site.batches())[1]!)[0]!
  await site.lake.rename(path, staged)
  await site.damage(staged, flipped)
  const { steps } = await site.repair()
  expect(steps).toMatchObject([{ action: 'remake', path }])
  await expectLakeHoldsLog(site.log, site.lake, site.root, 'made again')
})
