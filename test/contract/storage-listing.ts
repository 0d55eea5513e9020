import { describe, expect, it } from 'vitest'
import { bytes, collect, namesIn, ODD_NAMES, type StorageBench } from './storage.ts'

/** More than a NameNode gives in one page (dfs.ls.limit, 1,000 by default). */
const MANY = 1_010
const AT_ONCE = 24

function isAscii(name: string): boolean {
  return Buffer.byteLength(name) === name.length
}

export function listCases(bench: StorageBench): void {
  describe('list', () => {
    it('gives the direct children, with what they are', async () => {
      await bench.lake.write(`${bench.folder}/b`, bytes('12'))
      await bench.lake.write(`${bench.folder}/a/deep/file`, bytes('x'))
      const entries = await collect(bench.other.list(bench.folder))
      expect(entries).toEqual([
        { path: `${bench.folder}/a`, kind: 'directory', bytes: 0, modified: expect.any(Number) },
        { path: `${bench.folder}/b`, kind: 'file', bytes: 2, modified: expect.any(Number) },
      ])
    })

    it('gives nothing for a missing folder, a file, or a path through a file', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      for (const name of ['no', 'file', 'file/below']) {
        expect(await namesIn(bench.lake, `${bench.folder}/${name}`)).toEqual([])
      }
    })

    it('lists the top folder', async () => {
      await bench.lake.write(`${bench.folder}/file`, bytes('x'))
      const paths = (await collect(bench.lake.list('/'))).map(({ path }) => path)
      expect(paths).toContain(bench.folder.slice(0, bench.folder.lastIndexOf('/')))
    })

    it('orders names by their bytes, and begins after any name, there or not', async () => {
      await Promise.all(ODD_NAMES.map((name) => bench.lake.write(`${bench.folder}/${name}`, bytes('x'))))
      const ordered = await namesIn(bench.lake, bench.folder)
      const inBytes = ODD_NAMES.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(ordered.toSorted()).toEqual(ODD_NAMES.toSorted())
      // HDFS has its own place for names beyond ASCII, and keeps to it.
      expect(ordered.filter(isAscii)).toEqual(inBytes.filter(isAscii))
      for (const [i, name] of ordered.entries()) {
        expect(await namesIn(bench.lake, bench.folder, name)).toEqual(ordered.slice(i + 1))
        expect(await namesIn(bench.lake, bench.folder, `${name} `)).toEqual(ordered.slice(i + 1))
      }
    })

    it('goes through a folder of any size, while names come and go', { timeout: 120_000 }, async () => {
      const names = Array.from({ length: MANY }, (_, i) => `file-${String(i).padStart(6, '0')}`)
      const queue = names.values()
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (const name of queue) await bench.lake.write(`${bench.folder}/${name}`, new Uint8Array(0))
        }),
      )
      expect(await namesIn(bench.lake, bench.folder)).toEqual(names)
      expect(await namesIn(bench.lake, bench.folder, names[MANY - 3] ?? '')).toEqual(names.slice(-2))

      const seen: string[] = []
      for await (const { path } of bench.lake.list(bench.folder)) {
        seen.push(path.slice(bench.folder.length + 1))
        if (seen.length === 1) {
          await bench.other.remove(`${bench.folder}/${names[0]}`)
          await bench.other.write(`${bench.folder}/zzz`, bytes('new'))
        }
      }
      expect(seen.filter((name) => name !== 'zzz')).toEqual(names)
    })
  })
}
