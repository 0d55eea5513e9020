/** Ctrl-C in the middle of long work: what was done is told, and how to go on. */

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
