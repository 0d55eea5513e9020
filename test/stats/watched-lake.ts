import type { LakeStorage } from '../../src/lake/storage.ts'
import { boundLake } from '../lake/bound-lake.ts'

export type LakeOperation = 'list' | 'read'

/**
 * A lake whose listings and reads can be counted, held up and made to fail.
 * @param before awaited before each; its rejection is the operation's
 */
export function watchedLake(
  lake: LakeStorage,
  before: (operation: LakeOperation, path: string) => Promise<void> | void,
  after: (operation: LakeOperation, path: string) => void = () => {},
): LakeStorage {
  return {
    ...boundLake(lake),
    async read(path) {
      try {
        await before('read', path)
        return await lake.read(path)
      } finally {
        after('read', path)
      }
    },
    async *list(path, options) {
      try {
        await before('list', path)
        yield* lake.list(path, options)
      } finally {
        after('list', path)
      }
    },
  }
}
