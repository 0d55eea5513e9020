/** The demo beside what else may go on: in the order of the README, `npm start` runs already. */
import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cleanEnvironment, freePort, MAIN, RunningCommand, Workplace } from './music-faker.ts'

let place: Workplace

beforeEach(async () => {
  place = await Workplace.create()
})

afterEach(() => place.remove())

test('works while "start" archives the same topic: what that one has not committed yet is not lost', async () => {
  const env = { MF_PORT: String(await freePort()), MF_RATE: '200/s' }
  const start = place.start(['start'], { env })
  await start.until(({ stdout }) => stdout.includes('the page is at '))
  const { code, stdout, stderr } = await place.run(['demo'], { env })
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('It works: ')
})

test('ends with the error of a log that refuses events, and leaves no archiver', async () => {
  // Some events fit.
  const demo = limited(256, ['demo', '--port', String(await freePort())])
  const { code, stdout, stderr } = await new RunningCommand(demo).ended
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
  expect(stderr).toMatch(/^error: .* \(LOG_UNREACHABLE\)\n {2}next: \S/m)
  expect(stderr).not.toContain('    at ')
  // All that it started is in its process group.
  expect(() => process.kill(-(demo.pid ?? 0), 0)).toThrow('ESRCH')
})

/** A command that may not write files beyond so many KiB, as on a full disk; the leader of a process group. */
function limited(kibibytes: number, args: readonly string[]): ChildProcess {
  const line = `ulimit -f ${kibibytes * 2} && exec "$0" "$@"`
  return spawn('sh', ['-c', line, process.execPath, MAIN, ...args], {
    cwd: place.folder,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
}
