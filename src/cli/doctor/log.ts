/** Checks of the log: metadata, write, read. They use a topic of their own, so that the user's gets no foreign message. */
import { randomUUID } from 'node:crypto'
import { MusicFakerError } from '../../errors.ts'
import type { EventLog, ReadFrom } from '../../log/log.ts'
import type { Context } from '../context.ts'
import { formatCounted } from '../format.ts'
import { messagesOf } from '../messages.ts'
import type { Step } from './finding.ts'

const READ_TRIES = 10

export function logSteps({ config, openLog }: Context): Step[] {
  const probeTopic = `${config.topic.slice(0, 240)}.doctor`
  const what = config.profile === 'cluster' ? `Kafka at ${config.kafkaBrokers.join(', ')}` : 'the SQLite log'
  const key = randomUUID()
  let probe: EventLog
  let written: ReadFrom[] = []
  return [
    {
      check: 'log metadata',
      run: async () => {
        const log = await openLog()
        const topic = await topicState(log)
        probe = await openLog({ topic: probeTopic })
        await probe.ensureTopic()
        return `${what} answers; ${topic}`
      },
    },
    {
      check: 'log write',
      run: async () => {
        const before = await probe.describe()
        await probe.append([{ key, value: Buffer.from(key) }])
        const { topicId } = before
        written = [...before.partitions].map(([partition, { end }]) => ({ topicId, partition, from: end }))
        return `one message to ${probeTopic}`
      },
    },
    {
      check: 'log read',
      run: async () => {
        for (const from of await grown(probe, written)) {
          if (await holds(probe, from, key)) return 'the same message came back'
        }
        throw new MusicFakerError('LOG_REFUSED', `the message written to ${probeTopic} cannot be read back`, {
          next: `Look at the log of the service: music-faker logs kafka; and at the state of topic ${probeTopic}.`,
        })
      },
    },
  ]
}

async function topicState(log: EventLog): Promise<string> {
  try {
    const { partitions } = await log.describe()
    return `topic ${log.topic} has ${formatCounted(partitions.size, 'partition')}`
  } catch (error) {
    if (!(error instanceof MusicFakerError) || error.code !== 'LOG_TOPIC_MISSING') throw error
    return `topic ${log.topic} is not there yet, the first produce makes it`
  }
}

/** Those of `before` whose end has moved. */
async function grown(log: EventLog, before: readonly ReadFrom[]): Promise<ReadFrom[]> {
  const { partitions } = await log.describe()
  return before.filter(({ partition, from }) => (partitions.get(partition)?.end ?? 0) > from)
}

async function holds(log: EventLog, from: ReadFrom, key: string): Promise<boolean> {
  const reader = log.open(from)
  try {
    for (let i = 0; i < READ_TRIES; i++) {
      const batch = await reader.read({ maxBytes: 65_536, maxWaitMs: 500 })
      if (messagesOf(batch).some(({ value }) => value?.toString() === key)) return true
      if (batch.next >= batch.end) return false
    }
    return false
  } finally {
    await reader.close()
  }
}
