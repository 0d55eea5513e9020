import { expect, it } from 'vitest'
import { FileChanges } from '../../src/archive/file-changes.ts'
import type { CommitRecord } from '../../src/archive/record.ts'

const retention = (seq: number, path: string): CommitRecord => ({
  ...{ format: 2 as const, kind: 'retention' as const, seq, fence: 1, owner: 'o', id: 'i' },
  ...{ topic: 't', topicId: 'id', partition: 0, first: 9, next: 9, committedAt: '2025-07-01T00:00:00Z' },
  files: [{ path, day: '2025-07-01', events: 1, bytes: 1 }],
})

it('crosses out a file from before for good, however often it is said to be gone', () => {
  const changes = new FileChanges()
  for (const seq of [5, 6, 7]) changes.add(retention(seq, '/old'))
  expect(changes.lines()).toEqual([{ path: '/old', gone: 5 }])
})
