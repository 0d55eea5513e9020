/** Ctrl-C in the middle of long work: what was done is told, and how to go on. */

import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Outcome, Workplace } from './music-faker.ts'

const EVENTS = 400

let place: Workplace

beforeAll(async () => {
  place = await Workplace.create()
  // Ten days of events, in some hundred files.
  const times = ['--start', '2025-07-01', '--rate', '400/s', '--speed', '900000x']
  expect(await place.run(['produce', '-n', String(EVENTS), ...times])).toMatchObject({ code: 0 })
  expect(await place.run(['consume', '-m', 'batch', '-b', '5', '--once'])).toMatchObject({ code: 0 })
})

afterAll(() => place.remove())

/** Runs a command that is sent SIGINT when it opens a file whose path matches, for the `nth` time. */
function interruptedAt(opens: RegExp, nth: number, args: readonly string[]): Promise<Outcome> {
  const hook = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'
    let left = ${nth}
    const watched = (open) => (path, ...rest) => {
      if (${opens}.test(String(path)) && --left === 0) process.kill(process.pid, 'SIGINT')
      return open(path, ...rest)
    }
    fs.createReadStream = watched(fs.createReadStream)
    fs.promises.open = watched(fs.promises.open)
    syncBuiltinESMExports()`
  return place.run(args, { nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(hook)}`] })
}

test('verify --deep says how to go on', async () => {
  const { code, stdout, stderr } = await interruptedAt(/day=05\/batch_/, 1, ['verify', '--deep'])
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
  expect(stderr).toMatch(
    /^files of days before 2025-07-0[45] are in order; to go on: \S+music-faker verify --deep --from 2025-07-0[45]$/m,
  )
})

test('check calls no stage broken', async () => {
  const { code, stdout, stderr } = await interruptedAt(/music_events\.check\/_staging\//, 1, ['check'])
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
  expect(stderr).toMatch(/^ok +log /m)
  expect(stderr).not.toMatch(/FAILED|abort/)
})

test('sql does not wait for a query that takes for ever', async () => {
  const query = place.start(['sql', 'select sum(hash(a.range + b.range)) from range(1000000) a, range(1000000) b'])
  await sleep(2_000)
  query.stop('SIGINT')
  expect((await query.end()).code).toBe(130)
})

test.each([[[]], [['--json']]])('export says what the destination holds %j', async (json) => {
  const to = `export${json.length}`
  expect((await place.run(['export', '--to', '2025-07-03', to])).code).toBe(0)
  const { code, stdout } = await interruptedAt(/lake\/music_events\/year=/, 3, ['export', to, ...json])
  expect(code).toBe(130)
  const whole = JSON.parse((await place.run(['export', to, '--json'])).stdout) as { events: number }
  const before = EVENTS - whole.events
  expect(before).toBeGreaterThan(100)
  if (json.length > 0) expect(JSON.parse(stdout)).toMatchObject({ stopped: true, destination: { events: before } })
  else expect(stdout).toMatch(new RegExp(`^stopped before the end: ${to} holds ${before} events in \\d+ files? \\(`))
})

test('import says how many lines it has committed', async () => {
  const [line = ''] = (await place.run(['cat', 'year=*/month=*/day=01/batch_*'])).stdout.split('\n')
  await mkdir(place.path('old'))
  // As many as one commit takes, and some more.
  await writeFile(place.path('old/batch_20250701_000000.jsonl'), `${line}\n`.repeat(100_000))
  await writeFile(place.path('old/batch_20250702_000000.jsonl'), `${line}\n`.repeat(5))
  const { code, stdout } = await interruptedAt(/old\/batch_20250702/, 2, ['import', 'old'])
  expect(code).toBe(130)
  expect(stdout).toBe('imported 100,000 lines; stopped before the end: run it again to go on\n')
  expect((await place.run(['import', 'old'])).stdout).toMatch(/^imported 5 events of 2 files/)
})
