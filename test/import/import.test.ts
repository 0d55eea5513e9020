import { beforeEach, expect, it } from 'vitest'
import { CommitLog } from '../../src/archive/commits.ts'
import { partitionCommits, recordName } from '../../src/archive/layout.ts'
import { IMPORT_ID } from '../../src/archive/lineages.ts'
import { sealImported } from '../../src/archive/seal.ts'
import { systemClock } from '../../src/clock.ts'
import { MusicFakerError } from '../../src/errors.ts'
import { encode } from '../../src/event.ts'
import { type ImportOptions, importFiles } from '../../src/import/import.ts'
import { LONGEST_LINE } from '../../src/import/sources.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import { dataFiles, quarantined } from '../archive/lake-contents.ts'
import { FilledLake } from '../export/filled-lake.ts'
import { killedAt } from '../export/killed.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'

const ROOT = '/music'
const OLD = '/old'

let folders: LakeStorage

beforeEach(async () => {
  folders = openMemoryLake()
  await folders.write(`${OLD}/year=2025/month=07/day=03/batch_20250703_200803.jsonl`, lines(0, 5))
  await folders.write(`${OLD}/year=2025/month=07/day=04/batch_20250704_000001.jsonl`, lines(5, 9))
  await folders.write(`${OLD}/batch_20250705_000000.jsonl`, Buffer.from('{"user":\n\n{}\n'))
  await folders.write(`${OLD}/batch_20250703_200803_p0_0-4999.jsonl`, Buffer.from('of the archiver\n'))
})

/** Events of two days; the last line is cut off before its line break. */
function lines(from: number, to: number): Buffer {
  const events = Array.from({ length: to - from }, (_, i) => lineOf(from + i))
  return Buffer.from(events.join('\n'))
}

function lineOf(n: number, day = new Date(Date.UTC(2025, 6, 3 + (n % 2)))): string {
  const texts = { user: `user${n}`, artist: 'Carol Moore', track: 'Nights', genre: 'Jazz', platform: 'Spotify' }
  const rest = { duration: 100 + n, device: 'Desktop', action: 'like', country: 'FR' }
  return encode({ ...texts, ...rest, timestamp: `${day.toISOString().slice(0, 10)}T20:07:50.691643` }).toString()
}

const ALL = Array.from({ length: 9 }, (_, n) => lineOf(n)).sort()

function run(lake: LakeStorage, options: Partial<ImportOptions> = {}) {
  return importFiles({
    ...{ lake, root: ROOT, folders, acceptGap: false },
    origin: { from: 'folder', path: OLD },
    signal: new AbortController().signal,
    onRetry: () => undefined,
    ...options,
  })
}

const linesOf = async (lake: LakeStorage) => [...(await dataFiles(lake, ROOT)).values()].flat().sort()

it('takes each line once, to the folder of its day or the quarantine, however often it is run', async () => {
  const lake = openMemoryLake()
  expect(await run(lake)).toEqual({ files: 3, known: 0, events: 9, quarantined: 2, lost: 0 })
  expect(await run(lake)).toEqual({ files: 3, known: 3, events: 0, quarantined: 0, lost: 0 })
  expect(await linesOf(lake)).toEqual(ALL)
  expect((await quarantined(lake, ROOT)).map(({ reason }) => reason)).toEqual(['bad_json', 'missing_field'])
  // The empty line is an offset without a message.
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({
    ok: true,
    events: 9,
    quarantined: 2,
    skipped: 1,
  })
})

it('says what to do when another import or a compaction has taken over, and does it when run again', async () => {
  const lake = openMemoryLake()
  const taken: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      if (to === `${partitionCommits(ROOT, IMPORT_ID, 0)}/${recordName(2)}`) {
        await CommitLog.claim({
          ...{ lake, root: ROOT, topic: 'music', topicId: IMPORT_ID, partition: 0, owner: 'other', clock: Date.now },
          signal: new AbortController().signal,
          onRetry: () => undefined,
        })
      }
      await lake.rename(from, to)
    },
  }
  await expect(run(taken)).rejects.toMatchObject({
    code: 'COMMIT_FENCED',
    next: expect.stringMatching(/^Run it again/),
  })
  expect(await run(lake)).toMatchObject({ events: 9, quarantined: 2, lost: 0 })
  expect(await linesOf(lake)).toEqual(ALL)
})

it('goes on when an older import has listed files meanwhile, and takes each once', async () => {
  const lake = openMemoryLake()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const listing = (before: () => Promise<unknown>): LakeStorage => ({
    ...boundLake(lake),
    rename: async (from, to) => {
      if (to === `${ROOT}/_imports/00000000000000000001.json`) await before()
      await lake.rename(from, to)
    },
  })
  const older = run(
    listing(() => {
      first.resolve()
      return second.promise
    }),
  )
  older.catch(() => undefined)
  await first.promise
  await folders.write(`${OLD}/batch_20250706_000000.jsonl`, lines(20, 22))
  const over = async () => {
    second.resolve()
    await expect(older).rejects.toMatchObject({ code: 'COMMIT_FENCED' })
  }
  const report = await run(listing(over))
  expect(report).toMatchObject({ files: 4, events: 11, quarantined: 2, lost: 0 })
  expect(await linesOf(lake)).toEqual([...ALL, lineOf(20), lineOf(21)].sort())
})

it('seals the days that are over, and again what comes late; none of a lake that archivers have written to', async () => {
  const lake = openMemoryLake()
  const seals: [string, number, number][] = []
  const seal = async (into: LakeStorage) => {
    await sealImported({
      ...{ lake: into, root: ROOT, latenessMs: 3_600_000, clock: { ...systemClock, now: () => Date.UTC(2025, 6, 5) } },
      signal: new AbortController().signal,
      onRetry: () => undefined,
      onSealed: ({ day, events, late }) => seals.push([day, events, late]),
    })
  }
  await run(lake)
  await seal(lake)
  // The day that is just over waits for its lateness.
  expect(seals.splice(0)).toEqual([['2025-07-03', 5, 0]])
  await folders.write(`${OLD}/batch_20250706_000000.jsonl`, lines(10, 13))
  await run(lake)
  await seal(lake)
  expect(seals.splice(0)).toEqual([['2025-07-03', 7, 2]])
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 12 })

  const source = new FilledLake(openMemoryLake())
  await source.fill(10)
  await run(source.lake)
  await seal(source.lake)
  expect(seals).toEqual([])
})

it('knows a copy, and takes what is new beside what archivers have committed', async () => {
  const source = new FilledLake(openMemoryLake())
  await source.fill(10)
  await run(source.lake)
  const copied = await folders.read(`${OLD}/year=2025/month=07/day=03/batch_20250703_200803.jsonl`)
  await folders.write('/copy/a/batch_20250703_200803.jsonl', copied)
  await folders.write('/copy/b/batch_20250703_200803.jsonl', lines(20, 22))
  // What is imported may be removed.
  await folders.remove(OLD)
  const origin = { from: 'folder', path: '/copy' } as const
  expect(await run(source.lake, { origin })).toMatchObject({ files: 2, known: 1, events: 2 })
  expect(await verify({ lake: source.lake, root: ROOT })).toMatchObject({ ok: true, events: 21 })
})

it('moves files of the lake itself away, so that readers find each event once', async () => {
  const lake = openMemoryLake()
  const path = `${ROOT}/year=2025/month=07/day=03/batch_20250703_200803.jsonl`
  await lake.write(path, lines(0, 5))
  await run(lake, { origin: { from: 'lake', path: ROOT } })
  expect(await linesOf(lake)).toEqual(ALL.slice(0, 5))
  expect(await lake.stat(`${ROOT}/_imports/taken${path.slice(ROOT.length)}`)).toBeDefined()
  expect(await verify({ lake, root: ROOT })).toMatchObject({ ok: true, events: 5 })
})

it('moves files of the lake away that it has taken before it met one that is gone', async () => {
  const lake = openMemoryLake()
  const [taken, gone] = ['20250703_200803', '20250704_000001'].map((at) => `${ROOT}/batch_${at}.jsonl`)
  await lake.write(taken!, lines(0, 5))
  await lake.write(gone!, lines(5, 9))
  const losing: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      await lake.rename(from, to)
      if (to.startsWith(`${ROOT}/_imports/0`)) await lake.remove(gone!)
    },
  }
  const report = await run(losing, { origin: { from: 'lake', path: ROOT }, acceptGap: true })
  expect(report).toMatchObject({ events: 5, lost: 4 })
  expect(await lake.stat(taken!)).toBeUndefined()
  expect(await verify({ lake, root: ROOT })).toMatchObject({ ok: true, events: 5, gaps: 4 })
})

it.each([
  ['told to stop', undefined],
  ['refused by the lake', new MusicFakerError('LAKE_DENIED', 'no rights')],
])('%s amid the commit of more days than one takes, the next run makes it whole', async (_, refusal) => {
  const lake = openMemoryLake()
  const stop = new AbortController()
  const files = ['20250701_000000', '20250801_000000'].map((at) => `/many/batch_${at}.jsonl`)
  const wanted: string[] = []
  for (const [i, path] of files.entries()) {
    const days = Array.from({ length: 40 }, (_, n) => lineOf(n, new Date(Date.UTC(2025, 0, 1 + 40 * i + n))))
    wanted.push(...days)
    await folders.write(path, Buffer.from(`${days.join('\n')}\n`))
  }
  const stopping: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      if (!to.includes('/day=')) return lake.rename(from, to)
      if (refusal) throw refusal
      stop.abort(new Error('stopped'))
      return new Promise(() => undefined)
    },
  }
  const origin = { from: 'folder', path: '/many' } as const
  await expect(run(stopping, { origin, signal: stop.signal })).rejects.toThrow(refusal?.message ?? 'stopped')
  await run(lake, { origin })
  expect(await linesOf(lake)).toEqual(wanted.sort())
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 80 })
})

it('keeps the beginning of what goes on for ever without a line break, and takes the lines beside it', async () => {
  const lake = openMemoryLake()
  const endless = async function* () {
    yield Buffer.from(`${lineOf(20)}\n{`)
    // In all more than a text can hold.
    const more = Buffer.alloc(1_048_576, 'x')
    for (let i = 0; i < 600; i++) yield more
    yield Buffer.from(`}\n${lineOf(21)}\n`)
  }
  const path = `${OLD}/batch_20250706_000000.jsonl`
  await folders.write(path, new Uint8Array(1))
  const stream: LakeStorage['stream'] = (of) => (of === path ? endless() : folders.stream(of))
  expect(await run(lake, { folders: { ...boundLake(folders), stream } })).toMatchObject({ events: 11, quarantined: 3 })
  const kept = (await quarantined(lake, ROOT)).find(({ reason }) => reason === 'too_large')
  expect(Buffer.from(kept?.bytes ?? '', 'base64').length).toBeLessThan(2 * LONGEST_LINE)
  expect(await linesOf(lake)).toEqual([...ALL, lineOf(20), lineOf(21)].sort())
})

it('says which listed file is gone, and goes on over it when told to, recording the gap', async () => {
  // Killed at the change after which the list is there.
  const listed = `${ROOT}/_imports/00000000000000000001.json`
  let lake = openMemoryLake()
  for (let last = 1; (await lake.stat(listed)) === undefined; last++) {
    lake = openMemoryLake()
    await expect(run(killedAt(last, true, lake).storage)).rejects.toThrow('killed')
  }
  await folders.remove(`${OLD}/year=2025/month=07/day=03/batch_20250703_200803.jsonl`)
  await expect(run(lake)).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND' })
  expect(await run(lake, { acceptGap: true })).toMatchObject({ events: 4, quarantined: 2, lost: 5 })
  expect(await verify({ lake, root: ROOT })).toMatchObject({ ok: true, events: 4, gaps: 5 })
  // It was never imported, so it is not known when it is found after all.
  await folders.write(`${OLD}/year=2025/month=07/day=03/batch_20250703_200803.jsonl`, lines(0, 5))
  expect(await run(lake)).toMatchObject({ files: 3, known: 2, events: 5, lost: 0 })
  expect(await run(lake)).toMatchObject({ files: 3, known: 3, events: 0 })
  expect(await linesOf(lake)).toEqual(ALL)
})

it.each([
  ['before', false],
  ['after', true],
])('killed %s any change, the next run makes it whole, each line once', async (_, happens) => {
  let died = 0
  for (let last = 1; ; last++) {
    const lake = openMemoryLake()
    const first = await run(killedAt(last, happens, lake).storage).catch((error) => error)
    if (!(first instanceof Error)) break
    died++
    await run(lake)
    expect(await linesOf(lake), `killed ${_} change ${last}`).toEqual(ALL)
    expect(await quarantined(lake, ROOT)).toHaveLength(2)
    expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true })
  }
  expect(died).toBeGreaterThan(8)
})
