import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expand, lakePath, matchesGlob, requireTopic } from '../../src/cli/lake-paths.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'

let folder: string
let lake: LakeStorage

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mf-paths-'))
  lake = await openLocalLake({ folder })
  for (const path of [
    'year=2025/month=06/a.jsonl',
    'year=2025/month=07/b.jsonl',
    'year=2026/month=07/c.jsonl',
    '_x/d',
  ]) {
    await lake.write(`/music/${path}`, Buffer.from('x'))
  }
})

afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true })
})

async function pathsOf(typed?: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of expand(lake, 'music', typed)) paths.push(path)
  return paths
}

test('relative paths stand under the root, and none leads above the lake', () => {
  expect([undefined, 'a/b', '/other', '..', '../../..', 'a//b/../c/'].map((typed) => lakePath('music', typed))).toEqual(
    ['/music', '/music/a/b', '/other', '/', '/', '/music/a/c'],
  )
})

test('only * and ? are special in a pattern', () => {
  expect(matchesGlob('batch_*.jsonl', 'batch_1.jsonl')).toBe(true)
  expect(matchesGlob('batch_*.jsonl', 'batch_1xjsonl')).toBe(false)
  expect(matchesGlob('a?c', 'abc')).toBe(true)
  expect(matchesGlob('a?c', 'ac')).toBe(false)
  expect(matchesGlob('(a|b)+[c]', '(a|b)+[c]')).toBe(true)
  expect(matchesGlob('[ab]', 'a')).toBe(false)
  expect(matchesGlob('day=*', 'xday=03')).toBe(false)
})

test('a plain path is itself, a pattern all that it matches in order', async () => {
  expect(await pathsOf()).toEqual(['/music'])
  expect(await pathsOf('year=2025/month=06/a.jsonl')).toEqual(['/music/year=2025/month=06/a.jsonl'])
  expect(await pathsOf('year=*/month=07/*')).toEqual([
    '/music/year=2025/month=07/b.jsonl',
    '/music/year=2026/month=07/c.jsonl',
  ])
  expect(await pathsOf('/*/_?')).toEqual(['/music/_x'])
})

test('a name that is not there is said to be missing', async () => {
  await expect(pathsOf('year=1999')).rejects.toMatchObject({
    code: 'LAKE_NOT_FOUND',
    message: '/music/year=1999 is not in the lake',
  })
  await expect(pathsOf('year=1999/*')).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND' })
})

test('a lake without a root is said to be empty', async () => {
  const paths = expand(lake, 'nothing_yet')
  await expect(paths.next()).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND', message: 'the lake is still empty' })
})

test('a topic with a typing mistake is told beside those that the lake holds', async () => {
  await lake.write('/music/_commits/id/p0/00000000000000000001.json', Buffer.from('{}'))
  const wrong = {
    code: 'LAKE_NOT_FOUND',
    message: 'nothing of topic "musik" is in the lake, which holds "music"',
    next: expect.stringContaining('Check --topic'),
  }
  await expect(expand(lake, 'musik').next()).rejects.toMatchObject(wrong)
  await expect(requireTopic(lake, 'musik')).rejects.toMatchObject(wrong)
  await expect(requireTopic(lake, 'music')).resolves.toBeUndefined()
})
