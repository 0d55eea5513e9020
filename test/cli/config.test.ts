import { mkdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Outcome, Workplace } from './music-faker.ts'

let place: Workplace

beforeEach(async () => {
  place = await Workplace.create()
})

afterEach(() => place.remove())

interface Row {
  name: string
  value: unknown
  origin: string
}

function rowsOf({ code, stdout }: Outcome): Map<string, Row> {
  expect(code).toBe(0)
  const { settings } = JSON.parse(stdout) as { settings: Row[] }
  return new Map(settings.map((row) => [row.name, row]))
}

test('a flag goes before the environment, that before the file, that before the default', async () => {
  await writeFile(
    place.path('music-faker.json'),
    JSON.stringify({ topic: 'from_file', group: 'from_file', partitions: 7, kafkaBrokers: ['a:1', 'b:2'] }),
  )
  const rows = rowsOf(
    await place.run(['config', '--json', '--topic', 'from_flag'], {
      env: { MF_TOPIC: 'from_environment', MF_GROUP: 'from_environment', MF_PORT: '' },
    }),
  )
  expect(rows.get('topic')).toMatchObject({ value: 'from_flag', origin: 'flag' })
  expect(rows.get('group')).toMatchObject({ value: 'from_environment', origin: 'environment' })
  expect(rows.get('partitions')).toMatchObject({ value: 7, origin: 'file' })
  expect(rows.get('kafkaBrokers')).toMatchObject({ value: ['a:1', 'b:2'], origin: 'file' })
  expect(rows.get('port')).toMatchObject({ value: 5001, origin: 'default' })
})

test('defaults follow the settings that they are computed from', async () => {
  const rows = rowsOf(await place.run(['config', '--json', '--port-offset', '100']))
  expect(rows.get('port')).toMatchObject({ value: 5101, origin: 'default' })
  expect(rows.get('kafkaBrokers')?.value).toEqual(['127.0.0.1:9192'])
})

test('secrets are hidden in both forms, and that one is set still shows', async () => {
  const env = { MF_KAFKA_PASSWORD: 'hunter2', MF_HDFS_TOKEN: 'hunter3' }
  const json = await place.run(['config', '--json'], { env })
  const text = await place.run(['config'], { env })
  expect(json.stdout + text.stdout).not.toContain('hunter')
  expect(rowsOf(json).get('kafkaPassword')).toMatchObject({ value: '********', origin: 'environment' })
  expect(text.stdout).toMatch(/^hdfsToken +\*{8} +environment/m)
})

test('--config and MF_CONFIG name the file', async () => {
  await writeFile(place.path('a.json'), '{"topic":"a"}')
  await writeFile(place.path('b.json'), '{"topic":"b"}')
  const env = { MF_CONFIG: 'b.json' }
  expect(rowsOf(await place.run(['config', '--json'], { env })).get('topic')?.value).toBe('b')
  expect(rowsOf(await place.run(['config', '--json', '--config', 'a.json'], { env })).get('topic')?.value).toBe('a')
})

test.each([
  ['a typing mistake in a variable', { env: { MF_TOPICS: 'x' } }, 'unknown setting MF_TOPICS in the environment'],
  ['a wrong value in a variable', { env: { MF_PORT: 'abc' } }, 'MF_PORT: "abc" is not valid'],
  ['a file that is not there', { env: { MF_CONFIG: 'none.json' } }, 'cannot read none.json'],
  ['a file that is not JSON', { file: '{"topic": ' }, 'music-faker.json is not valid JSON'],
  ['a file with an unknown setting', { file: '{"topics":"x"}' }, 'unknown setting "topics" in music-faker.json'],
  ['a wrong value in a file', { file: '{"partitions":0}' }, '"partitions" in music-faker.json: 0 is not valid'],
])(
  '%s is a wrong configuration, told with what to do',
  async (_, { env = {}, file }: { env?: Record<string, string>; file?: string }, message) => {
    if (file !== undefined) await writeFile(place.path('music-faker.json'), file)
    const { code, stdout, stderr } = await place.run(['config'], { env })
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^ {2}next: \S/m)
  },
)

test('a data folder that cannot be made is a wrong configuration', async () => {
  await writeFile(place.path('file'), '')
  const { code, stderr } = await place.run(['ls', '--data-dir', 'file/data'])
  expect(code).toBe(78)
  expect(stderr).toMatch(/^error: cannot make the data folder file\/data: .*\n {2}next: Choose a folder/)
})

test.each([[['produce', '--realtime', '-n', '1']], [['start']]])(
  '%j finds a bad rate in the environment',
  async (args) => {
    const { code, stderr } = await place.run(args, { env: { MF_RATE: 'fast' } })
    expect(code).toBe(78)
    expect(stderr).toContain('setting "rate" (environment): "fast" is not a rate')
  },
)

test('a folder named like the file is told', async () => {
  await mkdir(place.path('music-faker.json'))
  const { code, stderr } = await place.run(['config'])
  expect(code).toBe(78)
  expect(stderr).toContain('cannot read music-faker.json')
})
