import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Output } from '../../src/cli/output.ts'
import { Progress, type ProgressSink, progressLine } from '../../src/cli/progress.ts'

class Lines implements ProgressSink {
  readonly terminal: boolean
  readonly printed: string[] = []
  readonly rewritten: string[] = []

  constructor(terminal: boolean) {
    this.terminal = terminal
  }

  print(line: string): void {
    this.printed.push(line)
  }

  rewrite(line: string): void {
    this.rewritten.push(line)
  }
}

test('a line says what is done, the rate and the time left', () => {
  expect(progressLine({ done: 2_500, total: 10_000, rate: 100, unit: 'events' })).toBe(
    '2,500 of 10,000 events (25 %), 100/s, 1 min 15 s left',
  )
})

test('without a total there is no share and no end; without a rate no end either', () => {
  expect(progressLine({ done: 7, rate: 0.5, unit: 'files' })).toBe('7 files, 0.5/s')
  expect(progressLine({ done: 0, total: 10, rate: 0, unit: 'events' })).toBe('0 of 10 events (0 %), 0.0/s')
  expect(progressLine({ done: 0, total: 0, rate: 0, unit: 'events' })).toBe('0 of 0 events (100 %), 0.0/s')
})

test('a terminal gets ten lines a second at most, and is cleared at the end', () => {
  let now = 0
  const sink = new Lines(true)
  const progress = new Progress(sink, { total: 1_000 }, () => now)
  for (let done = 1; done <= 1_000; done++) {
    now += 1
    progress.update(done)
  }
  progress.end()
  expect(sink.rewritten).toHaveLength(11)
  expect(sink.rewritten[4]).toBe('500 of 1,000 events (50 %), 1,000/s, 500 ms left')
  expect(sink.rewritten.at(-1)).toBe('')
  expect(sink.printed).toEqual([])
})

test('elsewhere there is a plain line every five seconds', () => {
  let now = 0
  const sink = new Lines(false)
  const progress = new Progress(sink, {}, () => now)
  for (let done = 1; done <= 12; done++) {
    now += 1_000
    progress.update(done)
  }
  progress.end()
  expect(sink.printed).toEqual(['5 events, 1.0/s', '10 events, 1.0/s'])
  expect(sink.rewritten).toEqual([])
})

test('the rate follows the last seconds, not the whole time', () => {
  let now = 0
  const sink = new Lines(true)
  const progress = new Progress(sink, {}, () => now)
  for (let second = 1; second <= 60; second++) {
    now += 1_000
    progress.update(second <= 30 ? second * 1_000 : 30_000)
  }
  expect(sink.rewritten[29]).toBe('30,000 events, 1,000/s')
  expect(sink.rewritten[59]).toBe('30,000 events, 0.0/s')
})

test('a terminal of no size gets whole lines', async () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 0 }) as unknown as NodeJS.WriteStream
  const progress = new Output({ json: false, quiet: false, color: false, stderr }).progress({ total: 2 })
  await sleep(150)
  progress.update(1)
  expect(String(stderr.read())).toMatch(/1 of 2 events .* left$/)
})
