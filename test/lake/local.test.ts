import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { openLocalLake } from '../../src/lake/local.ts'
import { failure } from '../../src/lake/local-errors.ts'
import { pagesOfFolder } from '../../src/lake/local-list.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'

let folder: string
let lake: LakeStorage

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-local-'))
  lake = openLocalLake({ folder: join(folder, 'made', 'when', 'needed') })
})

afterEach(() => rm(folder, { recursive: true }))

const at = (path: string) => join(folder, 'made', 'when', 'needed', path)

describe('rename', () => {
  it('finishes what a crash left with both names', async () => {
    await lake.write('/from', Buffer.from('x'))
    await mkdir(at('/day'))
    await link(at('/from'), at('/day/to'))
    await lake.rename('/from', '/day/to')
    expect(await readdir(at('/'))).toEqual(['day'])
    expect(await readFile(at('/day/to'), 'utf8')).toBe('x')
  })

  it('does not take an equal file for the same file', async () => {
    await lake.write('/from', Buffer.from('x'))
    await lake.write('/to', Buffer.from('x'))
    await link(at('/to'), at('/other'))
    await expect(lake.rename('/from', '/to')).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
    expect((await readdir(at('/'))).sort()).toEqual(['from', 'other', 'to'])
  })

  it('does not follow a symbolic link that stands in the way', async () => {
    await lake.write('/from', Buffer.from('x'))
    await symlink(at('/from'), at('/to'))
    await symlink(at('/nowhere'), at('/dangling'))
    for (const to of ['/to', '/dangling']) {
      await expect(lake.rename('/from', to)).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
    }
    expect(await readFile(at('/from'), 'utf8')).toBe('x')
  })

  it('refuses folders', async () => {
    await lake.write('/folder/file', Buffer.from('x'))
    await expect(lake.rename('/folder', '/other')).rejects.toMatchObject({ code: 'LAKE_DENIED' })
  })
})

describe('write', () => {
  it('leaves nothing behind when its body breaks', async () => {
    async function* body() {
      yield Buffer.from('half')
      throw new Error('broken')
    }
    await expect(lake.write('/file', body())).rejects.toThrow('broken')
    expect(await readdir(at('/'))).toEqual([])
  })

  it('says what to do where it may not write', async () => {
    await writeFile(join(folder, 'file'), 'x')
    const blocked = openLocalLake({ folder: join(folder, 'file', 'lake') })
    await expect(blocked.write('/a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'LAKE_DENIED',
      next: expect.stringContaining(join(folder, 'file', 'lake')),
    })
    expect((await stat(join(folder, 'file'))).size).toBe(1)
  })

  it.each<[string, ErrorCode]>([
    ['ENOSPC', 'LAKE_FULL'],
    ['EDQUOT', 'LAKE_FULL'],
    ['EACCES', 'LAKE_DENIED'],
    ['EPERM', 'LAKE_DENIED'],
    ['EROFS', 'LAKE_DENIED'],
    ['ENAMETOOLONG', 'LAKE_DENIED'],
    ['EEXIST', 'LAKE_EXISTS'],
    ['EIO', 'LAKE_FAILED'],
    ['EMFILE', 'LAKE_FAILED'],
  ])('turns %s into %s', (errno, code) => {
    const cause = Object.assign(new Error(`${errno}: of the system`), { code: errno })
    const error = failure(cause, 'write', '/a')
    expect(error).toMatchObject({ code, cause, message: expect.stringContaining('cannot write /a: ') })
    if (code === 'LAKE_FULL' || code === 'LAKE_DENIED') expect(error.next).toBeTruthy()
  })

  it('meets a name that is too long', async () => {
    const call = lake.write(`/${'n'.repeat(300)}`, Buffer.from('x'))
    await expect(call).rejects.toMatchObject({ code: 'LAKE_DENIED', next: 'Use a shorter name.' })
  })
})

describe('remove', () => {
  it('removes a symbolic link, not what it leads to', async () => {
    await mkdir(join(folder, 'outside'))
    await writeFile(join(folder, 'outside', 'kept'), 'x')
    await lake.write('/sub/file', Buffer.from('x'))
    await symlink(join(folder, 'outside'), at('/sub/link'))
    await lake.remove('/sub')
    expect(await readdir(join(folder, 'outside'))).toEqual(['kept'])
  })
})

describe('list', () => {
  it('gives every name in order, however few fit into a scan', async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z\u00e9\uff21]{1,4}$/), { minLength: 0, maxLength: 40 })
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.integer({ min: 1, max: 50 }),
        fc.string({ maxLength: 3 }),
        async (all, limit, after) => {
          const where = join(folder, String(round++))
          await mkdir(where)
          await Promise.all(all.map((name) => writeFile(join(where, name), '')))
          const given: string[] = []
          for await (const page of pagesOfFolder(where, after, limit)) given.push(...page)
          const bytesOf = (name: string) => Buffer.from(name)
          const expected = all
            .filter((name) => Buffer.compare(bytesOf(name), bytesOf(after)) > 0)
            .sort((a, b) => Buffer.compare(bytesOf(a), bytesOf(b)))
          expect(given).toEqual(expected)
        },
      ),
      { numRuns: 40 },
    )
  })
})
