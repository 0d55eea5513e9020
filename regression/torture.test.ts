/** The torture is itself something to rely on: what it is told, what it tells, and that it leaves nothing behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it } from 'vitest'
import { LONG } from './form.ts'
import { withResult } from './torture/document.ts'
import { readOptions } from './torture/options.ts'
import { longestPause, type TortureResult } from './torture/result.ts'

const MAIN = fileURLToPath(new URL('torture/main.ts', import.meta.url))
const DOCUMENT = fileURLToPath(new URL('../docs/GUARANTEES.md', import.meta.url))
const RECORDED = fileURLToPath(new URL('torture/recorded.json', import.meta.url))
const NOW = Date.UTC(2025, 6, 3, 20, 7, 50)
const skipped = 'skipped' in inject('services')

describe('options', () => {
  it('are ten minutes with a seed of the moment by default', () => {
    const options = readOptions([], NOW)
    expect(options).toMatchObject({ minutes: 10, rate: 500, seed: NOW % 2 ** 32, record: false })
    expect(options?.out).toMatch(/results\/2025-07-03T20-07-50$/)
  })

  it('are taken as given', () => {
    const given = readOptions(['--minutes', '0.5', '--seed', '7', '--rate', '20', '--out', 'here', '--record'], NOW)
    expect(given).toEqual({ minutes: 0.5, seed: 7, rate: 20, out: 'here', record: true })
  })

  it.each([['--minutes', '0'], ['--minutes', 'ten'], ['--rate', '-1'], ['--hours', '1'], ['soon']])(
    'are refused: %s %s',
    (...args) => expect(() => readOptions(args, NOW)).toThrow(expect.objectContaining({ code: 'USAGE' })),
  )
})

describe('the longest pause', () => {
  const act = (name: string, begin: number, end: number) => ({ name, victims: [], begin, end })

  it('is the longest time between two commits of any partition, with what went on in it', () => {
    const acts = [
      act('before', 0, 900),
      act('freeze', 500, 3_000),
      act('kill', 1_500, 1_500),
      act('after', 5_001, 6_000),
    ]
    const during = ['freeze', 'kill']
    expect(longestPause([5_000, 1_000, 900, 5_500], acts)).toEqual({ seconds: 4, during })
  })

  it('is none without commits', () => {
    expect(longestPause([], [])).toEqual({ seconds: 0, during: [] })
  })
})

describe('the document', () => {
  it('shows the recorded result', () => {
    const document = readFileSync(DOCUMENT, 'utf8')
    const result = JSON.parse(readFileSync(RECORDED, 'utf8')) as TortureResult
    expect(withResult(document, result)).toBe(document)
    expect(result).toMatchObject({ clean: true, problems: [] })
  })

  it('names files that exist', () => {
    const paths = readFileSync(DOCUMENT, 'utf8').match(/(?<=`)(regression|test|src|docs)\/[^`*]+(?=`)/g) ?? []
    expect(paths.length).toBeGreaterThan(8)
    expect(paths.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([])
  })

  it('is refused where it has no place for a result', () => {
    expect(() => withResult('# Guarantees', {} as TortureResult)).toThrow('torture: begin')
  })
})

describe.runIf(LONG && !skipped && existsSync('/proc'))('a real one', () => {
  it.each([
    { how: 'to its end', minutes: '0.5', interrupt: false },
    { how: 'interrupted', minutes: '30', interrupt: true },
  ])(
    '$how: ends clean and leaves no process behind',
    async ({ minutes, interrupt }) => {
      const out = await mkdtemp(join(tmpdir(), 'music-faker-tortured-'))
      const args = ['--disable-warning=ExperimentalWarning', MAIN, '--minutes', minutes, '--seed', '1', '--out', out]
      // What it starts works in folders below that of temporary files.
      const env = { ...process.env, TMPDIR: out }
      const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const printed = text(child.stdout)
      // Once: a second leaves at once.
      if (interrupt) void saidOf(child, /[1-9][\d,]* events in the lake/).then(() => child.kill('SIGINT'))
      const [code] = await once(child, 'exit')
      expect(code, await printed).toBe(0)
      const result = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as TortureResult
      expect(result.lake?.events).toBeGreaterThan(0)
      expect(processesBelow(out)).toEqual([])
      await rm(out, { recursive: true })
    },
    600_000,
  )
})

/** Resolves when it has printed this. */
async function saidOf({ stdout }: ChildProcess, what: RegExp): Promise<void> {
  for (let said = ''; !what.test(said); ) said += String((await once(stdout as NodeJS.EventEmitter, 'data'))[0])
}

/** Processes that work in a folder below `folder`, also where it was removed. */
function processesBelow(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
    } catch {
      return false
    }
  })
}
