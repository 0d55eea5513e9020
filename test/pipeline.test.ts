import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog, PartitionReader } from '../src/log/log.ts'
import { type PipelineSummary, runPipeline } from '../src/pipeline.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { pause } from '../src/retry.ts'

const EVENTS = 200

/** What a reader has to get past before each read. `stop` is what stops the flow, `signal` what ends the read. */
type Gate = (signal: AbortSignal, stop: AbortSignal) => Promise<void>

function readingBehind(log: EventLog, gate: Gate, stop: AbortSignal): EventLog {
  const open = (partition: number, from: number): PartitionReader => {
    const reader = log.open(partition, from)
    return {
      read: async (options) => {
        await gate(options.signal ?? stop, stop)
        return reader.read(options)
      },
      close: () => reader.close(),
    }
  }
  return {
    topic: log.topic,
    open,
    ensureTopic: () => log.ensureTopic(),
    describe: () => log.describe(),
    append: (messages) => log.append(messages),
    join: (options) => log.join(options),
    committed: (group) => log.committed(group),
    close: () => log.close(),
  }
}

/** Runs the flow in a folder of its own until there are events in the log, then stops it. */
async function flow(gate: Gate): Promise<{ summary: PipelineSummary; inLake: number; inLog: number }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'music-faker-pipeline-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const { config } = loadConfig({ dataDir, rate: '500/s' }, {})
  const stop = new AbortController()
  const [log, lake] = [readingBehind(await openLog(config), gate, stop.signal), await openLake(config)]
  onTestFinished(async () => void (await Promise.all([log.close(), lake.close()])))
  await log.ensureTopic()
  const endOfLog = async () => [...(await log.describe()).partitions.values()].reduce((sum, { end }) => sum + end, 0)

  const running = runPipeline({ config, log, lake, signal: stop.signal })
  await vi.waitFor(async () => expect(await endOfLog()).toBeGreaterThanOrEqual(EVENTS), { timeout: 20_000 })
  stop.abort()
  const summary = await running
  const { problems, events } = await verify({ lake, root: `/${config.topic}`, deep: true })
  expect(problems).toEqual([])
  return { summary, inLake: events, inLog: await endOfLog() }
}

test('a stop leaves nothing in the log that is not in the lake, also when the archiver is behind', async () => {
  const { summary, inLake, inLog } = await flow(async (signal, stop) => {
    while (!stop.aborted) await pause(20, signal)
    await pause(300, signal)
  })
  expect(summary.produced).toBeGreaterThanOrEqual(EVENTS)
  expect(summary.archived).toMatchObject({ events: summary.produced, drained: true })
  expect({ inLake, inLog }).toEqual({ inLake: summary.produced, inLog: summary.produced })
})

test('a stop does not wait without end for an archiver that cannot read, and says what it left', async () => {
  const { summary, inLake, inLog } = await flow((signal) => pause(60_000, signal))
  expect(summary.archived).toMatchObject({ events: 0, drained: false })
  expect({ inLake, inLog }).toEqual({ inLake: 0, inLog: summary.produced })
})
