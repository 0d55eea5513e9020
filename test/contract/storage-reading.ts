import { describe, expect, it } from 'vitest'
import { bytes, chunksOf, collect, type StorageBench, textOf } from './storage.ts'

const MIB = 1_048_576

export function readCases(bench: StorageBench): void {
  describe('read and stream', () => {
    it('gives back every byte', async () => {
      const path = `${bench.folder}/bytes`
      const all = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)
      await bench.lake.write(path, all)
      expect(Buffer.compare(await bench.lake.read(path), all)).toBe(0)
    })

    it('streams a file of several MiB in chunks of bounded size', async () => {
      const path = `${bench.folder}/large`
      await bench.lake.write(path, chunksOf(48, MIB / 4))
      const chunks = await collect(bench.lake.stream(path))
      expect(Math.max(...chunks.map((chunk) => chunk.byteLength))).toBeLessThanOrEqual(MIB)
      expect(Buffer.concat(chunks).equals(Buffer.concat(await collect(chunksOf(48, MIB / 4))))).toBe(true)
    })

    it('may be left in the middle of a stream', async () => {
      const path = `${bench.folder}/large`
      await bench.lake.write(path, chunksOf(48, MIB / 4))
      for (let round = 0; round < 5; round++) {
        for await (const chunk of bench.lake.stream(path)) {
          expect(chunk.byteLength).toBeGreaterThan(0)
          break
        }
      }
      expect((await bench.lake.stat(path))?.bytes).toBe(12 * MIB)
    })

    it('says when a file is missing: read at once, stream at the first step', async () => {
      const missing = { code: 'LAKE_NOT_FOUND' }
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      for (const path of [`${bench.folder}/no`, `${bench.folder}/no/no`, bench.folder, `${bench.folder}/file/below`]) {
        await expect(bench.lake.read(path)).rejects.toMatchObject(missing)
        const steps = bench.lake.stream(path)[Symbol.asyncIterator]()
        await expect(steps.next()).rejects.toMatchObject(missing)
      }
    })
  })

  describe('stat', () => {
    it('describes files and folders', async () => {
      const path = `${bench.folder}/sub/file`
      const before = Date.now()
      await bench.lake.write(path, bytes('12345'))
      const file = await bench.lake.stat(path)
      expect(file).toEqual({ path, kind: 'file', bytes: 5, modified: expect.any(Number) })
      // The clock of the lake may be another machine's, and coarse.
      expect(Math.abs((file?.modified ?? 0) - before)).toBeLessThan(60_000)
      expect(await bench.lake.stat(`${bench.folder}/sub`)).toMatchObject({ kind: 'directory', bytes: 0 })
      expect(await bench.lake.stat('/')).toMatchObject({ path: '/', kind: 'directory' })
    })

    it('gives undefined where nothing is', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      for (const name of ['no', 'no/no', 'file/below']) {
        expect(await bench.lake.stat(`${bench.folder}/${name}`)).toBeUndefined()
      }
    })
  })

  describe('close', () => {
    it('resolves, also the second time, and leaves other objects working', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      const another = bench.reopen()
      expect(await textOf(another, `${bench.folder}/file`)).toBe('x')
      await another.close()
      await another.close()
      expect(await textOf(bench.lake, `${bench.folder}/file`)).toBe('x')
    })
  })
}
