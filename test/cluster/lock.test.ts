/** The lock of a cluster, among processes: one of them may be killed while it holds it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './temporary.ts'

const LOCK = fileURLToPath(new URL('../../src/cluster/lock.ts', import.meta.url))

/**
 * A process that takes the lock of a folder each time it is given a moment to do so, in epoch milliseconds, and tells how
 * it went; `work` runs under the lock.
 */
function startWorker(folder: string, work: string): ChildProcess {
  const script = `import { mkdirSync, rmdirSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { withLock } from ${JSON.stringify(LOCK)}
    const folder = ${JSON.stringify(folder)}
    const call = { report: (said) => process.send({ said }), signal: new AbortController().signal }
    process.on('message', (at) => {
      while (Date.now() < at);
      withLock({ folder }, call, async () => { ${work} }).then(
        () => process.send({ end: 'alone' }),
        (error) => process.send({ end: error.code }),
      )
    })
    process.send('ready')`
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** The first message of a process that has this key. */
async function told(child: ChildProcess, key: 'said' | 'end' | 'holds'): Promise<string> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Record<string, string>]
    if (message[key] !== undefined) return message[key]
  }
}

async function startHolder(folder: string): Promise<ChildProcess> {
  const holder = startWorker(folder, `process.send({ holds: 'yes' }); await new Promise(() => {})`)
  await once(holder, 'message')
  holder.send(0)
  await told(holder, 'holds')
  return holder
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('one process at a time takes the lock that a killed one has left', async () => {
  const folder = temporaryFolder()
  const alone = `mkdirSync(folder + '/busy'); await sleep(2); rmdirSync(folder + '/busy')`
  const workers = Array.from({ length: 4 }, () => startWorker(folder, alone))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  for (let round = 0; round < 10; round++) {
    await kill(await startHolder(folder))
    const ends = workers.map((worker) => told(worker, 'end'))
    const soon = Date.now() + 20
    for (const worker of workers) worker.send(soon)
    expect(await Promise.all(ends)).toEqual(workers.map(() => 'alone'))
  }
})

test('who waits says for whom, and goes on once that one is gone', async () => {
  const folder = temporaryFolder()
  const holder = await startHolder(folder)
  const waiting = startWorker(folder, '')
  await once(waiting, 'message')
  const said = told(waiting, 'said')
  waiting.send(0)
  expect(await said).toBe(`waiting for another command (pid ${holder.pid}) to finish with this cluster ...`)
  const end = told(waiting, 'end')
  await kill(holder)
  expect(await end).toBe('alone')
})
