import { MusicFakerError } from '../../errors.ts'
import type { PartitionReader } from '../../log/log.ts'
import { retrying } from '../../retry.ts'
import { command } from '../command.ts'
import { type Message, mergeByTime, messageJson, messageLine, messagesOf } from '../messages.ts'
import type { Output } from '../output.ts'
import { wholeNumber } from '../parse.ts'
import { LOG_SETTINGS } from '../settings.ts'

const DEFAULT_COUNT = 10
/** They are held in memory until they are merged. */
const MAX_COUNT = 100_000
const MAX_BYTES = 1_048_576
const MAX_WAIT_MS = 1_000

export const tail = command({
  examples: ['tail -n 5', 'tail -n 5 --from-beginning', 'tail -f'],
  description:
    'Prints the newest messages of all partitions in the order of their timestamps, each as it is, one a line; on a terminal control characters are shown as \\uXXXX.',
  options: {
    count: {
      short: 'n',
      value: 'N',
      help: `how many messages (default ${DEFAULT_COUNT})`,
      parse: wholeNumber(0, MAX_COUNT),
    },
    fromBeginning: { help: 'the oldest instead of the newest; with -f all from the oldest on' },
    follow: { short: 'f', help: 'go on with what comes, until stopped' },
  },
  settings: LOG_SETTINGS,
  async run({ out, openLog, signal }, { options }) {
    const { fromBeginning, follow } = options
    if (fromBeginning && follow && options.count !== undefined) {
      throw new MusicFakerError('USAGE', '-n cannot stand with --from-beginning -f, which prints everything', {
        next: 'Leave out -n, or -f.',
      })
    }
    const count = options.count ?? DEFAULT_COUNT
    const log = await openLog()
    const { topicId, partitions } = await log.describe()
    const readers = [...partitions].map(([partition, { start, end }]) => {
      const from = fromBeginning ? start : Math.max(start, end - count)
      return { reader: log.open({ topicId, partition, from }), from, end }
    })
    if (!(fromBeginning && follow)) {
      const limit = fromBeginning ? count : Number.POSITIVE_INFINITY
      const runs = await Promise.all(readers.map(({ reader, from, end }) => readRun(reader, from, end, limit)))
      const merged = mergeByTime(runs)
      const shown = fromBeginning ? merged.slice(0, count) : merged.slice(Math.max(0, merged.length - count))
      for (const message of shown) await print(message, out)
    }
    if (follow) await Promise.all(readers.map(({ reader }) => followPartition(reader, out, signal)))
    await Promise.all(readers.map(({ reader }) => reader.close()))
  },
})

/** What stands in `[from, end)`, and what was read along with it; at most `limit` messages. */
async function readRun(reader: PartitionReader, from: number, end: number, limit: number): Promise<Message[]> {
  const messages: Message[] = []
  for (let next = from; next < end && messages.length < limit; ) {
    const batch = await reader.read({ maxBytes: MAX_BYTES, maxWaitMs: MAX_WAIT_MS })
    for (const message of messagesOf(batch)) messages.push(message)
    next = batch.next
  }
  return limit < messages.length ? messages.slice(0, limit) : messages
}

async function followPartition(reader: PartitionReader, out: Output, signal: AbortSignal): Promise<void> {
  const onRetry = (error: Error) => out.say(`waiting: ${error.message}`)
  const read = () => reader.read({ maxBytes: MAX_BYTES, maxWaitMs: MAX_WAIT_MS, signal })
  while (!signal.aborted) {
    for (const message of messagesOf(await retrying(read, { signal, onRetry }))) await print(message, out)
  }
}

async function print(message: Message, out: Output): Promise<void> {
  if (out.json) await out.item(messageJson(message), '')
  else await out.write(messageLine(message, out.terminal))
}
