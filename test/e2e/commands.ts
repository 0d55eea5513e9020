/**
 * What users typed with the Python version, what they type now, and that it does what it says: every row of the README's
 * table, in either profile. Rows that take their time are typed first and looked at last.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/event.ts'
import { freePort, type RunningCommand } from '../cli/music-faker.ts'
import { expectApiEqualsLake, pageAddress } from './api.ts'
import { batchRecords, expectLakeHoldsLog, lakeLines, latencies, logLines } from './lake.ts'
import { eventually, interrupt, linesOf, type Settings, type Shell } from './shell.ts'

/** On the topic that everybody has by default. */
const EVENTS = 50

interface Flow {
  topic: string
  produce: string
  consume: string
  events: number
  /** From the first event to the last. */
  seconds: number
}

const REALTIME: Flow = {
  topic: 'realtime',
  produce: 'produce --realtime -n 20 -d 1',
  consume: 'consume -m realtime',
  events: 20,
  seconds: 19,
}
const LOT: Flow = {
  topic: 'lot',
  produce: 'produce -n 50 -d 0.5',
  consume: 'consume -m batch -b 5',
  events: 50,
  seconds: 24.5,
}

interface Files {
  path: string
  kind: string
  bytes: number
}

/** @param shellOf the shell to type into, whose settings choose the profile; asked for when the tests run */
export function commandsDoWhatTheySay(shellOf: () => Shell): void {
  let shell: Shell
  let demo: RunningCommand
  const flows = new Map<Flow, { produce: RunningCommand; consume: RunningCommand }>()
  const settingsOf = ({ topic }: Flow): Settings => ({ MF_TOPIC: topic })

  beforeAll(async () => {
    shell = shellOf()
    for (const flow of [REALTIME, LOT]) {
      // Whichever comes first creates the topic.
      const consume = shell.start(flow.consume, settingsOf(flow))
      flows.set(flow, { consume, produce: shell.start(flow.produce, settingsOf(flow)) })
    }
    demo = shell.start('demo', { MF_TOPIC: 'demo', MF_PORT: String(await freePort()) })
    expect(await shell.output(`produce -n ${EVENTS}`)).toContain(`produced ${EVENTS} events in `)
  })

  test('consume -m batch -b 5 --once: files of at most 5 events, up to the present end', async () => {
    const stdout = await shell.output('consume -m batch -b 5 --once')
    const batches = await batchRecords(shell)
    expect(stdout).toContain(`archived ${EVENTS} events`)
    expect(Math.max(...batches.map(({ events }) => events))).toBe(5)
    expect(batches.reduce((sum, { events }) => sum + events, 0)).toBe(EVENTS)
    await expectLakeHoldsLog(shell, EVENTS)
  })

  test('ls -R: hdfs dfs -ls -R', async () => {
    const [stdout, batches] = [await shell.output('ls -R'), await batchRecords(shell)]
    const listed = linesOf(stdout).map((line) => /^([d-]) +(\d+) {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}(\/.*)$/.exec(line))
    const files = new Map(listed.map((match) => [match?.[3], `${match?.[1]}${match?.[2]}`]))
    for (const { path, bytes } of batches.flatMap(({ files }) => files)) expect(files.get(path)).toBe(`-${bytes}`)
    const published = [...files.keys()].filter((path) => /\/year=\d{4}\/month=\d\d\/day=\d\d\/batch_/.test(path ?? ''))
    expect(published).toHaveLength(batches.flatMap(({ files }) => files).length)
  })

  test('cat: whole valid events', async () => {
    const lines = await lakeLines(shell)
    expect(lines.map((line) => decode(Buffer.from(line), Date.now()).ok)).toEqual(lines.map(() => true))
  })

  test('du: as much as ls lists', async () => {
    const files = (await shell.rows<Files>('ls -R')).filter(({ kind }) => kind === 'file')
    const sums = await shell.document<{ bytes: number; files: number }[]>('du')
    expect(sums.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0))
    expect(sums.reduce((sum, one) => sum + one.files, 0)).toBe(files.length)
    const stdout = await shell.output('du')
    expect(linesOf(stdout)).toHaveLength(sums.length)
    expect(stdout).toMatch(/^ *\d[\d.]* k?B +\d+ files? +\/music_events\/\S+$/m)
  })

  test('tail -n 5, from the end and --from-beginning: kafka-console-consumer', async () => {
    const byTime = (lines: string[]) => lines.map((line) => (JSON.parse(line) as { timestamp: string }).timestamp)
    const all = byTime(await logLines(shell)).sort()
    expect(byTime(linesOf(await shell.output('tail -n 5')))).toEqual(all.slice(-5))
    expect(byTime(linesOf(await shell.output('tail -n 5 --from-beginning')))).toEqual(all.slice(0, 5))
  })

  test('status: what waits and what is archived', async () => {
    const stdout = await shell.output('status')
    expect(stdout).toContain('0 messages wait between log and lake')
    expect(stdout).toContain(`the lake holds ${EVENTS} events in `)
  })

  test('config: the values in force and where each came from', async () => {
    const profile = shell.settings.MF_PROFILE ?? 'embedded'
    const origin = shell.settings.MF_PROFILE === undefined ? 'default' : 'environment'
    expect(await shell.output('config')).toMatch(new RegExp(`^profile +${profile} +${origin} +MF_PROFILE `, 'm'))
  })

  test('doctor: all is well', async () => {
    const { code, stdout, stderr } = await shell.run('doctor')
    expect(code, stdout).toBe(0)
    expect(stderr).toContain('all is well')
    expect(linesOf(stdout).filter((line) => !/^(ok|warning) {2,}/.test(line))).toEqual([])
  })

  test('check: python test_realtime.py', async () => {
    const { code, stdout, stderr } = await shell.run('check')
    expect(code, stderr).toBe(0)
    const verdicts = linesOf(stderr).flatMap((line) => /^ok {6}(\w+)/.exec(line)?.[1] ?? [])
    expect(verdicts).toEqual(['generate', 'log', 'archive', 'lake', 'stats', 'dashboard'])
    expect(stdout).toBe('every stage works\n')
  })

  test('dashboard: python app.py', async () => {
    const dashboard = shell.start('dashboard', { MF_PORT: String(await freePort()) })
    const url = await pageAddress(dashboard)
    await expectApiEqualsLake(url, await lakeLines(shell))
    const page = await fetch(url)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    await interrupt(dashboard)
    await expect(fetch(url)).rejects.toThrow()
  })

  test('produce --realtime: flows until Ctrl-C, and what was sent is in the log', async () => {
    const settings = { MF_TOPIC: 'until_stopped' }
    const produce = shell.start('produce --realtime', settings)
    await eventually(async () => {
      const { code, stdout } = await shell.run('tail -n 1000', settings)
      expect(code).toBe(0)
      expect(linesOf(stdout).length).toBeGreaterThan(10)
    })
    const produced = Number(/^produced (\d+) events in /.exec(await interrupt(produce))?.[1])
    expect(await logLines(shell, settings)).toHaveLength(produced)
  })

  test('./music-faker start: the whole flow in one process', async () => {
    const settings = { MF_TOPIC: 'start', MF_PORT: String(await freePort()) }
    const start = shell.start('./music-faker start', settings)
    const url = await pageAddress(start)
    const total = async () =>
      ((await (await fetch(new URL('/api/stats', url))).json()) as { total_events: number }).total_events
    const first = await eventually(async () => {
      const events = await total()
      expect(events).toBeGreaterThan(0)
      return events
    })
    await eventually(async () => expect(await total()).toBeGreaterThan(first))
    const produced = Number(/produced ([\d,]+) events/.exec(await interrupt(start))?.[1]?.replace(',', ''))
    await expectLakeHoldsLog(shell, produced, settings)
  })

  test('demo: python demo_pipeline.py', async () => {
    const { code, stdout, stderr } = await demo.ended
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^It works: every event .* exactly once.*\nThe page: http:\/\/localhost:\d+\n$/)
    expect(stderr).toMatch(/is killed with -9[\s\S]*verify --deep: nothing missing, nothing twice, nothing damaged/)
  })

  describe.each([REALTIME, LOT])('$produce, while $consume runs', (flow) => {
    test('is in the log at the pace that was asked for', async () => {
      const { code, stdout, stderr } = await flows.get(flow)!.produce.ended
      expect(code, stderr).toBe(0)
      expect(stdout).toContain(`produced ${flow.events} events in `)
      const { from, to } = spanOf(stdout)
      const seconds = (to - from) / 1000
      expect(seconds).toBeGreaterThan(flow.seconds - 0.1)
      expect(seconds).toBeLessThan(flow.seconds + 2)
    })

    test('is archived; Ctrl-C drains, sums up and loses nothing', async () => {
      await shell.output('produce -n 7', settingsOf(flow))
      const stdout = await interrupt(flows.get(flow)!.consume)
      const { lag } = await shell.document<{ lag: number }>('status', settingsOf(flow))
      const archived = flow.events + 7 - lag
      expect(stdout).toContain(`archived ${archived} events`)
      await shell.output('consume --once', settingsOf(flow))
      await expectLakeHoldsLog(shell, flow.events + 7, settingsOf(flow))
    })
  })

  test('consume -m realtime commits sooner than a batch would be due', async () => {
    const { stdout } = await flows.get(REALTIME)!.produce.ended
    const { from, to } = spanOf(stdout)
    const sorted = await latencies(shell, { since: from, until: to }, settingsOf(REALTIME))
    expect(sorted).toHaveLength(REALTIME.events)
    // Within a second, on a machine of one's own (npm run bench); here other tests run at the same time.
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(5_000)
  })

  test('consume -m batch -b 5 writes files of at most 5 events', async () => {
    const sizes = (await batchRecords(shell, settingsOf(LOT))).map(({ events }) => events)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5)
  })
}

/** The times of the first and the last event that produce tells of, in epoch milliseconds. */
function spanOf(stdout: string): { from: number; to: number } {
  const [, from = '', to = ''] = /^from (\S{23})\S* to (\S{23})\S*$/m.exec(stdout) ?? []
  return { from: Date.parse(`${from}Z`), to: Date.parse(`${to}Z`) }
}
