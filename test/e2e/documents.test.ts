/** Every command that the documents tell people to type is typed here, as it stands there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { destroy, freeConfig } from '../services.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const services = inject('services')
/** What runs until it is stopped, and what it says once it works. */
const ENDLESS = new Map([['npm start', /the page is at http:/]])
/** Would run this test in itself. */
const UNTYPED = ['npm test']
/** Blocks with one of these need Java or Docker. */
const CLUSTER = /start_services|music-faker (up|down)\b/

const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-documents-'))
const environment: NodeJS.ProcessEnv = { ...process.env, MF_DATA_DIR: dataDir }

beforeAll(async () => {
  environment.MF_PORT_OFFSET = String((await freeConfig(dataDir)).portOffset)
})
afterAll(() => destroy(dataDir))

/** The commands of each `sh` block, in order. */
function blocksOf(file: string): string[][] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!.trim().split('\n'))
}

/** Types one command; gives what it printed. Fails unless it ends well. */
async function type(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  // exec, so that a signal reaches the program and not only the shell.
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ready = ENDLESS.get(command)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      if (ready?.test(printed)) interrupt(child)
    })
  }
  const [code] = await once(child, 'close')
  expect(code, `${command}\n${printed}`).toBe(0)
  if (ready) expect(printed).toMatch(ready)
  return printed
}

/** Once: a second signal would cut the drain off. */
function interrupt(child: ChildProcess): void {
  if (!child.killed) child.kill('SIGTERM')
}

describe.each(['README.md', 'docs/OPERATIONS.md'])('%s', (file) => {
  const blocks = blocksOf(file)

  it('has commands', () => {
    expect(blocks.length).toBeGreaterThan(2)
  })

  for (const block of blocks) {
    const typed = block.filter((command) => !UNTYPED.includes(command))
    const skipped =
      'skipped' in services && typed.some((command) => CLUSTER.test(command)) ? services.skipped : undefined
    it.skipIf(typed.length === 0 || skipped !== undefined)(
      `${typed.join('; ')}${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
      async () => {
        const env = { ...environment }
        for (const command of typed) {
          const [, name, value] = /^export (\w+)=(.*)$/.exec(command) ?? []
          if (name !== undefined) env[name] = value
          else await type(command, env)
        }
      },
      180_000,
    )
  }
})

it('says the same commands in French', () => {
  expect(blocksOf('README.fr.md')).toEqual(blocksOf('README.md'))
})

it('names every command of the program in the README', async () => {
  const { COMMANDS } = await import('../../src/cli/commands/table.ts')
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  for (const { name } of COMMANDS) expect(readme).toMatch(new RegExp(`[\`\\s]${name}\\b`))
})

it('the table of metrics has each that there is, and no other', () => {
  const namesIn = (files: string[]) =>
    new Set(files.flatMap((file) => readFileSync(join(ROOT, file), 'utf8').match(/musicfaker_[a-z_]+/g) ?? []))
  expect(namesIn(['docs/OPERATIONS.md'])).toEqual(namesIn(['src/dashboard/metrics.ts', 'src/process-metrics.ts']))
})
