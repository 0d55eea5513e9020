/** Signals, and readers that go away. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLedger } from '../../src/generate/ledger.ts'
import { cleanEnvironment, freePort, MAIN, Workplace } from './music-faker.ts'

let place: Workplace

beforeEach(async () => {
  place = await Workplace.create()
})

afterEach(() => place.remove())

/** A process that never finishes what it drains, and says when a signal has reached it. */
async function startStubborn(drainMs: number): Promise<ChildProcess> {
  const stop = fileURLToPath(new URL('../../src/cli/stop.ts', import.meta.url))
  const script = `import { listenForStop } from ${JSON.stringify(stop)}
    const { signal } = listenForStop({ drains: true, say: (text) => console.log(text), drainMs: ${drainMs} })
    signal.addEventListener('abort', () => console.log('draining'))
    setInterval(() => {}, 1000)
    console.log('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await printed(child, 'ready')
  return child
}

async function printed(child: ChildProcess, text: string): Promise<void> {
  for (let all = ''; !all.includes(text); ) {
    const [chunk] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer]
    all += chunk.toString()
  }
}

test.each([
  ['SIGINT', 'SIGTERM', 143],
  ['SIGTERM', 'SIGINT', 130],
] as const)('%s, then %s: leaves at once', async (first, second, code) => {
  const child = await startStubborn(60_000)
  child.kill(first)
  await printed(child, 'draining')
  child.kill(second)
  expect(await once(child, 'exit')).toEqual([code, null])
})

test('SIGINT twice in a moment is one Ctrl-C, as npm passes it on; once more leaves at once', async () => {
  const child = await startStubborn(60_000)
  child.kill('SIGINT')
  await printed(child, 'draining')
  child.kill('SIGINT')
  await sleep(500)
  expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: null, signal: null })
  child.kill('SIGINT')
  expect(await once(child, 'exit')).toEqual([130, null])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s with no end of the draining: leaves when the time is up', async (signal, code) => {
  const child = await startStubborn(100)
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([code, null])
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  'produce on %s: all that was sent is in the log, summed up, exit 0',
  async (signal) => {
    const command = place.start(['produce', '--rate', '200/s', '--ledger', 'ledger'])
    while ((await readLedger(place.path('ledger'))).count < 20) {
      await Promise.race([new Promise((done) => setTimeout(done, 20)), command.ended])
      expect(command.child.exitCode).toBe(null)
    }
    command.stop(signal)
    const { code, stdout, stderr } = await command.ended
    expect(code).toBe(0)
    expect(stderr).toContain('stopping')
    const { count } = await readLedger(place.path('ledger'))
    expect(stdout).toContain(`produced ${count} events`)
    const { stdout: lines } = await place.run(['tail', '--from-beginning', '-n', '100000'])
    expect(lines.split('\n')).toHaveLength(count + 1)
  },
)

test('tail -f prints what comes later, until it is stopped', async () => {
  await place.run(['produce', '-n', '3'])
  const tail = place.start(['tail', '-n', '2', '-f'])
  await tail.until(({ stdout }) => stdout.split('\n').length > 2)
  await place.run(['produce', '-n', '4'])
  await tail.until(({ stdout }) => stdout.split('\n').length > 6)
  tail.stop('SIGINT')
  const { code, stdout, stderr } = await tail.ended
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
  expect(stdout.split('\n')).toHaveLength(7)
})

test('a reader that goes away ends the command quietly', async () => {
  await place.run(['produce', '-n', '20000', '-q'])
  const tail = place.start(['tail', '--from-beginning', '-f'])
  await tail.until(({ stdout }) => stdout !== '')
  tail.child.stdout?.destroy()
  const [code] = await once(tail.child, 'exit')
  expect({ code, stderr: tail.stderr }).toEqual({ code: 0, stderr: '' })
})

test('also one that has something to clean up', async () => {
  const doctor = place.start(['doctor', '--port', String(await freePort())])
  await doctor.until(({ stdout }) => stdout !== '')
  doctor.child.stdout?.destroy()
  const [code] = await once(doctor.child, 'exit')
  expect({ code, stderr: doctor.stderr.replace(/^all is well.*\n/, '') }).toEqual({ code: 0, stderr: '' })
  expect((await place.run(['ls', '/', '--quiet'])).stdout).not.toContain('doctor')
})

test.skipIf(process.platform !== 'linux')('results that cannot be written are a failure', async () => {
  const full = openSync('/dev/full', 'w')
  try {
    const child = spawn(process.execPath, [MAIN, 'config'], {
      cwd: place.folder,
      env: cleanEnvironment(),
      stdio: ['ignore', full, 'pipe'],
    })
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: cannot write the results to stdout: ENOSPC.*\n {2}next: \S/)
  } finally {
    closeSync(full)
  }
})
