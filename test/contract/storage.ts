/**
 * The contract of the lake's port (`src/lake/storage.ts`), run by every adapter:
 *
 *   storageContract('local', async () => ({ open: () => openLocalLake({ folder }), cleanup: async () => ... }))
 *
 * Nothing here knows an adapter. Each case works in a folder of its own, and the suite removes what it wrote.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import type { LakeEntry, LakeStorage } from '../../src/lake/storage.ts'
import { listCases } from './storage-listing.ts'
import { moveCases } from './storage-moving.ts'
import { readCases } from './storage-reading.ts'
import { writeCases } from './storage-writing.ts'

export interface StorageFixture {
  /** Another object on the same lake, as another process would have. The suite closes it. */
  open(): LakeStorage
  /** Runs once, after every object is closed. */
  cleanup(): Promise<void>
}

/** What the cases work with. Valid within a case only. */
export interface StorageBench {
  readonly lake: LakeStorage
  /** Another object on the same lake. */
  readonly other: LakeStorage
  /** Opens one more, which the case closes. */
  reopen(): LakeStorage
  /** A folder that nothing is in and that no other case has. It does not exist yet. */
  readonly folder: string
}

export function storageContract(name: string, factory: () => Promise<StorageFixture>): void {
  const root = `/contract-${randomUUID()}`
  let fixture: StorageFixture
  let lake: LakeStorage
  let other: LakeStorage
  let cases = 0

  const bench: StorageBench = {
    get lake() {
      return lake
    },
    get other() {
      return other
    },
    reopen: () => fixture.open(),
    get folder() {
      return `${root}/case${cases}`
    },
  }

  describe(`storage contract: ${name}`, () => {
    beforeAll(async () => {
      fixture = await factory()
      lake = fixture.open()
      other = fixture.open()
    })
    beforeEach(() => {
      cases++
    })
    afterAll(async () => {
      await lake.remove(root)
      await Promise.all([lake.close(), other.close()])
      await fixture.cleanup()
    })

    writeCases(bench)
    readCases(bench)
    moveCases(bench)
    listCases(bench)
  })
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export async function textOf(lake: LakeStorage, path: string): Promise<string> {
  return new TextDecoder().decode(await lake.read(path))
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export async function namesIn(lake: LakeStorage, folder: string, after?: string): Promise<string[]> {
  const entries = await collect<LakeEntry>(lake.list(folder, after === undefined ? {} : { after }))
  return entries.map(({ path }) => path.slice(folder.length + 1))
}

/** `count` chunks of `size` bytes, no two alike, made one at a time. */
export async function* chunksOf(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(size, `chunk ${i} of ${count};`)
}

/** What became of calls that raced: how many resolved, and the codes of the others. */
export async function outcomes(calls: Promise<unknown>[]): Promise<{ won: number[]; codes: string[] }> {
  const settled = await Promise.allSettled(calls)
  const won = settled.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
  const codes = settled.flatMap((result) => (result.status === 'rejected' ? [String(result.reason.code)] : []))
  return { won, codes }
}

/** Names that are awkward in URLs, shells or sorting, all of them allowed. */
export const ODD_NAMES = [
  ' leading and trailing ',
  '%',
  '%41',
  '100%25',
  '+plus+',
  'a&b=c',
  'a;b,c',
  'a#b',
  'what?',
  'year=2025',
  '"quoted"',
  "it's",
  'back\\slash',
  '{brace}[bracket]',
  'tilde~^`|<>',
  '*star*',
  'line\nbreak',
  '.hidden',
  '..two',
  '_under',
  'ete\u0301 decomposed',
  '\u00e9t\u00e9 composed',
  '\u{1f3b5} music',
  '\uff21 fullwidth',
  '\u0905\u0928',
  'n'.repeat(200),
]
