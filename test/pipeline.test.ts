import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { MusicFakerError } from '../src/errors.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog, PartitionReader, ReadFrom } from '../src/log/log.ts'
import { type PipelineSummary, runPipeline } from '../src/pipeline.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { pause } from '../src/retry.ts'
import type { Config } from '../src/settings.ts'

const EVENTS = 200
/** Long enough for a test to fail that waits for it. */
const HANG_MS = 60_000

/** What a reader has to get past before each read. `stop` is what stops the flow, `signal` what ends the read. */
type Gate = (signal: AbortSignal, stop: AbortSignal) => Promise<void>

function readingBehind(log: EventLog, gate: Gate, stop: AbortSignal): EventLog {
  const open = (from: ReadFrom): PartitionReader => {
    const reader = log.open(from)
    return {
      read: async (options) => {
        await gate(options.signal ?? stop, stop)
        return reader.read(options)
      },
      close: () => reader.close(),
    }
  }
  return { ...passingOn(log), open }
}

/** The same log, for what is to be put in the place of some of its calls. */
function passingOn(log: EventLog): EventLog {
  return {
    topic: log.topic,
    open: (from) => log.open(from),
    ensureTopic: () => log.ensureTopic(),
    describe: () => log.describe(),
    append: (messages) => log.append(messages),
    join: (options) => log.join(options),
    committed: (group) => log.committed(group),
    close: () => log.close(),
  }
}

/** A log whose appends hang, once there are events in it, until they are told to go on. */
class HangingAppend {
  readonly log: EventLog
  readonly #hanging = Promise.withResolvers<void>()
  readonly #goOn = Promise.withResolvers<void>()
  readonly #acknowledged = Promise.withResolvers<void>()

  constructor(log: EventLog) {
    const append: EventLog['append'] = async (messages) => {
      if ((await endOf(log)) < EVENTS) return log.append(messages)
      this.#hanging.resolve()
      await this.#goOn.promise
      await log.append(messages)
      this.#acknowledged.resolve()
    }
    this.log = { ...passingOn(log), append }
  }

  hangs(): Promise<void> {
    return this.#hanging.promise
  }

  goOn(): void {
    this.#goOn.resolve()
  }

  get acknowledged(): Promise<void> {
    return this.#acknowledged.promise
  }
}

/** Log and lake of a folder of their own. */
async function openFolder(
  settings: Partial<Config> = {},
): Promise<{ config: Config; log: EventLog; lake: LakeStorage }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'music-faker-pipeline-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const { config } = loadConfig({ dataDir, rate: '500/s', ...settings }, {})
  const [log, lake] = [await openLog(config), await openLake(config)]
  onTestFinished(async () => void (await Promise.all([log.close(), lake.close()])))
  return { config, log, lake }
}

/** How many messages the log holds. */
async function endOf(log: EventLog): Promise<number> {
  return [...(await log.describe()).partitions.values()].reduce((sum, { end }) => sum + end, 0)
}

/** Runs the flow in a folder of its own until there are events in the log, then stops it. */
async function flow(gate: Gate): Promise<{ summary: PipelineSummary; inLake: number; inLog: number }> {
  const { config, log: whole, lake } = await openFolder()
  const stop = new AbortController()
  const log = readingBehind(whole, gate, stop.signal)
  await log.ensureTopic()

  const running = runPipeline({ config, log, lake, signal: stop.signal })
  await vi.waitFor(async () => expect(await endOf(log)).toBeGreaterThanOrEqual(EVENTS), { timeout: 20_000 })
  stop.abort()
  const summary = await running
  const { problems, events } = await verify({ lake, root: `/${config.topic}`, deep: true })
  expect(problems).toEqual([])
  return { summary, inLake: events, inLog: await endOf(log) }
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
  const { summary, inLake, inLog } = await flow((signal) => pause(HANG_MS, signal))
  expect(summary.archived).toMatchObject({ events: 0, drained: false })
  expect({ inLake, inLog }).toEqual({ inLake: 0, inLog: summary.produced })
})

test('a stop does not wait for an append that hangs: what was acknowledged is archived, and the group is left', async () => {
  const { config, log: whole, lake } = await openFolder()
  const append = new HangingAppend(whole)
  const stop = new AbortController()
  const running = runPipeline({ config, log: append.log, lake, signal: stop.signal })
  await append.hangs()
  stop.abort()
  const { produced, archived } = await running
  const inLog = await endOf(whole)
  append.goOn()
  expect(produced).toBeGreaterThan(0)
  expect({ inLog, archived: archived.events, drained: archived.drained }).toEqual({
    ...{ inLog: produced, archived: produced, drained: false },
  })
  // Another member is given every partition without a wait.
  const left = new AbortController()
  const partitions: number[] = []
  for await (const { partition } of whole.join({
    group: config.group,
    signal: left.signal,
    onContact: () => undefined,
  })) {
    if (partitions.push(partition) === config.partitions) left.abort()
  }
  expect(partitions).toHaveLength(config.partitions)
})

test('a stop counts what is acknowledged while it drains', async () => {
  const { config, log: whole, lake } = await openFolder({ partitions: 1 })
  const append = new HangingAppend(whole)
  // Reading ends when the drain begins.
  const slowToEnd: Gate = async (signal) => {
    await pause(HANG_MS, signal).catch(() => undefined)
    append.goOn()
    await append.acknowledged
  }
  const stop = new AbortController()
  const log = readingBehind(append.log, slowToEnd, stop.signal)
  const running = runPipeline({ config, log, lake, signal: stop.signal })
  await append.hangs()
  const before = await endOf(whole)
  stop.abort()
  const { produced, archived } = await running
  expect(produced).toBeGreaterThan(before)
  expect({ inLog: await endOf(whole), drained: archived.drained }).toEqual({ inLog: produced, drained: false })
})

test('an archiver that has to stop takes the flow down with it, also where the log hangs from then on', async () => {
  const { config, log: whole, lake } = await openFolder({ partitions: 1 })
  const broken = async () => {
    throw new MusicFakerError('LOG_REFUSED', 'the log refuses to be read')
  }
  let stopped = false
  const log: EventLog = {
    ...readingBehind(whole, broken, new AbortController().signal),
    describe: () => (stopped ? new Promise(() => {}) : whole.describe()),
  }
  const running = runPipeline({
    ...{ config, log, lake, signal: new AbortController().signal },
    onArchive: ({ kind }) => {
      stopped ||= kind === 'stopped'
    },
  })
  await expect(running).rejects.toMatchObject({ code: 'LOG_REFUSED' })
})
