import { describe, expect, it } from 'vitest'
import { hasCode } from '../../src/errors.ts'
import { bytes, chunksOf, collect, outcomes, type StorageBench, textOf } from './storage.ts'

const MIB = 1_048_576

export function writeCases(bench: StorageBench): void {
  describe('write', () => {
    it('makes parent folders and resolves with the length of a file that others can read', async () => {
      const path = `${bench.folder}/a/b/c.txt`
      expect(await bench.lake.write(path, bytes('h\u00e9llo'))).toBe(6)
      expect(await textOf(bench.other, path)).toBe('h\u00e9llo')
    })

    it('writes an empty file, from bytes and from a body without chunks', async () => {
      expect(await bench.lake.write(`${bench.folder}/bytes`, new Uint8Array(0))).toBe(0)
      expect(await bench.lake.write(`${bench.folder}/body`, chunksOf(0, 0))).toBe(0)
      expect(await bench.lake.stat(`${bench.folder}/bytes`)).toMatchObject({ kind: 'file', bytes: 0 })
      expect(await bench.lake.stat(`${bench.folder}/body`)).toMatchObject({ kind: 'file', bytes: 0 })
    })

    it('streams a body of several MiB, chunk by chunk, empty chunks included', async () => {
      async function* body() {
        yield new Uint8Array(0)
        yield* chunksOf(37, 200_003)
        yield new Uint8Array(0)
        yield bytes('end')
      }
      const path = `${bench.folder}/large`
      expect(await bench.lake.write(path, body())).toBe(37 * 200_003 + 3)
      const expected = await collect(chunksOf(37, 200_003))
      expect(Buffer.concat([...expected, bytes('end')]).equals(await bench.lake.read(path))).toBe(true)
    })

    it('never overwrites a file or a folder', async () => {
      const path = `${bench.folder}/taken/file`
      await bench.lake.write(path, bytes('first'))
      await expect(bench.lake.write(path, bytes('second'))).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
      await expect(bench.lake.write(`${bench.folder}/taken`, bytes('x'))).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
      await expect(bench.lake.write('/', bytes('x'))).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
      expect(await textOf(bench.lake, path)).toBe('first')
    })

    it('never overwrites, also when the body is large', async () => {
      const path = `${bench.folder}/taken`
      await bench.lake.write(path, bytes('first'))
      for (let round = 0; round < 20; round++) {
        await expect(bench.lake.write(path, chunksOf(64, MIB / 4))).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
      }
      expect(await textOf(bench.lake, path)).toBe('first')
    })

    it('gives a name to exactly one of several writers', async () => {
      const path = `${bench.folder}/contested`
      const writers = Array.from({ length: 6 }, (_, i) =>
        (i % 2 ? bench.lake : bench.other).write(path, bytes(`writer ${i}`)),
      )
      const { won, codes } = await outcomes(writers)
      expect(won).toHaveLength(1)
      expect(new Set(codes)).toEqual(new Set(['LAKE_EXISTS']))
      expect(await textOf(bench.lake, path)).toBe(`writer ${won[0]}`)
    })

    it('rejects with the error of its body, and leaves no file that looks whole', async () => {
      const path = `${bench.folder}/broken`
      const reason = new Error('the source broke')
      async function* body() {
        yield* chunksOf(3, 100_000)
        throw reason
      }
      await expect(bench.lake.write(path, body())).rejects.toBe(reason)
      expect((await bench.lake.stat(path))?.bytes ?? 0).toBeLessThanOrEqual(300_000)
      // The lake goes on working.
      expect(await bench.lake.write(`${bench.folder}/next`, bytes('fine'))).toBe(4)
    })

    it('refuses a path that leads through a file', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      const below = `${bench.folder}/file/below`
      await expect(bench.lake.write(below, bytes('y'))).rejects.toMatchObject({ code: 'LAKE_DENIED' })
    })

    it.each(['relative', '/a/../b', '/..', '/a/./b', '/a//b', '/a/', '', '/a:b', '/nul\0', '/\ud800'])(
      'refuses %j as a path, in every method',
      async (path) => {
        const { lake } = bench
        const calls = [
          () => lake.write(path, bytes('x')),
          () => lake.rename(path, `${bench.folder}/x`),
          () => lake.rename(`${bench.folder}/x`, path),
          () => lake.read(path),
          () => collect(lake.stream(path)),
          () => lake.stat(path),
          () => collect(lake.list(path)),
          () => lake.remove(path),
        ]
        for (const call of calls) await expect(call()).rejects.toSatisfy((error) => hasCode(error, 'USAGE'))
      },
    )
  })
}
