/** The same commands on real Kafka and HDFS. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { fingerprint, readLedger } from '../../src/generate/ledger.ts'
import { freePort, jsonLines, Workplace } from './music-faker.ts'

const services = inject('services')
const EVENTS = 200

let place: Workplace
let env: Record<string, string>

beforeAll(async () => {
  place = await Workplace.create()
  if ('skipped' in services) return
  env = {
    MF_PROFILE: 'cluster',
    MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
    MF_HDFS_NAMENODES: services.hdfs.namenodes.join(','),
    MF_TOPIC: 'command_line',
    MF_PORT: String(await freePort()),
  }
})

afterAll(() => place.remove())

const testOnServices = test.skipIf('skipped' in services)
const fingerprintOf = (text: string) =>
  fingerprint(
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => Buffer.from(line)),
  )

testOnServices('produce, tail, consume, ls, cat and du', async () => {
  const produced = await place.run(['produce', '-n', String(EVENTS), '--ledger', 'ledger'], { env })
  expect(produced.code, produced.stderr).toBe(0)
  const ledger = await readLedger(place.path('ledger'))
  expect(ledger.count).toBe(EVENTS)

  const tail = await place.run(['tail', '-n', '1000', '--from-beginning'], { env })
  expect(fingerprintOf(tail.stdout)).toEqual(ledger)
  const newest = await place.run(['tail', '-n', '5'], { env })
  expect(newest.stdout.split('\n')).toHaveLength(6)

  const consumed = await place.run(['consume', '-m', 'batch', '-b', '50', '--once', '--json'], { env })
  expect(consumed.code, consumed.stderr).toBe(0)
  const cat = await place.run(['cat', 'year=*/month=*/day=*/batch_*'], { env })
  expect(fingerprintOf(cat.stdout)).toEqual(ledger)

  const listed = await place.run(['ls', '-R', '--json'], { env })
  const files = (jsonLines(listed.stdout) as { kind: string; bytes: number }[]).filter(({ kind }) => kind === 'file')
  const used = await place.run(['du', '-s', '--json'], { env })
  expect(JSON.parse(used.stdout)).toEqual([
    { path: '/command_line', bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files: files.length },
  ])
})

testOnServices('the doctor finds all well, and leaves nothing in HDFS', async () => {
  const { code, stdout, stderr } = await place.run(['doctor', '--json'], { env })
  const { checks } = JSON.parse(stdout) as { checks: { verdict: string; detail: string }[] }
  expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { stdout: left } = await place.run(['ls', '/tmp'], { env })
  expect(left).not.toContain('doctor')
})

testOnServices('a topic that is not there is told by the name that was typed', async () => {
  const { code, stdout, stderr } = await place.run(['tail', '--topic', 'comand_line'], { env })
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toMatch(/comand_line.*\(LOG_TOPIC_MISSING\)\n {2}next: \S/)
})

testOnServices('ps and logs show the services that run', async () => {
  if ('skipped' in services) return
  const site = { MF_DATA_DIR: services.dataDir, MF_PORT_OFFSET: String(services.portOffset) }
  const shown = await place.run(['ps', '--json'], { env: site })
  const states = (JSON.parse(shown.stdout) as { name: string; state: string }[]).map(({ name, state }) => [name, state])
  expect(states).toEqual(
    expect.arrayContaining([
      ['kafka', 'running'],
      ['namenode', 'running'],
      ['datanode', 'running'],
    ]),
  )
  const table = await place.run(['ps'], { env: site })
  expect(table.stdout).toMatch(/^SERVICE +STATE +BY +PID +ADDRESS +SINCE\n/)
  const logs = await place.run(['logs', 'kafka', '-n', '3'], { env: site })
  expect(logs.stdout.trimEnd().split('\n')).toHaveLength(3)
})
