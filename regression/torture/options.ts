/** What `npm run torture` can be told. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MusicFakerError } from '../../src/errors.ts'

export const USAGE = `npm run torture -- [--minutes N] [--seed N] [--rate N] [--out FOLDER] [--record]

Starts Kafka and HDFS of its own on free ports, and under load from several producers kills, freezes, stops and restarts
random parts of it all: archivers of one group and of two, producers, the dashboard, the broker, the NameNode, the DataNode.
At the end the lake must hold every event once, and the dashboard must say so. Exit code 0 when it does, 1 when not.

  --minutes N    how long; 10 by default. Ctrl-C ends it earlier, still with the proof; a second one leaves at once
  --seed N       of the acts and of the producers; taken from the clock by default
  --rate N       events per second of each of the two producers; 500 by default
  --out FOLDER   for the list of acts, the result and what each part printed, and, where something went wrong, the data of
                 Kafka and HDFS and the ledgers; regression/torture/results/<time> by default
  --record       show the result in docs/GUARANTEES.md, if it is clean
`

export interface TortureOptions {
  minutes: number
  /** Whole number, 0 to 2^32 - 1. */
  seed: number
  /** Events per second and producer. */
  rate: number
  out: string
  record: boolean
}

/** @throws USAGE. Resolves undefined when help was asked for. */
export function readOptions(args: readonly string[], now: number): TortureOptions | undefined {
  const values = parse(args)
  if (values.help) return undefined
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')
  return {
    minutes: positive('--minutes', values.minutes ?? '10'),
    seed: Math.floor(Number(values.seed === undefined ? now % 2 ** 32 : positive('--seed', values.seed))) >>> 0,
    rate: positive('--rate', values.rate ?? '500'),
    out: values.out ?? join(import.meta.dirname, 'results', stamp),
    record: values.record,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        rate: { type: 'string' },
        out: { type: 'string' },
        record: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new MusicFakerError('USAGE', (error as Error).message, { next: USAGE })
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new MusicFakerError('USAGE', `${name} ${text}: not a number above 0`, { next: USAGE })
}
