import { beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { MusicFakerError } from '../../src/errors.ts'
import type { LogMessage } from '../../src/log/log.ts'
import { type ReplayOptions, replay } from '../../src/replay/replay.ts'
import { FilledLake } from '../export/filled-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'

let source: FilledLake
let sent: LogMessage[]

beforeEach(async () => {
  source = new FilledLake(openMemoryLake())
  await source.fill(90)
  sent = []
})

function run(options: Partial<ReplayOptions> = {}) {
  return replay({
    ...{ lake: source.lake, root: source.root, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
    log: {
      append: async (messages) => {
        sent.push(...messages)
      },
    },
    signal: new AbortController().signal,
    ...options,
  })
}

const lines = () => sent.map(({ value }) => Buffer.from(value).toString())
const stamps = () => lines().map((line) => (JSON.parse(line) as { timestamp: string }).timestamp)

describe.each([
  ['sorted in memory', {}],
  ['sorted in runs that are merged', { runBytes: 2_000 }],
  ['in rounds of days', { filesHeld: 2 }],
])('%s', (_, limits) => {
  it('gives every event once, as it is, in the order of time', async () => {
    expect(await run(limits)).toMatchObject({ events: 90, stopped: false, first: stamps()[0], last: stamps().at(-1) })
    expect(lines().toSorted()).toEqual(await source.lines())
    expect(stamps()).toEqual(stamps().toSorted())
  })
})

it('reads a day anew when a file is joined with others meanwhile', async () => {
  const { lake } = source
  const stream = lake.stream.bind(lake)
  let failed = false
  lake.stream = (path) => {
    if (failed || !path.includes('/day=02/')) return stream(path)
    failed = true
    throw new MusicFakerError('LAKE_NOT_FOUND', 'joined')
  }
  expect(await run()).toMatchObject({ events: 90 })
  expect(failed).toBe(true)
  expect(lines().toSorted()).toEqual(await source.lines())
})

it('keeps to the span, to the millisecond, and keys by user', async () => {
  const from = Date.parse('2025-07-02T20:07:04Z')
  await run({ from, to: from + 30_000 })
  const all = (await source.lines()).map((line) => (JSON.parse(line) as { timestamp: string }).timestamp)
  expect(stamps()).toEqual(all.filter((at) => at >= '2025-07-02T20:07:04' && at < '2025-07-02T20:07:34').sort())
  expect(sent[0]?.key).toBe('user4')
})

it('keeps the pace, and stops when told to, with what was sent', async () => {
  const stop = new AbortController()
  let at = 0
  const clock: Clock = {
    now: () => at,
    elapsed: () => at,
    sleep: async (ms) => {
      at += ms
      if (at > 3_000) stop.abort()
    },
  }
  // The first day's events span 57 seconds: at 10x the process is stopped after 30 of them.
  const summary = await run({ speed: 10, clock, signal: stop.signal, to: Date.parse('2025-07-02T00:00:00Z') })
  expect(summary).toMatchObject({ stopped: true, events: sent.length })
  const seconds = stamps().map((stamp) => Number(stamp.slice(17, 19)))
  expect(Math.max(...seconds)).toBeGreaterThanOrEqual(27)
  expect(Math.max(...seconds)).toBeLessThanOrEqual(31)
})
