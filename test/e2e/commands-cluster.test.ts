/**
 * Every row of the table of commands, typed in the cluster profile, on the Kafka and HDFS that `./start_services.sh` has
 * started: a cluster of its own, so that nothing but these lines has made it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { LONG } from '../../regression/form.ts'
import { freePort, type Outcome } from '../cli/music-faker.ts'
import { destroy, freeConfig } from '../services.ts'
import { ask, pageAddress } from './api.ts'
import { commandsDoWhatTheySay } from './commands.ts'
import { expectLakeHoldsLog } from './lake.ts'
import { eventually, interrupt, linesOf, Shell } from './shell.ts'

const services = inject('services')
const skipped = 'skipped' in services
const SERVICES = ['kafka', 'namenode', 'datanode', 'dashboard']

interface Status {
  name: string
  state: string
  pid?: number
  port: number
}

interface Lag {
  /** By partition: the log's end, and how far it is archived. */
  partitions: { end: number; archived: number }[]
}

describe.skipIf(skipped)(`cluster${skipped ? ` (skipped: ${services.skipped})` : ''}`, { timeout: 120_000 }, () => {
  let shell: Shell
  let started: Outcome

  const states = async () => (await shell.document<Status[]>('ps')).map(({ name, state }) => [name, state])
  const all = (state: string) => SERVICES.map((name) => [name, state])

  beforeAll(async () => {
    const { portOffset } = await freeConfig('./data')
    shell = await Shell.open({ MF_PROFILE: 'cluster', MF_PORT_OFFSET: String(portOffset) })
    // A cluster stays with the engine it was first started with. Docker, where it answers, would fetch images first.
    const folder = shell.place.path(join('data', 'cluster'))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'engine'), 'jvm\n')
    started = await shell.run('./start_services.sh')
  })
  afterAll(async () => {
    await shell.quit()
    // What a failed test has left running.
    destroy(shell.place.path('data'))
    await shell.close()
  })

  test('./start_services.sh: Kafka, HDFS and the dashboard answer', async () => {
    const { code, stdout, stderr } = started
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/^ready in [\d.]+ s$/m)
    const rows = linesOf(stdout).slice(1)
    expect(rows.map((line) => line.split(/ +/, 3).slice(0, 2))).toEqual(all('running'))
  })

  test('up, again: what runs is left alone', async () => {
    const before = await shell.document<Status[]>('ps')
    const { code, stderr } = await shell.run('up')
    expect(code, stderr).toBe(0)
    expect(stderr.match(/: already running at /g)).toHaveLength(SERVICES.length)
    expect(await shell.document('ps')).toEqual(before)
  })

  commandsDoWhatTheySay(() => shell)

  test('logs: what each service says, and of one the last lines', async () => {
    const lines = linesOf(await shell.output('logs -n 2'))
    expect(new Set(lines.map((line) => line.split(' | ')[0]))).toEqual(new Set(SERVICES))
    const kafka = await shell.output('logs kafka -n 1000')
    expect(kafka).toMatch(/Kafka Server started/)
  })

  // In short, lifecycle.services.test.ts restarts Kafka, and regression/kafka-stops.test.ts stops it under a flow.
  test.runIf(LONG)('restart kafka, under a running flow: it goes on, and loses nothing', async () => {
    const settings = { MF_TOPIC: 'restarted', MF_PORT: String(await freePort()) }
    const flow = shell.start('start', settings)
    const url = await pageAddress(flow)
    const total = async () => (await ask<{ total_events: number }>(url, '/api/stats')).total_events
    await eventually(async () => expect(await total()).toBeGreaterThan(0))
    const before = await shell.document<Status[]>('ps')

    const restarted = await shell.document<Status[]>('restart kafka')
    expect(restarted).toMatchObject([{ name: 'kafka', state: 'running' }])
    expect(restarted[0]?.pid).not.toBe(before[0]?.pid)
    expect((await shell.document<Status[]>('ps')).slice(1)).toEqual(before.slice(1))

    const { partitions } = await ask<Lag>(url, '/api/lag')
    await eventually(async () => {
      const now = await ask<Lag>(url, '/api/lag')
      for (const [i, { end }] of partitions.entries()) expect(now.partitions[i]?.archived).toBeGreaterThan(end)
    })
    const produced = Number(/produced ([\d,]+) events/.exec(await interrupt(flow))?.[1]?.replace(',', ''))
    await expectLakeHoldsLog(shell, produced, settings)
  })

  test('restart dashboard: another process answers at the same address', async () => {
    const before = (await shell.document<Status[]>('ps'))[3]
    const [dashboard] = await shell.document<Status[]>('restart dashboard')
    expect(dashboard).toMatchObject({ name: 'dashboard', state: 'running', port: before?.port })
    expect(dashboard?.pid).not.toBe(before?.pid)
    expect(await ask(`http://localhost:${before?.port}`, '/health/live')).toEqual({ status: 'ok' })
  })

  test('down: everything stops; again it is no error', async () => {
    const { code, stderr } = await shell.run('down')
    expect(code, stderr).toBe(0)
    expect(linesOf(stderr).sort()).toEqual(SERVICES.map((name) => `${name}: stopped`).sort())
    expect(await states()).toEqual(all('stopped'))
    expect(await shell.run('down')).toEqual({ code: 0, stdout: '', stderr: 'nothing to stop\n' })
  })
})
