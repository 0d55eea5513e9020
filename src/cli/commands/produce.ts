import type { LoadedConfig } from '../../config.ts'
import { hasCode, MusicFakerError } from '../../errors.ts'
import { parseRate, parseSpeed } from '../../generate/pacing.ts'
import type { ProduceSummary } from '../../generate/produce.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { formatCount, formatCounted, formatDuration, formatRate } from '../format.ts'
import { moment, seconds, text, wholeNumber } from '../parse.ts'
import { LOG_SETTINGS } from '../settings.ts'

export const produce = command({
  examples: [
    'produce -n 50 -d 0.5',
    'produce --realtime',
    'produce -n 100000 --start 2025-07-01 --rate 2000/s --speed 60x',
  ],
  description:
    'Without -n it goes on until it is stopped (with --start: until the present is reached). A first Ctrl-C waits for what was sent and ends with 0, a second leaves at once.',
  options: {
    count: { short: 'n', value: 'N', help: 'how many events; until stopped when left out', parse: wholeNumber(1) },
    delay: {
      short: 'd',
      value: 'SECONDS',
      help: 'seconds between two events; 0: as fast as the log takes them',
      parse: seconds,
    },
    rate: {
      value: 'N/s',
      help: 'events per second, such as 500/s, 30/min or 2k/s; without -n and without a pace it is MF_RATE, 20/s by default',
      parse: parseRate,
    },
    realtime: { help: 'flow with the clock: at --rate or -d, else at MF_RATE, 20/s by default' },
    start: {
      value: 'TIME',
      help: 'time of the first event, such as 2025-07-03 or 2025-07-03T20:00:00 (UTC), in place of now',
      parse: moment,
    },
    speed: {
      value: 'FACTOR',
      help: 'with --start, how fast time passes in the events, such as 60x',
      parse: parseSpeed,
    },
    ledger: { value: 'FILE', help: 'append count and checksum of each acknowledged lot to this file', parse: text },
  },
  settings: [...LOG_SETTINGS, 'seed'],
  drains: true,
  async run(context, { options }) {
    const { config, out, signal } = context
    const perSecond = paceOf(options, context.loaded)
    const { count, start, speed } = options
    const [{ Generator }, ledger, flow] = await Promise.all([
      import('../../generate/generator.ts'),
      import('../../generate/ledger.ts'),
      import('../../generate/produce.ts'),
    ])
    const generator = new Generator({ seed: config.seed })
    flow.possibleFlow({ generator, count, perSecond, start, speed }, Date.now())
    const writer = options.ledger === undefined ? undefined : new ledger.LedgerWriter(options.ledger)
    context.defer(async () => writer?.close())
    const log = await context.openLog()
    await log.ensureTopic()
    out.say(`writing to topic ${config.topic} (${config.profile}), seed ${config.seed}; Ctrl-C to stop`)

    const progress = out.progress({ total: count })
    let acknowledged = 0
    try {
      const summary = await flow.produce({
        log,
        generator,
        count,
        perSecond,
        start,
        speed,
        signal,
        onProgress: (state) => {
          acknowledged = state.acknowledged
          progress.update(acknowledged)
        },
        onAcknowledged: (messages) => writer?.add(ledger.fingerprint(messages.map(({ value }) => value))),
      })
      progress.end()
      await report(summary, context)
    } catch (error) {
      progress.end()
      if (acknowledged > 0) out.say(`${formatCounted(acknowledged, 'event')} acknowledged before this:`)
      throw error
    }
  },
})

interface PaceOptions {
  count: number | undefined
  delay: number | undefined
  rate: number | undefined
  realtime: boolean
  start: number | undefined
}

/**
 * Events per second, undefined for as fast as the log takes them. A flow that nothing limits would fill the disk, so
 * that is for -n, for --start, and for who says -d 0.
 */
function paceOf({ count, delay, rate, realtime, start }: PaceOptions, loaded: LoadedConfig): number | undefined {
  if (rate !== undefined && delay !== undefined) throw contradiction('--rate and -d', 'Give one of the two.')
  if (realtime && start !== undefined) throw contradiction('--realtime and --start', 'Leave out one of the two.')
  if (rate !== undefined) return rate
  if (delay !== undefined) return delay === 0 ? undefined : 1 / delay
  return realtime || (count === undefined && start === undefined) ? configuredRate(loaded) : undefined
}

function contradiction(what: string, next: string): MusicFakerError {
  return new MusicFakerError('USAGE', `${what} contradict each other`, { next })
}

/** The setting `rate`, in events per second. @throws CONFIG_INVALID, or USAGE where it is a flag */
export function configuredRate({ config, origins }: LoadedConfig): number {
  try {
    return parseRate(config.rate)
  } catch (error) {
    if (!hasCode(error, 'USAGE') || origins.rate === 'flag') throw error
    throw new MusicFakerError('CONFIG_INVALID', `setting "rate" (${origins.rate}): ${error.message}`, {
      cause: error,
      ...(error.next !== undefined && { next: error.next }),
    })
  }
}

async function report(summary: ProduceSummary, { config, out }: Context): Promise<void> {
  const { acknowledged, count, rate, firstTimestamp, lastTimestamp } = summary
  const short = count !== undefined && acknowledged < count ? `${formatCount(acknowledged)} of ` : ''
  await out.result({ topic: config.topic, seed: config.seed, ...summary }, () =>
    [
      `produced ${short}${formatCounted(count ?? acknowledged, 'event')} in ${formatDuration(summary.seconds)} (${formatRate(rate)}), seed ${config.seed}`,
      ...(firstTimestamp === undefined ? [] : [`from ${firstTimestamp} to ${lastTimestamp}`]),
    ].join('\n'),
  )
}
