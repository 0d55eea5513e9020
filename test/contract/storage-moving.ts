import { describe, expect, it } from 'vitest'
import { bytes, namesIn, ODD_NAMES, outcomes, type StorageBench, textOf } from './storage.ts'

export function moveCases(bench: StorageBench): void {
  describe('rename', () => {
    it('moves a file, making the parent folders of the target', async () => {
      const [from, to] = [`${bench.folder}/from/file`, `${bench.folder}/to/a/b/file`]
      await bench.lake.write(from, bytes('content'))
      await bench.lake.rename(from, to)
      expect(await textOf(bench.other, to)).toBe('content')
      expect(await bench.other.stat(from)).toBeUndefined()
    })

    it('never overwrites: a file, a folder, itself', async () => {
      const from = `${bench.folder}/from`
      await bench.lake.write(from, bytes('new'))
      await bench.lake.write(`${bench.folder}/taken/file`, bytes('old'))
      for (const to of [`${bench.folder}/taken/file`, `${bench.folder}/taken`, from, '/']) {
        await expect(bench.lake.rename(from, to)).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
      }
      expect(await textOf(bench.lake, from)).toBe('new')
      expect(await textOf(bench.lake, `${bench.folder}/taken/file`)).toBe('old')
      expect(await namesIn(bench.lake, `${bench.folder}/taken`)).toEqual(['file'])
    })

    it('says when the source is missing, whether or not the target is there', async () => {
      await bench.lake.write(`${bench.folder}/there/file`, bytes('x'))
      for (const to of ['there/new', 'nowhere/new', 'there/file']) {
        const call = bench.lake.rename(`${bench.folder}/no`, `${bench.folder}/${to}`)
        await expect(call).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND' })
      }
      expect(await textOf(bench.lake, `${bench.folder}/there/file`)).toBe('x')
      expect(await bench.lake.stat(`${bench.folder}/there/new`)).toBeUndefined()
    })

    it('refuses a target that leads through a file', async () => {
      await bench.lake.write(`${bench.folder}/from`, bytes('x'))
      await bench.lake.write(`${bench.folder}/file`, bytes('y'))
      const call = bench.lake.rename(`${bench.folder}/from`, `${bench.folder}/file/below`)
      await expect(call).rejects.toMatchObject({ code: 'LAKE_DENIED' })
      expect(await textOf(bench.lake, `${bench.folder}/from`)).toBe('x')
    })

    it('gives a name to exactly one of several sources, and leaves the others where they are', async () => {
      const sources = Array.from({ length: 8 }, (_, i) => `${bench.folder}/source${i}`)
      const target = `${bench.folder}/made/by/the/winner`
      await Promise.all(sources.map((path) => bench.lake.write(path, bytes(path))))
      const renames = sources.map((path, i) => (i % 2 ? bench.lake : bench.other).rename(path, target))
      const { won, codes } = await outcomes(renames)
      expect(won).toHaveLength(1)
      expect(new Set(codes)).toEqual(new Set(['LAKE_EXISTS']))
      const winner = sources[won[0] ?? -1] ?? ''
      expect(await textOf(bench.lake, target)).toBe(winner)
      for (const path of sources) expect((await bench.lake.stat(path)) === undefined).toBe(path === winner)
    })

    it('moves a file once when several ask for the same', async () => {
      const [from, to] = [`${bench.folder}/from`, `${bench.folder}/to`]
      await bench.lake.write(from, bytes('once'))
      const calls = Array.from({ length: 6 }, (_, i) => (i % 2 ? bench.lake : bench.other).rename(from, to))
      const { won, codes } = await outcomes(calls)
      expect(won.length).toBeGreaterThan(0)
      expect(codes.filter((code) => code !== 'LAKE_NOT_FOUND')).toEqual([])
      expect(await namesIn(bench.lake, bench.folder)).toEqual(['to'])
      expect(await textOf(bench.lake, to)).toBe('once')
    })
  })

  describe('concat', () => {
    const concat = (to: string, ...names: string[]) =>
      bench.lake.concat?.(
        `${bench.folder}/${to}`,
        names.map((name) => `${bench.folder}/${name}`),
      )
    const write = async (...names: string[]) => {
      for (const name of names) await bench.lake.write(`${bench.folder}/${name}`, bytes(`${name};`))
    }

    it('appends files in their order, and they are gone', async () => {
      await write('a', 'b', 'year=2025', 'z')
      if (!bench.lake.concat) return
      await concat('b', 'a', 'year=2025')
      expect(await textOf(bench.other, `${bench.folder}/b`)).toBe('b;a;year=2025;')
      expect(await namesIn(bench.lake, bench.folder)).toEqual(['b', 'z'])
    })

    it('does all of it or nothing', async () => {
      await write('a', 'b', 'other/c')
      if (!bench.lake.concat) return
      await expect(concat('a', 'b', 'missing')).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND' })
      await expect(concat('missing', 'b')).rejects.toMatchObject({ code: 'LAKE_NOT_FOUND' })
      await expect(concat('a', 'b', 'other/c')).rejects.toMatchObject({ code: 'LAKE_DENIED' })
      await expect(concat('a', 'b', 'a')).rejects.toMatchObject({ code: 'LAKE_DENIED' })
      expect(await textOf(bench.other, `${bench.folder}/a`)).toBe('a;')
      expect(await textOf(bench.other, `${bench.folder}/b`)).toBe('b;')
    })

    it('takes effect once', async () => {
      await write('a', 'b')
      if (!bench.lake.concat) return
      const calls = Array.from({ length: 4 }, () => concat('a', 'b') ?? Promise.resolve())
      const { won, codes } = await outcomes(calls)
      expect([won.length, ...codes]).toEqual([1, 'LAKE_NOT_FOUND', 'LAKE_NOT_FOUND', 'LAKE_NOT_FOUND'])
      expect(await textOf(bench.other, `${bench.folder}/a`)).toBe('a;b;')
    })
  })

  describe('remove', () => {
    it('removes a file, or a folder with all it holds', async () => {
      for (const name of ['kept', 'file', 'sub/a', 'sub/b/c']) {
        await bench.lake.write(`${bench.folder}/${name}`, bytes('x'))
      }
      await bench.lake.remove(`${bench.folder}/file`)
      await bench.lake.remove(`${bench.folder}/sub`)
      expect(await namesIn(bench.other, bench.folder)).toEqual(['kept'])
    })

    it('is done where nothing is', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      for (const name of ['no', 'no/no', 'file/below']) await bench.lake.remove(`${bench.folder}/${name}`)
      expect(await namesIn(bench.lake, bench.folder)).toEqual(['file'])
    })

    it('refuses the top folder', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      await expect(bench.lake.remove('/')).rejects.toMatchObject({ code: 'LAKE_DENIED' })
      expect(await textOf(bench.lake, `${bench.folder}/file`)).toBe('x')
    })
  })

  describe('odd names', () => {
    it.each(ODD_NAMES)('%j is a name like any other', async (name) => {
      const [first, second] = [`${bench.folder}/${name}/in ${name}`, `${bench.folder}/moved/${name}`]
      await bench.lake.write(first, bytes(name))
      expect(await namesIn(bench.lake, bench.folder)).toEqual([name])
      expect(await namesIn(bench.lake, `${bench.folder}/${name}`)).toEqual([`in ${name}`])
      await bench.lake.rename(first, second)
      expect(await bench.lake.stat(second)).toMatchObject({ path: second, kind: 'file' })
      expect(await textOf(bench.lake, second)).toBe(name)
      await bench.lake.remove(second)
      expect(await bench.lake.stat(second)).toBeUndefined()
    })
  })
}
