/** How many messages a second the generator makes on one core, into nothing. Takes about three seconds. */
import type { MusicEvent } from '../src/event.ts'
import { Generator } from '../src/generate/generator.ts'
import type { LogMessage } from '../src/log/log.ts'

const MEASURE_S = 1.2
const LOT = 2000
const AT = Date.UTC(2025, 6, 3, 20)

export interface GenerateResult {
  name: string
  figure: number
  unit: string
  /** The same bytes made the plain way from an event that costs nothing. Ready-made pieces of JSON may beat it. */
  ceiling: { name: string; figure: number }
  /** CPU seconds per million messages. */
  cpuSeconds: number
  /** Peak resident memory of the process, which may have run other things before. */
  peakMiB: number
  /** Milliseconds to build the generator at its default sizes. */
  startMs: number
}

export async function run(): Promise<GenerateResult> {
  const begin = performance.now()
  const generator = new Generator({ seed: 42 })
  const startMs = performance.now() - begin

  const event: MusicEvent = generator.next(AT)
  const plain = () => ({ key: event.user, value: Buffer.from(JSON.stringify(event)), timestamp: AT })
  let made = 0
  const message = () => generator.nextMessage(AT + Math.floor(made / 100), made++ % 1000)

  perSecond(message, 0.2)
  const cpu = process.cpuUsage()
  const before = made
  const figure = perSecond(message, MEASURE_S)
  const { user, system } = process.cpuUsage(cpu)
  perSecond(plain, 0.2)
  return {
    name: 'generate',
    figure,
    unit: 'events/s',
    ceiling: { name: 'JSON.stringify of one ready-made event to bytes', figure: perSecond(plain, MEASURE_S) },
    cpuSeconds: (user + system) / (made - before),
    peakMiB: process.resourceUsage().maxRSS / 1024,
    startMs,
  }
}

/** Makes lots, as the produce loop does, and forgets each when the next is begun. */
function perSecond(make: () => LogMessage, seconds: number): number {
  const begin = performance.now()
  let count = 0
  while (performance.now() - begin < seconds * 1000) {
    const lot: LogMessage[] = []
    for (let i = 0; i < LOT; i++) lot.push(make())
    count += lot.length
  }
  return Math.round((count * 1000) / (performance.now() - begin))
}
