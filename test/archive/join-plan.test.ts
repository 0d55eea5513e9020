import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { combineCrc32 } from '../../src/archive/crc32.ts'
import { JOIN_LIMITS, joinedInTheEnd, joinedOf, planJoins } from '../../src/archive/join-plan.ts'
import type { ManifestEntry } from '../../src/archive/manifest.ts'

const LIMITS = { ...JOIN_LIMITS, bytes: 1_000 }

/** Files of these sizes, one after the other. */
function files(sizes: readonly number[]): ManifestEntry[] {
  return sizes.map((bytes, i) => ({
    path: `/t/year=2025/month=07/day=03/batch_20250703_200000_p0_${i * 10}-${i * 10 + 9}.jsonl`,
    ...{ day: '2025-07-03', seq: i + 1, first: i * 10, next: i * 10 + 10, readAt: '2025-07-03T20:00:00.000Z' },
    ...{ events: 1, bytes, crc32: '00000000' },
  }))
}

function sizes(runs: ManifestEntry[][]): number[][] {
  return runs.map((run) => run.map(({ bytes }) => bytes))
}

it('puts CRCs together as if the bytes had been read in one go', () => {
  for (const [a, b] of [
    [0, 5],
    [5, 0],
    [1, 1],
    [1_000, 77],
    [12_345, 1_048_576],
  ] as const) {
    const [first, second] = [randomBytes(a), randomBytes(b)]
    expect(combineCrc32(crc32(first), crc32(second), b)).toBe(crc32(Buffer.concat([first, second])))
  }
})

it('joins neighbours up to the limits, and none that is most of the whole already', () => {
  expect(sizes(planJoins(files([300, 300, 300, 300]), LIMITS))).toEqual([[300, 300, 300]])
  expect(planJoins(files([900, 100]), LIMITS)).toEqual([])
  expect(sizes(planJoins(files([1, 1, 900, 1, 1]), LIMITS))).toEqual([
    [1, 1],
    [1, 1],
  ])
  expect(planJoins(files([5]), LIMITS)).toEqual([])
  expect(planJoins([], LIMITS)).toEqual([])
  const many = files(new Array(600).fill(1))
  expect(planJoins(many, JOIN_LIMITS).map((run) => run.length)).toEqual([256, 256, 88])
  expect(planJoins(many, { ...JOIN_LIMITS, parts: 100 })[0]).toHaveLength(100)
  expect(planJoins(many, { ...JOIN_LIMITS, characters: 1_000 })[0]?.length).toBeLessThan(20)
})

it('leaves a file apart whose offsets lie within those of another', () => {
  const [a, b, c] = files([5, 5, 5]) as [ManifestEntry, ManifestEntry, ManifestEntry]
  const { joined } = joinedOf([a, c])
  expect(planJoins([{ ...a, ...joined, next: c.next }, b])).toEqual([])
  expect(planJoins([a, b])).toHaveLength(1)
})

it('says what a run becomes: the first name with all offsets, the sums, and the batches in order', () => {
  const [a, b] = files([3, 4]) as [ManifestEntry, ManifestEntry]
  const { joined, files: gone } = joinedOf([a, b])
  expect(joined).toMatchObject({
    path: '/t/year=2025/month=07/day=03/batch_20250703_200000_p0_0-19.jsonl',
    ...{ day: '2025-07-03', events: 2, bytes: 7 },
  })
  expect(joined.parts.map(([first, next]) => [first, next])).toEqual([
    [0, 10],
    [10, 20],
  ])
  expect(gone.map(({ path, parts }) => [path, parts])).toEqual([
    [a.path, 1],
    [b.path, 1],
  ])
})

it('copies each byte a bounded number of times, and leaves few files, whatever their sizes', () => {
  let state = 7
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
  for (let trial = 0; trial < 50; trial++) {
    const all = files(Array.from({ length: 1 + Math.floor(random() * 300) }, () => 1 + Math.floor(random() ** 4 * 900)))
    const total = all.reduce((sum, { bytes }) => sum + bytes, 0)
    const runs = joinedInTheEnd(all, LIMITS)
    const copied = runs.flat().reduce((sum, { bytes }) => sum + bytes, 0)
    // Each copy is into a file half as large again: log(1000) / log(1.5).
    expect(copied).toBeLessThanOrEqual(total * 17)
    const left = all.length - runs.reduce((sum, run) => sum + run.length - 1, 0)
    expect(left).toBeLessThanOrEqual(2 + (total / 500) * 10)
    expect(joinedInTheEnd(all, LIMITS).every((run) => run.length > 1)).toBe(true)
  }
})
