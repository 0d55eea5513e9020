/** Files that lie in the lake's own folder of this machine, whichever path leads to them. */
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { encode } from '../../src/event.ts'
import { type ImportReport, importFiles } from '../../src/import/import.ts'
import { type VerifyReport, verify } from '../../src/lake/verify.ts'
import { openLake, openOrigin } from '../../src/profiles.ts'

const FILE = 'year=2025/month=07/day=03/batch_20250703_200803.jsonl'
const EVENTS = 5

let folder: string
let topic: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mf-import-'))
  topic = join(folder, 'data/lake/music_events')
  await mkdir(join(topic, dirname(FILE)), { recursive: true })
  await writeFile(join(topic, FILE), Array.from({ length: EVENTS }, (_, n) => lineOf(n)).join(''))
})

afterEach(() => rm(folder, { recursive: true }))

function lineOf(n: number): string {
  const texts = { user: `user${n}`, artist: 'Carol Moore', track: 'Nights', genre: 'Jazz', platform: 'Spotify' }
  const rest = { duration: 100 + n, device: 'Desktop', action: 'like', country: 'FR' }
  return `${encode({ ...texts, ...rest, timestamp: '2025-07-03T20:07:50.691643' })}\n`
}

/** Imports as the command does, and looks at the lake as `verify` does. */
async function run(typed: string): Promise<{ imported: ImportReport; found: VerifyReport; isTaken: boolean }> {
  const { config } = loadConfig({ dataDir: join(folder, 'data'), topic: 'music_events' }, {})
  const lake = await openLake(config)
  try {
    const root = `/${config.topic}`
    const place = { lake, root, signal: new AbortController().signal, onRetry: () => undefined, acceptGap: false }
    const imported = await importFiles({ ...place, ...(await openOrigin(config, join(folder, typed))) })
    const isTaken = (await lake.stat(`${root}/_imports/taken/${FILE}`)) !== undefined
    return { imported, found: await verify({ lake, root, deep: true }), isTaken }
  } finally {
    await lake.close()
  }
}

it.each([
  ['the lake', 'data/lake', async () => undefined],
  ['a file of it', `data/lake/music_events/${FILE}`, async () => undefined],
  ['a folder that the lake is in', '.', async () => undefined],
  ['a link to the lake', 'link', () => symlink(join(folder, 'data/lake'), join(folder, 'link'))],
  ['a folder with a link to a day', 'old', () => linkTo(join(topic, dirname(FILE)))],
  ['the place that the topic is a link to', 'elsewhere', () => moveElsewhere()],
  ['the lake, where the topic is a link', 'data/lake', () => moveElsewhere()],
  ['the lake, where a day is a link', 'data/lake', () => moveElsewhere(dirname(FILE))],
])('are moved away when they are imported by %s, so that readers find each event once', async (_, typed, arrange) => {
  await arrange()
  const { imported, found, isTaken } = await run(typed)
  expect(imported).toMatchObject({ files: 1, known: 0, events: EVENTS })
  expect(found).toMatchObject({ ok: true, events: EVENTS })
  expect(isTaken).toBe(true)
})

it('are taken once when two ways lead to them', async () => {
  await linkTo(topic)
  const { imported, found, isTaken } = await run('.')
  expect(imported).toMatchObject({ files: 2, known: 1, events: EVENTS })
  expect(found).toMatchObject({ ok: true, events: EVENTS })
  expect(isTaken).toBe(true)
})

it('are moved away also when their events were imported before, from a copy', async () => {
  await cp(join(topic, FILE), join(folder, 'old', FILE))
  expect(await run('old')).toMatchObject({
    imported: { known: 0, events: EVENTS },
    found: { ok: false },
    isTaken: false,
  })
  expect(await run('data/lake')).toMatchObject({
    imported: { known: 1, events: 0 },
    found: { ok: true },
    isTaken: true,
  })
})

it('stay when they are copies beside the lake, or set aside already', async () => {
  await cp(join(topic, FILE), join(folder, 'old', FILE))
  await run('data/lake')
  await linkTo(join(topic, '_imports/taken'))
  const { imported, found, isTaken } = await run('old')
  expect(imported).toMatchObject({ files: 2, known: 2, events: 0 })
  expect(found).toMatchObject({ ok: true, events: EVENTS })
  expect(isTaken).toBe(true)
  expect(await run('old')).toMatchObject({ imported: { files: 2, known: 2 } })
})

it('are none of those that the archive has committed, where a link leads to one', async () => {
  await run('data/lake')
  const days = join(topic, dirname(FILE))
  const [committed] = (await readdir(days)).filter((name) => name.startsWith('batch_'))
  await linkTo(join(days, committed as string), 'batch_20250101_000000.jsonl')
  expect(await run('old')).toMatchObject({ imported: { files: 1 }, found: { ok: true } })
})

async function linkTo(place: string, name = 'link'): Promise<void> {
  await mkdir(join(folder, 'old'), { recursive: true })
  await symlink(place, join(folder, 'old', name))
}

/** A folder of the topic, or its own, is a link then. */
async function moveElsewhere(below = '.'): Promise<void> {
  const from = join(topic, below)
  await rename(from, join(folder, 'elsewhere'))
  await symlink(join(folder, 'elsewhere'), from)
}
