/** A cluster of its own, from nothing to its end: the shared one of `test/services.ts` must not be restarted. */
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { LONG } from '../../regression/form.ts'
import {
  down,
  logs,
  ps,
  restart,
  runHdfs,
  runKafkaTool,
  type ServiceName,
  type ServiceStatus,
  up,
} from '../../src/cluster/cluster.ts'
import { isFree } from '../../src/cluster/ports.ts'
import { identify } from '../../src/cluster/process.ts'
import { portsOf, siteOf } from '../../src/cluster/site.ts'
import { openLake, openLog } from '../../src/profiles.ts'
import type { Config } from '../../src/settings.ts'
import { destroy, freeConfig } from '../services.ts'
import { recorded, temporaryFolder } from './temporary.ts'

const SERVICES: ServiceName[] = ['kafka', 'namenode', 'datanode']
// A path as users have them: with a space and an accent.
const dataDir = mkdtempSync(join(tmpdir(), 'music-faker Zoé '))
let config: Config

beforeAll(async () => {
  config = await freeConfig(dataDir)
})
afterAll(() => destroy(dataDir))

function start(call = recorded()): Promise<ServiceStatus[]> {
  return up(config, { ...call, services: SERVICES, engine: 'jvm' })
}

function pidsOf(statuses: ServiceStatus[]): (number | undefined)[] {
  return statuses.map(({ pid }) => pid)
}

/** The partitions' ends of a topic. */
async function endOffsets(topic: string): Promise<number[]> {
  const log = await openLog({ ...config, topic })
  try {
    return [...(await log.describe()).partitions.values()].map(({ end }) => end)
  } finally {
    await log.close()
  }
}

/** A NameNode that has just started learns a little later which blocks its DataNode has. */
async function keptFile(): Promise<string> {
  const lake = await openLake(config)
  try {
    return Buffer.from(await vi.waitFor(() => lake.read('/kept.txt'), 10_000)).toString()
  } finally {
    await lake.close()
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false))
  })
}

async function requireTool(result: Promise<{ code: number; stderr: string }>): Promise<void> {
  const { code, stderr } = await result
  expect(stderr).toBe('')
  expect(code).toBe(0)
}

const services = inject('services')

describe.skipIf('skipped' in services)('a cluster', { timeout: 120_000 }, () => {
  let first: ServiceStatus[]

  beforeEach((context) => {
    // Each test goes on from the one before.
    if (context.task.suite?.tasks.some((task) => task.result?.state === 'fail')) context.skip()
  })

  test('starts once, though two commands start it at the same time', async () => {
    const [call, other] = [recorded(), recorded()]
    const [statuses, same] = await Promise.all([start(call), start(other)])
    first = statuses
    expect(statuses.map(({ name, state, engine }) => [name, state, engine])).toEqual(
      SERVICES.map((name) => [name, 'running', 'jvm']),
    )
    expect(pidsOf(same)).toEqual(pidsOf(statuses))
    expect([...call.lines, ...other.lines]).toContainEqual(expect.stringMatching(/^waiting for another command/))
    expect(call.lines.concat(other.lines).filter((line) => line === 'kafka: starting ...')).toHaveLength(1)
  })

  test('is left alone when it is started again', async () => {
    const call = recorded()
    expect(pidsOf(await start(call))).toEqual(pidsOf(first))
    expect(call.lines).toEqual(SERVICES.map((name) => expect.stringContaining(`${name}: already running at `)))
  })

  test('is listed with what its users need to reach it', async () => {
    const kafka = { name: 'kafka', state: 'running', address: config.kafkaBrokers[0], pid: first[0]?.pid }
    const namenode = { name: 'namenode', state: 'running', address: config.hdfsNamenodes[0], pid: first[1]?.pid }
    expect(await ps(config)).toEqual([
      expect.objectContaining(kafka),
      expect.objectContaining(namenode),
      expect.objectContaining({ name: 'datanode', state: 'running' }),
      expect.objectContaining({ name: 'dashboard', state: 'stopped', engine: 'node', port: config.port }),
    ])
  })

  test('listens on this machine only', async () => {
    const ports = SERVICES.flatMap((service) => portsOf(siteOf(config), service))
    // Another address of the same machine: what listens on all of them would accept.
    expect(await Promise.all(ports.map((port) => accepts('127.0.0.1', port)))).toEqual(ports.map(() => true))
    expect(await Promise.all(ports.map((port) => accepts('127.0.0.2', port)))).toEqual(ports.map(() => false))
  })

  test('takes the tools of Kafka and HDFS', async () => {
    const server = ['--bootstrap-server', config.kafkaBrokers.join()]
    const topic = ['--create', '--topic', 'kept', '--partitions', '1']
    await requireTool(runKafkaTool(config, 'org.apache.kafka.tools.TopicCommand', [...server, ...topic]))
    const load = ['--topic', 'kept', '--num-records', '500', '--record-size', '20', '--throughput', '-1']
    const properties = ['--producer-props', `bootstrap.servers=${config.kafkaBrokers.join()}`]
    await requireTool(runKafkaTool(config, 'org.apache.kafka.tools.ProducerPerformance', [...load, ...properties]))
    expect(await endOffsets('kept')).toEqual([500])

    // FsShell takes a local path as a URL, so not in the folder with the space.
    const file = join(temporaryFolder(), 'kept.txt')
    writeFileSync(file, 'kept\n')
    await requireTool(runHdfs(config, ['-put', file, '/kept.txt']))
    expect((await runHdfs(config, ['-cat', '/kept.txt'])).stdout).toBe('kept\n')
    if (LONG) expect((await runHdfs(config, ['-cat', '/missing'])).code).toBe(1)
  })

  test('keeps what Kafka holds when Kafka is restarted, and nothing else is', async () => {
    const [kafka] = await restart(config, 'kafka', recorded())
    expect(kafka?.state).toBe('running')
    expect(kafka?.pid).not.toBe(first[0]?.pid)
    expect(pidsOf(await ps(config)).slice(1, 3)).toEqual(pidsOf(first).slice(1, 3))
    expect(await endOffsets('kept')).toEqual([500])
  })

  test('shows the logs of its services', async () => {
    const lines: string[] = []
    await logs(config, undefined, {
      follow: false,
      lines: 3,
      out: (line) => lines.push(line),
      signal: recorded().signal,
    })
    expect(lines.map((line) => line.split(' | ')[0])).toEqual(SERVICES.flatMap((name) => [name, name, name]))

    const followed: string[] = []
    const stop = new AbortController()
    const out = (line: string) => followed.push(line)
    const following = logs(config, 'namenode', { follow: true, lines: 0, out, signal: stop.signal })
    await vi.waitFor(() => {
      appendFileSync(join(siteOf(config).folder, 'logs', 'namenode.log'), 'a line\n')
      expect(followed).toContain('a line')
    }, 10_000)
    stop.abort()
    await following
  })

  test('starts again only the service that was killed', async () => {
    const [kafka, namenode] = await ps(config)
    process.kill(namenode?.pid ?? 0, 'SIGKILL')
    await vi.waitFor(async () => {
      const found = (await ps(config)).find(({ name }) => name === 'namenode')
      expect(found).toMatchObject({ state: 'stopped', note: expect.stringContaining('ended by itself') })
    }, 10_000)
    const statuses = await start()
    expect(statuses.map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    expect(statuses[0]?.pid).toBe(kafka?.pid)
    expect(await keptFile()).toBe('kept\n')
  })

  test('starts a NameNode while another command waits for the DataNode that needs it', async () => {
    await down(config, { ...recorded(), services: ['namenode', 'datanode'] })
    const call = recorded()
    const waiting = up(config, { ...call, services: ['datanode'] })
    await vi.waitFor(async () => {
      expect(call.lines).toContain('waiting for datanode, as namenode is stopped ...')
    }, 30_000)
    const [namenode] = await up(config, { ...recorded(), services: ['namenode'] })
    expect(namenode?.state).toBe('running')
    expect((await waiting).map(({ state }) => state)).toEqual(['running'])
  })

  test('stops, and leaves its ports', async () => {
    const running = await ps(config)
    await down(config, recorded())
    expect((await ps(config)).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
    const ports = SERVICES.flatMap((service) => portsOf(siteOf(config), service))
    expect(await Promise.all(ports.map(isFree))).toEqual(ports.map(() => true))
    expect(pidsOf(running).filter((pid) => pid !== undefined && identify(pid) !== undefined)).toEqual([])

    const call = recorded()
    await down(config, call)
    expect(call.lines).toEqual(['nothing to stop'])
  })

  test('tells why a service does not start, with the end of its log', async () => {
    const file = join(siteOf(config).folder, 'data', 'kafka', 'meta.properties')
    const properties = readFileSync(file, 'utf8')
    writeFileSync(file, properties.replace('node.id=1', 'node.id=2'))
    await expect(up(config, { ...recorded(), services: ['kafka'] })).rejects.toMatchObject({
      code: 'CLUSTER_FAILED',
      message: expect.stringMatching(/^kafka ended while it was starting.*node id/is),
      next: expect.stringContaining(join('cluster', 'logs', 'kafka.log')),
    })
    writeFileSync(file, properties)
  })

  test('finds its data when it is started again, now with the topic and the dashboard', async () => {
    // As in MF_CONFIG=my.json music-faker up: its settings are in `config`, and the dashboard runs in another folder.
    vi.stubEnv('MF_CONFIG', 'my.json')
    onTestFinished(() => void vi.unstubAllEnvs())
    const statuses = await up(config, recorded())
    expect(statuses.map(({ name, state }) => [name, state])).toEqual(
      [...SERVICES, 'dashboard'].map((name) => [name, 'running']),
    )
    expect(await endOffsets('kept')).toEqual([500])
    expect(await keptFile()).toBe('kept\n')
    expect((await fetch(`http://127.0.0.1:${config.port}/health/live`)).status).toBe(200)
    expect(await endOffsets(config.topic)).toEqual(new Array(config.partitions).fill(0))
    await down(config, recorded())
    expect((await ps(config)).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
  })
})
