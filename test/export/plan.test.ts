import { expect, it } from 'vitest'
import type { LakeFile } from '../../src/archive/files.ts'
import { Backlog, Positions, SLICE_EVENTS, type Slice, sliceName } from '../../src/export/plan.ts'

const DAY = '2025-07-03'

function file(first: number, next: number, events = next - first): LakeFile {
  const path = `/t/year=2025/month=07/day=03/batch_20250703_200803_p0_${first}-${next - 1}.jsonl`
  return { topicId: 'id_1', partition: 0, path, day: DAY, seq: 1, first, next, events, bytes: 1, crc32: '00000000' }
}

function slicesOf(files: LakeFile[], positions = new Positions()): Slice[] {
  const backlog = new Backlog(positions, 100)
  for (const one of files) backlog.add(one)
  return [...backlog.slices()]
}

/** Positions as a run that exported these slices leaves them. */
function after(slices: Slice[]): Positions {
  const positions = new Positions()
  for (const slice of slices) {
    positions.add({ path: `/e/${sliceName(slice, 'parquet')}`, day: DAY, events: slice.events })
  }
  return positions
}

it('goes on where the last run ended', () => {
  const first = slicesOf([file(10, 20), file(0, 10)])
  expect(first).toMatchObject([{ first: 0, next: 20, events: 20, skip: 0 }])
  expect(slicesOf([file(0, 10), file(10, 20)], after(first))).toEqual([])
  expect(slicesOf([file(0, 10), file(20, 25), file(10, 20)], after(first))).toMatchObject([
    { first: 20, next: 25, events: 5, skip: 0 },
  ])
})

it('goes on within a file into which exported ones were joined, by the number of events, not of offsets', () => {
  // Of ten offsets each, other days hold the rest.
  const first = slicesOf([file(0, 10, 4), file(10, 20, 3)])
  expect(slicesOf([file(0, 30, 12)], after(first))).toMatchObject([{ first: 20, next: 30, skip: 7, events: 5 }])
  expect(slicesOf([file(0, 10, 4), file(10, 40, 9), file(40, 50, 2)], after(first))).toMatchObject([
    { first: 20, next: 50, skip: 3, events: 8 },
  ])
})

it('refuses files that overlap, or hold fewer events than were exported of their offsets', () => {
  expect(() => slicesOf([file(0, 10), file(5, 15)])).toThrow(/holds other events/)
  const first = slicesOf([file(0, 10)])
  expect(() => slicesOf([file(0, 20, 5)], after(first))).toThrow(/holds other events/)
})

it('refuses an export that does not tell whose imports it holds', () => {
  const slice = { ...file(0, 10), topicId: 'import' }
  expect(() => after([{ ...slice, files: [], skip: 0 } as Slice])).toThrow(/of which lake/)
})

it('keeps exported files to a size', () => {
  const half = SLICE_EVENTS / 2
  const files = [file(0, half), file(half, 2 * half), file(2 * half, 2 * half + 1)]
  expect(slicesOf(files).map(({ first, next }) => [first, next])).toEqual([
    [0, 2 * half],
    [2 * half, 2 * half + 1],
  ])
})

it('keeps days and partitions apart', () => {
  const other = { ...file(0, 10), partition: 1 }
  const earlier = { ...file(0, 10, 2), day: '2025-07-01' }
  const exported = after(slicesOf([file(0, 10)]))
  expect(slicesOf([file(0, 10), other, earlier], exported)).toMatchObject([
    { day: '2025-07-01', partition: 0, events: 2 },
    { day: DAY, partition: 1, events: 10 },
  ])
})
