import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SmallDisk } from '../regression/small-disk.ts'
import { openLocalLake } from '../src/lake/local.ts'
import { replay } from '../src/replay/replay.ts'
import { query } from '../src/sql/sql.ts'
import { FilledLake } from './export/filled-lake.ts'

const refusal = SmallDisk.refusal()

let folder: string
let source: FilledLake

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-temporary-'))
  source = new FilledLake(openLocalLake({ folder }))
  await source.fill(60)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

const ask = (place: { folder?: string }) =>
  query({ sql: 'SELECT count(*) FROM events', lake: source.lake, root: source.root, ...place }, async () => undefined)

const FULL = { code: 'LAKE_FULL', next: expect.stringContaining('TMPDIR') }

const WAYS: [string, () => Promise<unknown>][] = [
  ['a query of a lake in a folder', () => ask({ folder })],
  ['a query of another lake', () => ask({})],
  [
    'a replay',
    () =>
      replay({
        ...{ lake: source.lake, root: source.root, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
        ...{ log: { append: async () => undefined }, signal: new AbortController().signal, runBytes: 2_000 },
      }),
  ],
]

it.each(WAYS)('%s says that the temporary folder is missing', async (_, run) => {
  vi.stubEnv('TMPDIR', join(folder, 'missing'))
  await expect(run()).rejects.toMatchObject({ code: 'CONFIG_INVALID', next: expect.stringContaining('TMPDIR') })
})

describe.skipIf(refusal !== undefined)(`a full disk${refusal ? ` (skipped: ${refusal})` : ''}`, () => {
  let place: string
  let disk: SmallDisk

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'music-faker-full-'))
    disk = SmallDisk.mount(place)
    vi.stubEnv('TMPDIR', place)
  })
  afterEach(async () => {
    disk.unmount()
    await rm(place, { recursive: true })
  })

  it.each(WAYS)('%s says that the temporary folder is full, and leaves nothing there', async (_, run) => {
    disk.fill()
    await expect(run()).rejects.toMatchObject(FULL)
    expect(await readdir(place)).toEqual(['filler'])
  })

  it('that is full only once events are loaded is told as well', async () => {
    const { lake } = source
    const stream = lake.stream.bind(lake)
    lake.stream = (path) => {
      if (path.endsWith('.jsonl')) disk.fill()
      return stream(path)
    }
    await expect(ask({})).rejects.toMatchObject(FULL)
  })
})
