/** The promises that hold for every command. */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/table.ts'
import { readCommandLine } from '../../src/cli/program.ts'
import { Workplace } from './music-faker.ts'

let place: Workplace

beforeAll(async () => {
  place = await Workplace.create()
})

afterAll(() => place.remove())

/** The words of an example up to the end of its first command, as a shell splits them. */
function wordsOf(example: string): string[] {
  const words = [...example.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
  const end = words.findIndex((word) => ['|', '&&', ';'].includes(word))
  return end === -1 ? words : words.slice(0, end)
}

describe.each(COMMANDS)('$name', ({ name, load, summary }) => {
  test('opens its help with three examples, each right as it stands', async () => {
    const { examples } = await load()
    expect(new Set(examples).size).toBe(3)
    for (const example of examples) {
      expect(wordsOf(example)[0]).toBe(name)
      await expect(readCommandLine(wordsOf(example))).resolves.toMatchObject({ name })
    }
    const { code, stdout, stderr } = await place.run([name, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const head = ['Examples:', ...examples.map((example) => `  ./music-faker ${example}`), ''].join('\n')
    expect(stdout.startsWith(`${head}\nUsage: ./music-faker ${name}`)).toBe(true)
    expect(stdout.replace(/\s+/g, ' ')).toContain(`${summary}.`)
    expect(stdout).toContain('--json')
  })

  test('refuses an option that it does not have, and suggests one that it has', async () => {
    await expect(readCommandLine([name, '--quite'])).rejects.toMatchObject({
      code: 'USAGE',
      message: "unknown option '--quite'",
      next: `Did you mean --quiet? Run: music-faker ${name} --help`,
    })
  })
})

test('help without a command names every command', async () => {
  const [long, word] = await Promise.all([place.run(['--help']), place.run(['help'])])
  expect(long).toMatchObject({ code: 0, stderr: '' })
  expect(word).toEqual(long)
  for (const { name } of COMMANDS) expect(long.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
})

test('"help produce" is "produce --help"', async () => {
  const [a, b] = await Promise.all([place.run(['help', 'ls']), place.run(['ls', '-h'])])
  expect(a.code).toBe(0)
  expect(a).toEqual(b)
})

test.each([['help prodcue'], ['prodcue --help']])('"%s" says that there is no such command', async (line) => {
  const { code, stdout, stderr } = await place.run(line.split(' '))
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^error: unknown command 'prodcue' \(USAGE\)\n {2}next: Did you mean produce\?/)
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await place.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('without a command it prints the help on stderr, and fails as wrong use', async () => {
  const { code, stdout, stderr } = await place.run([])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('Usage:')
  expect(stderr).toMatch(/error: no command was given \(USAGE\)\n {2}next: Run: \.\/music-faker --help\n$/)
})

test.each([
  [['prodcue'], "unknown command 'prodcue'", 'Did you mean produce?'],
  [['produce', '-n', 'abc'], '-n, --count: "abc" is not a whole number', 'Give a whole number, 1 or more.'],
  [['produce', '-n', '0'], '-n, --count: "0" is out of range', 'Give a whole number, 1 or more.'],
  [['produce', '-n'], "option '-n, --count <N>' argument missing", 'music-faker produce --help'],
  [['produce', '-d', 'soon'], '-d, --delay: "soon" is not a number of seconds', 'such as 0.5'],
  [['produce', '-d', '1', '--rate', '5/s'], '--rate and -d contradict each other', 'Give one of the two.'],
  [['produce', '-n', '5', 'extra'], 'too many arguments', 'music-faker produce --help'],
  [['consume', '-b', '0'], '"0" is out of range', 'Give a whole number, 1 to'],
  [['cat'], "missing required argument 'PATH'", 'music-faker cat --help'],
  [['logs', 'kafak'], "'kafak' is invalid for argument 'SERVICE'", 'music-faker logs --help'],
  [['ls', '--topic', 'a/b'], '--topic: "a/b" is not valid', '--topic takes:'],
  [['ps', '--kafka-brokers', 'localhost:99999'], 'must have a port of 1 to 65535', '--kafka-brokers takes:'],
  [['start', '--rate', 'fast'], '"fast" is not a rate', 'Give events per s, min or h'],
  [['up', '--profile', 'embedded'], '"up" works with profile cluster only', 'Leave the flag out'],
  [['tail', '-f', '--from-beginning', '-n', '5'], '-n cannot stand with --from-beginning -f', 'Leave out -n'],
])('wrong use %j exits 2 and says what to do', async (args, message, next) => {
  const { code, stdout, stderr } = await place.run(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  const [error = '', hint = ''] = stderr.split('\n')
  expect(error).toMatch(/^error: .* \(USAGE\)$/)
  expect(error).toContain(message)
  expect(hint).toMatch(/^ {2}next: /)
  expect(hint).toContain(next)
  expect(stderr).not.toContain('    at ')
})

test('with --json an error is one JSON document on stderr, wherever the option stands', async () => {
  for (const args of [['--json'], ['--json', 'ls'], ['ls', '--json'], ['produce', '-n', 'abc', '--json']]) {
    const { stdout, stderr } = await place.run(args)
    expect(stdout).toBe('')
    const { error } = JSON.parse(stderr) as { error: Record<string, string> }
    expect(Object.keys(error)).toEqual(['code', 'message', 'next'])
  }
})

test('a stack is shown with --verbose only', async () => {
  const quiet = await place.run(['ls'])
  const loud = await place.run(['ls', '--verbose'])
  expect(quiet.stderr).not.toContain('    at ')
  expect(loud.stderr).toContain('    at ')
  expect(loud.code).toBe(quiet.code)
})

test('an older Node is told in one line, before anything else is loaded', async () => {
  const older =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'24.5.9'}})"
  const { code, stdout, stderr } = await place.run(['--help'], { nodeOptions: ['--import', older] })
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toMatch(/^error: music-faker needs Node\.js 24\.6 or newer, and this is 24\.5\.9; .*\n$/)
})

test('small commands load none of the heavy packages', async () => {
  const log = place.path('loaded')
  const hook = `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs'
    registerHooks({ load(url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context) } })`
  const loaded = async (...args: string[]) => {
    await writeFile(log, '')
    await place.run(args, {
      env: { LOADED: log },
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(hook)}`],
    })
    return await readFile(log, 'utf8')
  }
  expect(await loaded('--help')).not.toMatch(/zod|faker-js|fastify|platformatic|undici|src\/config/)
  expect(await loaded('--help')).toContain('commander')
  const small = /faker-js|fastify|platformatic|undici|pino/
  for (const args of [['ls'], ['config'], ['produce', '--help'], ['ps', '--help'], ['doctor', '--help']]) {
    expect(await loaded(...args)).not.toMatch(small)
  }
})
