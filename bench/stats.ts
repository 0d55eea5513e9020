/** Summing up events for the commit record, one batch of half a million on one core. Takes about three seconds. */
import { decode } from '../src/event.ts'
import { Generator } from '../src/generate/generator.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { type BenchResult, peakMiB, perSecond } from './result.ts'

const EVENTS = 500_000
const LOT = 1_000
/** As 500 events a second flow, so that minutes change. */
const STEP_MS = 2
const AT = Date.UTC(2025, 6, 3, 20)

export async function run(): Promise<BenchResult> {
  const generator = new Generator({ seed: 42 })
  const builder = new SummaryBuilder()
  let addMs = 0
  let addCpu = 0
  let parseMs = 0
  for (let done = 0; done < EVENTS; done += LOT) {
    const values = Array.from({ length: LOT }, (_, i) => generator.nextMessage(AT + (done + i) * STEP_MS, 0).value)
    const texts = values.map((value) => Buffer.from(value).toString())
    const parsing = performance.now()
    for (const text of texts) JSON.parse(text)
    parseMs += performance.now() - parsing

    // Fresh from the decoder, as the archiver adds them: strings that are met again are hashed already.
    const valid = values.map((value) => decode(value, AT + EVENTS * STEP_MS)).filter((event) => event.ok)
    if (valid.length !== LOT) throw new Error('the generator made an invalid event')
    const cpu = process.cpuUsage()
    const adding = performance.now()
    for (const { event, minute } of valid) builder.add(event, minute)
    addMs += performance.now() - adding
    const { user, system } = process.cpuUsage(cpu)
    addCpu += user + system
  }
  const building = performance.now()
  if (builder.build().events !== EVENTS) throw new Error('events were lost')
  addMs += performance.now() - building
  return {
    name: 'stats: sum up',
    figure: perSecond(EVENTS, addMs),
    unit: 'events/s',
    ceiling: { name: 'JSON.parse of the same events', figure: perSecond(EVENTS, parseMs) },
    cpuSeconds: addCpu / EVENTS,
    peakMiB: peakMiB(),
  }
}
