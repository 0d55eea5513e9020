import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { down } from '../../src/cluster/cluster.ts'
import { identify, isAlive, recall, startDetached, stopProcess } from '../../src/cluster/process.ts'
import { pidFile, siteOf } from '../../src/cluster/site.ts'
import { loadConfig } from '../../src/config.ts'
import { recorded, temporaryFolder } from './temporary.ts'

async function startScript(script: string) {
  const folder = temporaryFolder()
  const output = join(folder, 'output')
  const started = await startDetached({
    command: process.execPath,
    args: ['-e', `${script}; console.log('up'); setInterval(() => {}, 1000)`],
    environment: process.env,
    folder,
    output,
    pidFile: join(folder, 'process.json'),
  })
  onTestFinished(() => {
    if (isAlive(started)) process.kill(started.pid, 'SIGKILL')
  })
  await vi.waitFor(() => expect(readFileSync(output, 'utf8')).toContain('up'), 10_000)
  return { started, pidFile: join(folder, 'process.json') }
}

test('a started process is remembered, alive, and ends when it is asked to', async () => {
  const { started, pidFile } = await startScript('')
  expect(recall(pidFile)).toEqual(started)
  expect(isAlive(started)).toBe(true)
  expect(await stopProcess(started, 5_000)).toBe('ended')
  expect(isAlive(started)).toBe(false)
  expect(await stopProcess(started, 5_000)).toBe('gone')
})

test('a process that ignores SIGTERM is killed after its time', async () => {
  const { started } = await startScript("process.on('SIGTERM', () => {})")
  expect(await stopProcess(started, 200)).toBe('killed')
  expect(isAlive(started)).toBe(false)
})

test('a program that now has the pid of a service is not stopped', async () => {
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
  onTestFinished(() => void stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  const pid = stranger.pid ?? 0
  const { config } = loadConfig({ dataDir: temporaryFolder() }, {})
  const file = pidFile(siteOf(config), 'kafka')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(join(siteOf(config).folder, 'engine'), 'jvm\n')
  writeFileSync(file, JSON.stringify({ pid, identity: `${identify(process.pid)}`, since: new Date().toISOString() }))

  const call = recorded()
  await down(config, call)

  expect(call.lines).toEqual(['nothing to stop'])
  expect(existsSync(file)).toBe(false)
  expect(identify(pid)).toBeDefined()
  expect(stranger.signalCode).toBeNull()
})

test.each(['linux', 'darwin'])('a process is the same one in another time zone and locale (%s)', (platform) => {
  vi.spyOn(process, 'platform', 'get').mockReturnValue(platform as NodeJS.Platform)
  vi.stubEnv('TZ', 'Asia/Tokyo')
  onTestFinished(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  const identity = identify(process.pid)
  expect(identity).toBeDefined()
  vi.stubEnv('TZ', 'America/Lima')
  expect(identify(process.pid)).toBe(identity)
})

test('a program that does not exist is told', async () => {
  const folder = temporaryFolder()
  const starting = startDetached({
    command: 'no-such-program',
    args: [],
    environment: process.env,
    folder,
    output: join(folder, 'output'),
    pidFile: join(folder, 'process.json'),
  })
  await expect(starting).rejects.toMatchObject({ code: 'CLUSTER_FAILED' })
  expect(recall(join(folder, 'process.json'))).toBeUndefined()
})

test('a broken file remembers no process', () => {
  const file = join(temporaryFolder(), 'process.json')
  for (const content of ['', 'null', '{', '{"pid":1}']) {
    writeFileSync(file, content)
    expect(recall(file)).toBeUndefined()
  }
})
