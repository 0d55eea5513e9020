/**
 * Whatever any program writes to the topic is in the lake as it was written, or in quarantine with the reason, and is
 * counted; none of it is lost, none of it is in the way of the rest.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, type TestContext, test } from 'vitest'
import { runKafkaTool } from '../../src/cluster/cluster.ts'
import { jarFolder } from '../../src/cluster/download.ts'
import { requireJava } from '../../src/cluster/requirements.ts'
import { runToEnd } from '../../src/cluster/run.ts'
import { loadConfig } from '../../src/config.ts'
import { hasCode } from '../../src/errors.ts'
import type { QuarantineReason } from '../../src/event.ts'
import { openSqliteLog } from '../../src/log/sqlite.ts'
import type { Config } from '../../src/settings.ts'
import { cleanEnvironment, freePort, jsonLines } from '../cli/music-faker.ts'
import { ask, pageAddress } from './api.ts'
import { type ForeignMessage, foreignMessages } from './foreign-messages.ts'
import { batchRecords, lakeLines } from './lake.ts'
import { interrupt, Shell } from './shell.ts'

const services = inject('services')
const skipped = 'skipped' in services
const TOPIC = 'e2e_foreign'
const KAFKA_PYTHON = 'kafka-python==3.0.12'
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('messages of other programs in the embedded profile', { timeout: 30_000 }, () => {
  test('are kept as they are, or quarantined, and counted', async () => {
    const shell = await Shell.open()
    onTestFinished(() => shell.close())
    const log = await openSqliteLog({ file: shell.place.path('data/log.sqlite'), topic: 'music_events', partitions: 3 })
    await log.ensureTopic()
    // This log has no tombstones.
    const messages = foreignMessages('embedded').filter(({ value }) => value !== null)
    await log.append(messages.map(({ value }, i) => ({ key: `${i}`, value: value as Buffer })))
    await log.close()
    await expectArchived(shell, messages)
    await expectServed(shell, messages)
  })
})

const title = `messages of other programs on Kafka${skipped ? ` (skipped: ${services.skipped})` : ''}`
describe.skipIf(skipped)(title, { timeout: 120_000 }, () => {
  let shell: Shell
  let config: Config
  const written: ForeignMessage[] = []

  beforeAll(async () => {
    if ('skipped' in services) return
    const { dataDir, portOffset } = services
    config = loadConfig({ profile: 'cluster', dataDir, portOffset }, {}).config
    shell = await Shell.open({
      MF_PROFILE: 'cluster',
      MF_PORT_OFFSET: String(portOffset),
      MF_DATA_DIR: dataDir,
      MF_TOPIC: TOPIC,
      MF_GROUP: TOPIC,
    })
    const server = ['--bootstrap-server', config.kafkaBrokers.join()]
    // Larger than Kafka lets through by default.
    const topic = ['--create', '--topic', TOPIC, '--partitions', '3', '--config', 'max.message.bytes=4000000']
    const { code, stderr } = await runKafkaTool(config, 'org.apache.kafka.tools.TopicCommand', [...server, ...topic])
    expect(code, stderr).toBe(0)
  })
  afterAll(() => shell?.close())

  test('Java, with every compression, in a transaction committed, and not in one aborted', async (context) => {
    const java = requireJava(process.env)
    const modules = await runToEnd(java, ['--list-modules'], { environment: process.env })
    if (!modules.stdout.includes('jdk.compiler')) context.skip('this Java has no compiler')
    const sent = [...COMPRESSIONS, 'commit'].map((how) => ({ how, messages: foreignMessages(`java ${how}`) }))
    const aborted = foreignMessages('java abort')
    const program = fileURLToPath(new URL('ForeignProducer.java', import.meta.url))
    await send([...sent, { how: 'abort', messages: aborted }], java, [
      ...['-XX:TieredStopAtLevel=1', '-cp', join(jarFolder('kafka'), '*'), program],
    ])
    written.push(...sent.flatMap(({ messages }) => messages))
    await expectArchived(shell, written)
    const records = await batchRecords(shell)
    // The aborted ones, and a marker of either transaction in each partition that it touched.
    expect(records.reduce((sum, record) => sum + record.skipped, 0)).toBe(aborted.length + 6)
  })

  test('Python, with and without compression', async (context) => {
    const PYTHONPATH = await installKafkaPython(context)
    const sent = ['none', 'gzip'].map((how) => ({ how, messages: foreignMessages(`python ${how}`) }))
    const program = fileURLToPath(new URL('foreign_producer.py', import.meta.url))
    await send(sent, 'python3', [program], { PYTHONPATH })
    written.push(...sent.flatMap(({ messages }) => messages))
    await expectArchived(shell, written)
  })

  test('are all told by tail, also those that are no text', async () => {
    const told = await shell.rows<{ value?: string | null; base64?: string }>('tail -n 100000 --from-beginning')
    expect(
      told.map(({ value, base64 }) => base64 ?? base64Of(value == null ? null : Buffer.from(value))).sort(),
    ).toEqual(written.map(({ value }) => base64Of(value)).sort())
  })

  test('are counted by the REST API', () => expectServed(shell, written))

  /** Has a program send messages to the topic. */
  async function send(
    lots: readonly { how: string; messages: readonly ForeignMessage[] }[],
    program: string,
    args: readonly string[],
    environment: Record<string, string> = {},
  ): Promise<void> {
    const plan = shell.place.path('plan')
    // The colon keeps an empty message from being no word at all.
    const line = (how: string, { value }: ForeignMessage) => `${how} ${value === null ? '-' : `:${base64Of(value)}`}\n`
    writeFileSync(plan, lots.flatMap(({ how, messages }) => messages.map((message) => line(how, message))).join(''))
    const { code, stderr } = await runToEnd(program, [...args, config.kafkaBrokers.join(), TOPIC, plan], {
      environment: { ...cleanEnvironment(), ...environment },
    })
    expect(code, stderr).toBe(0)
  }

  /** Gives the folder with kafka-python. Skips the test where there is no Python, no pip or no package index. */
  async function installKafkaPython(context: TestContext): Promise<string> {
    const folder = shell.place.path('python')
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder]
    const python = { environment: process.env }
    try {
      const { code, stderr } = await runToEnd('python3', [...pip, KAFKA_PYTHON], python)
      if (code !== 0) context.skip(`${KAFKA_PYTHON} could not be installed: ${stderr.trim().split('\n').at(-1)}`)
    } catch (error) {
      if (!hasCode(error, 'CLUSTER_MISSING')) throw error
      context.skip('there is no python3')
    }
    expect(readdirSync(folder)).toContain('kafka')
    return folder
  }
})

/** Archives all, and finds each message where it belongs, as it was written. */
async function expectArchived(shell: Shell, messages: readonly ForeignMessage[]): Promise<void> {
  const { code, stderr } = await shell.run('consume -m batch -b 100 --once')
  expect(code, stderr).toBe(0)

  const kept = messages.flatMap(({ becomes }) => ('line' in becomes ? [becomes.line] : []))
  expect(await lakeLines(shell)).toEqual(kept.sort())

  const set = jsonLines(await shell.output("cat '_quarantine/day=*/batch_*'")) as Quarantined[]
  const bad = messages.flatMap(({ value, becomes }) =>
    'reason' in becomes ? [`${becomes.reason} ${value === null ? null : base64Of(value)}`] : [],
  )
  expect(set.map(({ reason, bytes }) => `${reason} ${bytes}`).sort()).toEqual(bad.sort())
  expect(new Set(set.map(({ partition, offset }) => `${partition} ${offset}`)).size).toBe(bad.length)

  const counted = { lag: 0, events: kept.length, quarantined: reasonsOf(messages), problems: [] }
  expect(await shell.document('status')).toMatchObject(counted)
  expect(await shell.output('verify --deep')).toContain('verified to the last byte')
}

/** The dashboard counts what the messages have become. */
async function expectServed(shell: Shell, messages: readonly ForeignMessage[]): Promise<void> {
  const reasons = reasonsOf(messages)
  const total = Object.values(reasons).reduce((sum, n) => sum + n, 0)
  const dashboard = shell.start('dashboard', { MF_PORT: String(await freePort()) })
  const url = await pageAddress(dashboard)
  expect(await ask(url, '/api/stats')).toMatchObject({ total_events: messages.length - total, quarantined: total })
  expect(await ask(url, '/api/quarantine')).toMatchObject({ total, reasons })
  await interrupt(dashboard)
}

interface Quarantined {
  partition: number
  offset: number
  reason: QuarantineReason
  bytes: string | null
}

function reasonsOf(messages: readonly ForeignMessage[]): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const { becomes } of messages) {
    if ('reason' in becomes) reasons[becomes.reason] = (reasons[becomes.reason] ?? 0) + 1
  }
  return reasons
}

function base64Of(value: Buffer | null): string {
  return value?.toString('base64') ?? 'null'
}
