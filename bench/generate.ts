/** How many messages a second the generator makes on one core, into nothing. */
import type { MusicEvent } from '../src/event.ts'
import { Generator } from '../src/generate/generator.ts'
import type { LogMessage } from '../src/log/log.ts'
import { atLeast, type BenchResult, cpuPerMillion, events, peakMiB, perSecond } from './result.ts'

const MEASURE_S = 2
const LOT = 2000
const AT = Date.UTC(2025, 6, 3, 20)

/** The ceiling is the same bytes made the plain way, from an event that costs nothing. */
export async function run(): Promise<BenchResult> {
  const generator = new Generator({ seed: 42 })
  const event: MusicEvent = generator.next(AT)
  const plain = () => ({ key: event.user, value: Buffer.from(JSON.stringify(event)) })
  let made = 0
  const message = () => generator.nextMessage(AT + Math.floor(made / 100), made++ % 1000)

  rateOf(message, 0.2)
  const cpu = process.cpuUsage()
  const before = made
  const figure = rateOf(message, MEASURE_S)
  const cpuSeconds = cpuPerMillion(cpu, made - before)
  const peak = peakMiB()
  rateOf(plain, 0.2)
  const ceiling = { name: 'JSON.stringify of one ready event, to bytes', figure: rateOf(plain, MEASURE_S) }
  return {
    figures: [events({ name: 'generate', figure, ceiling, target: atLeast(700_000), cpuSeconds, peakMiB: peak })],
  }
}

/** Messages per second. Makes lots, as the produce loop does, and forgets each when the next is begun. */
function rateOf(make: () => LogMessage, seconds: number): number {
  const begin = performance.now()
  let count = 0
  while (performance.now() - begin < seconds * 1000) {
    const lot: LogMessage[] = []
    for (let i = 0; i < LOT; i++) lot.push(make())
    count += lot.length
  }
  return perSecond(count, performance.now() - begin)
}
