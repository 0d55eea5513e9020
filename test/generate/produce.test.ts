import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { MusicFakerError } from '../../src/errors.ts'
import { type MusicEvent, parseTimestamp } from '../../src/event.ts'
import { Generator } from '../../src/generate/generator.ts'
import { type ProduceOptions, type ProduceProgress, produce } from '../../src/generate/produce.ts'
import type { LogMessage } from '../../src/log/log.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import { readerOf } from '../contract/log-reading.ts'
import { FakeClock } from './fake-clock.ts'

const START = Date.UTC(2025, 0, 1)
const newGenerator = () => new Generator({ seed: 42, artists: 200, listeners: 100 })

/** Keeps what is appended. `delivery` stands for the way to a real log: it may take its time, or fail. */
class KeepingLog {
  readonly lots: (readonly LogMessage[])[] = []
  readonly #delivery: (lot: number) => Promise<void>
  #inFlight = 0

  constructor(delivery: (lot: number) => Promise<void> = () => turn()) {
    this.#delivery = delivery
  }

  async append(messages: readonly LogMessage[]): Promise<void> {
    expect(++this.#inFlight).toBe(1)
    await this.#delivery(this.lots.push(messages))
    this.#inFlight--
  }

  get messages(): LogMessage[] {
    return this.lots.flat()
  }

  get events(): MusicEvent[] {
    return this.messages.map(({ value }) => JSON.parse(Buffer.from(value).toString()))
  }
}

const run = (log: Pick<KeepingLog, 'append'>, options: Partial<ProduceOptions> = {}) =>
  produce({ log, generator: newGenerator(), ...options })
const timesOf = (log: KeepingLog) => log.events.map(({ timestamp }) => Date.parse(`${timestamp}Z`))
const bytesOf = (log: KeepingLog) => log.messages.map(({ value }) => Buffer.from(value).toString()).join('\n')

describe('a run', () => {
  it('appends as many events as asked for, acknowledged in order, and sums them up', async () => {
    const log = new KeepingLog()
    const acknowledged: LogMessage[] = []
    const summary = await run(log, {
      count: 12_345,
      maxBatch: 1000,
      onAcknowledged: (messages) => acknowledged.push(...messages),
    })
    expect(log.lots.map((lot) => lot.length)).toEqual([...new Array(12).fill(1000), 345])
    expect(acknowledged).toEqual(log.messages)
    expect(summary).toMatchObject({ produced: 12_345, acknowledged: 12_345, count: 12_345 })
    expect(summary.seconds).toBeGreaterThan(0)
    expect(summary.rate).toBeCloseTo(12_345 / summary.seconds, 5)
    expect(summary.firstTimestamp).toBe(log.events[0]?.timestamp)
    expect(summary.lastTimestamp).toBe(log.events.at(-1)?.timestamp)
  })

  it('dates events to now, never backwards, each keyed by its user', async () => {
    const log = new KeepingLog()
    const before = Date.now()
    await run(log, { count: 3000, maxBatch: 100 })
    const events = log.events
    const stamps = events.map(({ timestamp }) => timestamp)
    expect(stamps).toEqual(stamps.toSorted())
    expect(parseTimestamp(stamps[0] as string)).toBeGreaterThan(before - 2000)
    expect(parseTimestamp(stamps.at(-1) as string)).toBeLessThanOrEqual(Date.now())
    for (const [i, { key }] of log.messages.entries()) expect(key).toBe(events[i]?.user)
  })

  it('from a start gives the same bytes whatever the pace, the lots and the clock', async () => {
    const logs = [new KeepingLog(), new KeepingLog(), new KeepingLog()] as const
    const from = { count: 2000, start: START, perSecond: 100, speed: 60 }
    await run(logs[0], { ...from, clock: new FakeClock() })
    await run(logs[1], { ...from, clock: new FakeClock(START + 9_999_999_999, () => 17), maxBatch: 7 })
    expect(bytesOf(logs[1])).toBe(bytesOf(logs[0]))
    // 100 events a second at 60 times real time: 0.6 s from one to the next.
    expect(timesOf(logs[0]).at(-1)).toBeCloseTo(START + 2000 * 600, -3)

    await run(logs[2], { count: 2000, start: START })
    const seconds = ((timesOf(logs[2]).at(-1) ?? 0) - START) / 1000
    expect(seconds).toBeCloseTo(2000 * newGenerator().naturalStep, -2)
  })

  it('from a start and without a count ends at the present', async () => {
    const log = new KeepingLog()
    const clock = new FakeClock(START + 3_600_000)
    const generator = newGenerator()
    await run(log, { generator, start: START, clock, maxBatch: 64 })
    expect(timesOf(log).every((time) => time <= clock.now())).toBe(true)
    expect(log.messages.length).toBeGreaterThan(100)
    expect(Math.abs(log.messages.length - 3600 / generator.naturalStep)).toBeLessThanOrEqual(1)
  })

  it('keeps its rate, in small lots', async () => {
    const log = new KeepingLog()
    const clock = new FakeClock()
    const summary = await run(log, { count: 1001, perSecond: 500, clock })
    expect(summary.seconds).toBeCloseTo(2, 1)
    expect(Math.max(...log.lots.map((lot) => lot.length))).toBeLessThanOrEqual(20)
  })

  it('makes the next lot while one is in flight, and no further', async () => {
    class CountingGenerator extends Generator {
      made = 0
      override nextMessage(atMs: number, micros?: number): LogMessage {
        this.made++
        return super.nextMessage(atMs, micros)
      }
    }
    const generator = new CountingGenerator({ seed: 1, artists: 200, listeners: 100 })
    const gate = Promise.withResolvers<void>()
    const log = new KeepingLog(() => gate.promise)
    const producing = run(log, { generator, count: 500, maxBatch: 100 })
    await expect.poll(() => generator.made).toBe(200)
    for (let i = 0; i < 20; i++) await turn()
    expect([generator.made, log.lots.length]).toEqual([200, 1])
    gate.resolve()
    expect((await producing).acknowledged).toBe(500)
  })

  it('of 0 events is done at once', async () => {
    const log = new KeepingLog()
    expect(await run(log, { count: 0 })).toMatchObject({ produced: 0, acknowledged: 0, firstTimestamp: undefined })
    expect(log.lots).toEqual([])
  })

  it('refuses times that cannot be', async () => {
    const log = new KeepingLog()
    const usage = expect.objectContaining({ code: 'USAGE' })
    await expect(run(log, { speed: 60 })).rejects.toEqual(usage)
    await expect(run(log, { start: Date.now() + 60_000 })).rejects.toEqual(usage)
    await expect(run(log, { start: START, count: 1e12 })).rejects.toEqual(usage)
    expect(log.lots).toEqual([])
  })
})

describe('an abort', () => {
  it('waits for the append in flight, counts it, and appends nothing more', async () => {
    const stop = new AbortController()
    const gate = Promise.withResolvers<void>()
    const log = new KeepingLog((lot) => (lot === 3 ? gate.promise : turn()))
    const producing = run(log, { maxBatch: 10, signal: stop.signal })
    await expect.poll(() => log.lots.length).toBe(3)
    stop.abort()
    let done = false
    producing.then(() => {
      done = true
    })
    for (let i = 0; i < 20; i++) await turn()
    expect(done).toBe(false)
    gate.resolve()
    expect(await producing).toMatchObject({ produced: 30, acknowledged: 30 })
    expect(log.lots.length).toBe(3)
  })

  it('ends the wait for the next event', async () => {
    const stop = new AbortController()
    const log = new KeepingLog()
    const producing = run(log, { perSecond: 1 / 3600, signal: stop.signal })
    await expect.poll(() => log.lots.length).toBe(1)
    stop.abort()
    expect(await producing).toMatchObject({ produced: 1, acknowledged: 1 })
  })

  it('before the beginning means no event', async () => {
    const log = new KeepingLog()
    expect(await run(log, { signal: AbortSignal.abort() })).toMatchObject({ produced: 0, acknowledged: 0 })
    expect(log.lots).toEqual([])
  })
})

describe('a failed append', () => {
  const refused = new MusicFakerError('LOG_UNREACHABLE', 'no broker answers')
  const failAt = (failing: number) => async (lot: number) => {
    await turn()
    if (lot === failing) throw refused
  }

  it('ends the run with its error, retryable or not, after what was acknowledged has been told', async () => {
    const states: ProduceProgress[] = []
    const log = new KeepingLog(failAt(4))
    const options = { maxBatch: 10, onProgress: (state: ProduceProgress) => states.push(state) }
    await expect(run(log, options)).rejects.toBe(refused)
    expect(log.lots.length).toBe(4)
    expect(states.at(-1)).toMatchObject({ produced: 40, acknowledged: 30 })
  })

  it('ends it at once, however far off the next event is', async () => {
    await expect(run(new KeepingLog(failAt(1)), { perSecond: 1 / 3600 })).rejects.toBe(refused)
  })

  it('ends it also when it is the last, or when the run is being stopped', async () => {
    await expect(run(new KeepingLog(failAt(2)), { count: 20, maxBatch: 10 })).rejects.toBe(refused)

    const stop = new AbortController()
    const log = new KeepingLog(async (lot) => {
      if (lot === 2) stop.abort()
      await failAt(2)(lot)
    })
    await expect(run(log, { maxBatch: 10, signal: stop.signal })).rejects.toBe(refused)
  })
})

it('tells its progress at most twice a second, and always at the end', async () => {
  const clock = new FakeClock()
  const told: { at: number; acknowledged: number }[] = []
  const onProgress = ({ acknowledged }: ProduceProgress) => told.push({ at: clock.elapsed(), acknowledged })
  await run(new KeepingLog(), { count: 1000, perSecond: 200, clock, onProgress })
  expect(told.at(-1)?.acknowledged).toBe(1000)
  expect(told.length).toBeGreaterThan(8)
  const gaps = told.slice(1, -1).map(({ at }, i) => at - (told[i]?.at ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500)
})

describe('into the embedded log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'music-faker-produce-'))
  afterAll(() => rm(folder, { recursive: true }))

  it('what is acknowledged is there, each event once, also after an abort', async () => {
    const log = await openSqliteLog({ file: join(folder, 'log.db'), topic: 'music_events', partitions: 3 })
    await log.ensureTopic()
    const stop = new AbortController()
    const acknowledged: string[] = []
    const summary = await produce({
      log,
      generator: newGenerator(),
      signal: stop.signal,
      maxBatch: 2000,
      onAcknowledged: (messages) => {
        acknowledged.push(...messages.map(({ value }) => Buffer.from(value).toString()))
        if (acknowledged.length >= 10_000) stop.abort()
      },
    })
    expect(summary.acknowledged).toBe(acknowledged.length)

    const stored: string[] = []
    for (const [partition, { end }] of (await log.describe()).partitions) {
      const reader = await readerOf(log, partition, 0)
      for (let next = 0; next < end; ) {
        const batch = await reader.read({ maxBytes: 1_000_000, maxWaitMs: 100 })
        for (let i = 0; i < batch.count; i++) {
          stored.push(Buffer.from(batch.data.subarray(batch.starts[i], batch.ends[i])).toString())
        }
        next = batch.next
      }
      await reader.close()
    }
    await log.close()
    expect(stored.toSorted()).toEqual(acknowledged.toSorted())
  })
})
