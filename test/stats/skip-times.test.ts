import { expect, it } from 'vitest'
import { formatTimestamp, type MusicEvent } from '../../src/event.ts'
import { SAMPLE_ROWS } from '../../src/stats/sample.ts'
import { Totals } from '../../src/stats/totals.ts'
import { viewFigures } from '../../src/stats/view.ts'
import { batch, eventOf, T0 } from './records.ts'

const at = (second: number, user: string, action: string, track = 'a', more: Partial<MusicEvent> = {}): MusicEvent =>
  eventOf({ timestamp: formatTimestamp(T0 + second * 1_000), user, action, track, ...more })

const PLAYED = [
  at(0, 'skips at once', 'play'),
  at(0, 'skips at once', 'skip'),
  at(1, 'skips after a reaction', 'play', 'b', { device: 'Car' }),
  at(3, 'skips after a reaction', 'like', 'b', { device: 'Car' }),
  at(9, 'skips after a reaction', 'skip', 'b', { device: 'Car' }),
  at(10, 'skips what was played before', 'play'),
  at(12, 'skips what was played before', 'play', 'b'),
  at(13, 'skips what was played before', 'skip'),
  at(50, 'plays on', 'play'),
  at(58, 'skips too late to be seen', 'play'),
  at(59, 'skips too late to be seen', 'skip'),
  at(61, 'skips over the minute', 'play'),
  at(82, 'skips over the minute', 'skip'),
  at(85, 'nobody plays', 'skip'),
]

function within(batches: MusicEvent[][], filter = {}) {
  const totals = new Totals()
  for (const [i, events] of batches.entries()) totals.add(batch({ seq: i + 1, first: i * 1_000_000 }, events))
  return viewFigures(totals, { window: null, filter, now: T0 + 100_000 }).figures.skips.within()
}

it('counts plays that were seen long enough, and those skipped by then', () => {
  const expected = [
    { within: 5, plays: 5, skips: 1 },
    { within: 10, plays: 5, skips: 2 },
    { within: 30, plays: 5, skips: 2 },
  ]
  expect(within([PLAYED])).toEqual(expected)
  // As they come by several partitions, and in whatever order.
  expect(within([PLAYED.slice(7).reverse(), PLAYED.slice(0, 7)])).toEqual(expected)
})

it('heeds every filter but that of actions', () => {
  expect(
    within([[...PLAYED, at(90, 'x', 'skip', 'a', { device: 'Car' })]], { device: ['Car'], action: ['like'] }),
  ).toEqual([5, 10, 30].map((seconds) => ({ within: seconds, plays: 1, skips: seconds === 5 ? 0 : 1 })))
})

it('follows the newest plays also of a lake that is older than the minutes that are kept', () => {
  const old = Array.from({ length: 6_000 }, (_, i) => at(-60 * (i + 1), 'long ago', 'like'))
  const lots = Array.from({ length: 12 }, (_, i) => old.slice(i * SAMPLE_ROWS, (i + 1) * SAMPLE_ROWS))
  expect(within([...lots, PLAYED])).toEqual(within([PLAYED]))
})

it('tells nothing of minutes of which only a sample is known', () => {
  const many = Array.from({ length: SAMPLE_ROWS + 1 }, (_, i) => at(130, `u${i}`, 'play'))
  expect(within([PLAYED, many])).toEqual([])
})
