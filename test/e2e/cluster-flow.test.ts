/**
 * One flow on real Kafka and HDFS, seen from all sides: the makers' own tools, the REST API and this program have to agree
 * on every event.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { runHdfs, runKafkaTool } from '../../src/cluster/cluster.ts'
import { loadConfig } from '../../src/config.ts'
import { fingerprint, readLedger } from '../../src/generate/ledger.ts'
import type { Config } from '../../src/settings.ts'
import { freePort } from '../cli/music-faker.ts'
import { expectApiEqualsLake, pageAddress } from './api.ts'
import { batchRecords, expectLakeHoldsLog, latencies } from './lake.ts'
import { eventually, interrupt, linesOf, Shell, sortedLines } from './shell.ts'

const services = inject('services')
const skipped = 'skipped' in services
const TOPIC = 'e2e_flow'
const GROUP = 'e2e-flow'
const [BATCH, REALTIME] = [400, 600]
const EVENTS = BATCH + REALTIME

interface Entry {
  path: string
  kind: 'file' | 'directory'
  bytes: number
}

describe.skipIf(skipped)(`one flow${skipped ? ` (skipped: ${services.skipped})` : ''}`, { timeout: 120_000 }, () => {
  let shell: Shell
  let config: Config
  /** The events in the lake, sorted. */
  let lines: string[]
  /** Epoch milliseconds. */
  let realtimeFrom: number

  beforeAll(async () => {
    if ('skipped' in services) return
    const { dataDir, portOffset } = services
    config = loadConfig({ profile: 'cluster', dataDir, portOffset, topic: TOPIC, group: GROUP }, {}).config
    shell = await Shell.open({
      MF_PROFILE: 'cluster',
      MF_PORT_OFFSET: String(portOffset),
      MF_DATA_DIR: dataDir,
      MF_TOPIC: TOPIC,
      MF_GROUP: GROUP,
    })
  })
  afterAll(() => shell.close())

  /** Runs one of Kafka's tools or `hdfs dfs`, which has to succeed. */
  const kafka = async (tool: string, ...args: string[]) => {
    const server = ['--bootstrap-server', config.kafkaBrokers.join()]
    const { code, stdout, stderr } = await runKafkaTool(config, `org.apache.kafka.tools.${tool}`, [...server, ...args])
    expect(code, stderr).toBe(0)
    return stdout
  }
  const hdfs = async (...args: string[]) => {
    const { code, stdout, stderr } = await runHdfs(config, args)
    expect(code, stderr).toBe(0)
    return stdout
  }

  test(`produce ${EVENTS}, consume in both modes: the lake holds what was acknowledged`, async () => {
    await shell.output(`produce -n ${BATCH} --ledger ledger`)
    expect(await shell.output('consume -m batch -b 50 --once')).toContain(`archived ${BATCH} events`)
    const sizes = (await batchRecords(shell)).map(({ events }) => events)
    expect(Math.max(...sizes)).toBe(50)

    const consume = shell.start('consume -m realtime')
    realtimeFrom = Date.now()
    await shell.output(`produce -n ${REALTIME} --rate 150/s --seed 43 --ledger ledger`)
    await eventually(async () => {
      expect(await shell.document('status')).toMatchObject({ lag: 0, events: EVENTS, quarantined: {}, problems: [] })
    })
    // While the archiver runs: at its end it could still have told the group what it had kept to itself.
    await eventually(async () => expect(await lagOfGroup()).toBe(0))
    expect(await interrupt(consume)).toContain(`archived ${REALTIME} events`)

    lines = await expectLakeHoldsLog(shell, EVENTS)
    expect(fingerprint(lines.map((line) => Buffer.from(line)))).toEqual(await readLedger(shell.place.path('ledger')))
  })

  test('kafka-consumer-groups shows lag 0 also when the archiver is gone', async () => {
    expect(await lagOfGroup()).toBe(0)
  })

  test('kafka-console-consumer reads the very events that are in the lake', async () => {
    const [consumed, offsets] = await Promise.all([
      kafka('consumer.ConsoleConsumer', '--topic', TOPIC, '--from-beginning', '--max-messages', String(EVENTS)),
      kafka('GetOffsetShell', '--topic', TOPIC),
    ])
    expect(sortedLines(consumed)).toEqual(lines)
    const ends = linesOf(offsets).map((line) => Number(line.split(':')[2]))
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(EVENTS)
  })

  test('hdfs dfs lists and reads what this program lists and reads', async () => {
    const [listed, own, content] = await Promise.all([
      hdfs('-ls', '-R', `/${TOPIC}`),
      shell.rows<Entry>('ls -R'),
      hdfs('-cat', `/${TOPIC}/year=*/month=*/day=*/batch_*.jsonl`),
    ])
    const entries = linesOf(listed).map((line) => {
      const [mode = '', , , , bytes, , , path] = line.split(/ +/)
      return `${mode[0] === 'd' ? 'directory' : 'file'} ${bytes} ${path}`
    })
    expect(entries.sort()).toEqual(own.map(({ kind, bytes, path }) => `${kind} ${bytes} ${path}`).sort())
    expect(sortedLines(content)).toEqual(lines)
  })

  test('the REST API gives the figures of these events, and no lag', async () => {
    const dashboard = shell.start('dashboard', { MF_PORT: String(await freePort()) })
    const url = await pageAddress(dashboard)
    await expectApiEqualsLake(url, lines)
    await eventually(async () => {
      const lag = (await (await fetch(new URL('/api/lag', url))).json()) as {
        waiting: number
        partitions: { end: number; archived: number; committed: number }[]
      }
      expect(lag.waiting).toBe(0)
      for (const { end, archived, committed } of lag.partitions) expect([archived, committed]).toEqual([end, end])
    })
    await interrupt(dashboard)
  })

  test('consume -m realtime commits sooner than a batch would be due', async () => {
    const sorted = await latencies(shell, { since: realtimeFrom, until: Date.now() })
    expect(sorted).toHaveLength(REALTIME)
    // Within a second, on a machine of one's own (npm run bench); here other tests run at the same time.
    expect(sorted[REALTIME / 2]).toBeLessThan(5_000)
  })

  /** What kafka-consumer-groups says, over all partitions. */
  async function lagOfGroup(): Promise<number> {
    const stdout = await kafka('consumer.group.ConsumerGroupCommand', '--describe', '--group', GROUP)
    const [head = [], ...rows] = stdout
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('Consumer group'))
      .map((line) => line.trim().split(/ +/))
    const column = head.indexOf('LAG')
    expect(rows).toHaveLength(3)
    return rows.reduce((sum, row) => sum + Number(row[column]), 0)
  }
})
