import type { LakeStorage } from '../../src/lake/storage.ts'

/** A storage whose process is killed at its `last` change, before or after that has happened. */
export function killedAt(
  last: number,
  happens: boolean,
  storage: LakeStorage,
): { storage: LakeStorage; changes: () => number } {
  let changes = 0
  const change = async <T>(call: () => Promise<T>): Promise<T> => {
    if (++changes > last) throw new Error('killed')
    if (changes < last || happens) await call()
    if (changes === last) throw new Error('killed')
    return undefined as T
  }
  const wrapped: LakeStorage = {
    write: async (path, body) => {
      let bytes = 0
      await change(async () => {
        bytes = await storage.write(path, body)
      })
      return bytes
    },
    rename: (from, to) => change(() => storage.rename(from, to)),
    remove: (path) => change(() => storage.remove(path)),
    read: (path) => storage.read(path),
    stream: (path) => storage.stream(path),
    stat: (path) => storage.stat(path),
    list: (path, options) => storage.list(path, options),
    close: () => storage.close(),
  }
  return { storage: wrapped, changes: () => changes }
}
