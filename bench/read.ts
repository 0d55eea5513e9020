/** What an event costs the archiver before anything is written: checking it and counting it, on one core. */
import { decode, type MusicEvent } from '../src/event.ts'
import { EventBytes } from '../src/event-bytes.ts'
import { Generator } from '../src/generate/generator.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { type BenchResult, events, perSecond } from './result.ts'

const EVENTS = 500_000
const LOT = 2_500
/** As 500 events a second flow, so that minutes change. */
const STEP_MS = 2
const AT = Date.UTC(2025, 6, 3, 20)
const NOW = AT + EVENTS * STEP_MS

interface Lot {
  data: Buffer
  starts: number[]
}

export async function run(): Promise<BenchResult> {
  const lots = lotsOfEvents()
  const parsed = timed(lots, (value) => JSON.parse(value.toString()) as MusicEvent)
  const decoded = new SummaryBuilder()
  const slow = timed(lots, (value) => {
    const event = decode(value, NOW)
    if (!event.ok) throw new Error(`the generator made an event that is ${event.reason}`)
    decoded.add(event.event, event.minute)
  })
  const read = new SummaryBuilder()
  const event = new EventBytes()
  event.now = NOW
  const fast = timedRanges(lots, (data, start, end) => {
    if (!event.read(data, start, end)) throw new Error('the generator made an event of another shape')
    read.addBytes(event)
  })
  const ceiling = { name: 'JSON.parse of the same messages', figure: parsed }
  return {
    figures: [
      events({ name: 'check and count, from the bytes', figure: fast, ceiling }),
      events({ name: 'check and count, decoded', figure: slow, ceiling }),
    ],
  }
}

function lotsOfEvents(): Lot[] {
  const generator = new Generator({ seed: 42 })
  return Array.from({ length: EVENTS / LOT }, (_, lot) => {
    const values = Array.from({ length: LOT }, (_, i) => generator.nextMessage(AT + (lot * LOT + i) * STEP_MS, 0).value)
    const starts = [0]
    for (const value of values) starts.push(starts.at(-1)! + value.length)
    return { data: Buffer.concat(values), starts }
  })
}

function timed(lots: readonly Lot[], work: (value: Buffer) => void): number {
  return timedRanges(lots, (data, start, end) => work(data.subarray(start, end)))
}

function timedRanges(lots: readonly Lot[], work: (data: Buffer, start: number, end: number) => void): number {
  const begin = performance.now()
  for (const { data, starts } of lots) for (let i = 0; i < LOT; i++) work(data, starts[i]!, starts[i + 1]!)
  return perSecond(EVENTS, performance.now() - begin)
}
