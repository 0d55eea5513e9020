import type { LakeStorage } from '../../src/lake/storage.ts'

/** The calls of a lake as an object of their own, to be spread where a test replaces some of them. It cannot join files. */
export function boundLake(lake: LakeStorage): LakeStorage {
  return {
    write: (path, body) => lake.write(path, body),
    rename: (from, to) => lake.rename(from, to),
    read: (path) => lake.read(path),
    stream: (path) => lake.stream(path),
    stat: (path) => lake.stat(path),
    list: (path, options) => lake.list(path, options),
    remove: (path) => lake.remove(path),
    close: () => lake.close(),
  }
}
