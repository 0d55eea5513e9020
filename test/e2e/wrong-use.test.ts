/** Whatever is wrong, the command says what failed, on what, and what to do next; and exits with the code for it. */
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { freeConfig } from '../services.ts'
import { type Settings, Shell } from './shell.ts'

const services = inject('services')
const skipped = 'skipped' in services

let shell: Shell
/** Holds a port, and answers nothing. */
let other: Server
let takenPort: number
/** Ports at which nobody answers. */
let nobody: Settings

beforeAll(async () => {
  shell = await Shell.open()
  other = createServer((socket) => socket.on('error', () => undefined).destroy()).listen(0, '127.0.0.1')
  await once(other, 'listening')
  takenPort = (other.address() as AddressInfo).port
  const { portOffset } = await freeConfig('./data')
  nobody = { MF_PROFILE: 'cluster', MF_PORT_OFFSET: String(portOffset), MF_CONNECT_TIMEOUT: '1000' }
  await shell.output('produce -n 3')
  await shell.output('consume --once')
})
afterAll(async () => {
  other?.close()
  await shell?.close()
})

interface Wrong {
  code: number
  /** What failed, and on what. */
  says: string | RegExp
  next: string | RegExp
}

async function expectWrong(line: string, settings: Settings, { code, says, next }: Wrong): Promise<void> {
  const outcome = await shell.run(line, settings)
  expect(outcome, outcome.stderr).toMatchObject({ code, stdout: '' })
  expect(outcome.stderr).not.toMatch(/^ +at /m)
  expect(outcome.stderr).toMatch(/^error: .*\([A-Z_]+\)\n {2}next: \S.*\n$/m)
  const [, message, hint] = /^error: (.*)\n {2}next: (.*)\n$/m.exec(outcome.stderr) ?? []
  expect(message).toMatch(says)
  expect(hint).toMatch(next)
}

function folderWith(name: string, file: string, content: string): string {
  const path = shell.place.path(`${name}/${file}`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return shell.place.path(name)
}

describe.concurrent('a command line that is wrong', () => {
  test.each<[string, Wrong['says'], Wrong['next']]>([
    ['produce --cuont 5', "unknown option '--cuont'", 'Did you mean --count?'],
    ['prodcue -n 5', "unknown command 'prodcue'", 'Did you mean produce?'],
    ['produce -n abc', '-n, --count: "abc" is not a whole number', 'Give a whole number, 1 or more'],
    ['produce -n 2.5', '-n, --count: "2.5" is not a whole number', 'Give a whole number, 1 or more'],
    ['produce -n -5', '-n', /whole number|--help/],
    ['produce -d soon', '-d, --delay: "soon" is not a number of seconds', 'such as 0.5'],
    ['consume -m batch -b 0', '-b, --batch-size: "0" is out of range', 'Give a whole number, 1 to'],
    ['consume -m batsh', '-m, --mode: "batsh"', /realtime.*batch/],
    ['produce -n 5 --seed ""', '--seed: "" is not valid: must be a whole number', '--seed takes:'],
    ['consume -m realtime -b 5', '--batch-size and --max-wait belong to batch mode', 'Add: -m batch'],
    ['dashboard --port 70000', '--port: "70000" is not valid', '--port takes:'],
    ['tail --topic ../music_events', '--topic: "../music_events" is not valid', '--topic takes:'],
    ['status --profile clutser', '--profile: "clutser" is not valid', 'embedded'],
    ['export --from 2025-07-02 --to 2025-07-01 ./out', '--from is later than --to', 'Give the earlier one with --from'],
    ["sql --from 2025-07-02 --to 2025-07-01 'select 1'", '--from is later than --to', 'Give the earlier one'],
    ['replay --into x --from 2025-07-02 --to 2025-07-01', '--from is later than --to', 'Give the earlier one'],
    ['export ""', '"" is not a folder to export to', 'Give a folder such as'],
    ['import ""', '"" cannot be imported from', 'give a folder of this machine'],
    ['restart kafak', "'kafak' is invalid for argument 'SERVICE'", 'music-faker restart --help'],
  ])('%s: exit 2', async (line, says, next) => {
    await expectWrong(line, {}, { code: 2, says, next })
  })
})

describe.concurrent('a topic with a typing mistake', () => {
  test.each(['tail --topic music_evnets', 'status --topic music_evnets'])('%s: exit 78', async (line) => {
    await expectWrong(line, {}, { code: 78, says: /music_evnets.*"music_events".*LOG_TOPIC_MISSING/, next: '--topic' })
  })

  test.each(['ls -R --topic music_evnets', 'du --topic music_evnets', 'verify --deep --topic music_evnets'])(
    '%s: exit 1',
    async (line) => {
      const says = /music_evnets.*"music_events".*LAKE_NOT_FOUND/
      await expectWrong(line, {}, { code: 1, says, next: 'Check --topic' })
    },
  )
})

describe.concurrent('Kafka or HDFS that nobody answers for', () => {
  const log = ['produce -n 1', 'consume -m realtime', 'tail -n 5', 'status', 'dashboard', 'start', 'demo']
  test.each(log)('%s without Kafka: exit 69', async (line) => {
    const says = /cannot reach Kafka at 127\.0\.0\.1:\d+.*LOG_UNREACHABLE/
    await expectWrong(line, nobody, { code: 69, says, next: './music-faker up' })
  })

  test.each(['produce -n 1 --speed 60x', 'produce --start 2100-01-01', 'produce -n 1 --rate 1/s -d 1'])(
    '%s is wrong use before Kafka is asked: exit 2',
    async (line) => {
      await expectWrong(line, nobody, { code: 2, says: /USAGE/, next: /\S/ })
    },
  )

  test.each(['ls -R', 'du', "cat 'year=*/*'", 'verify'])('%s without HDFS: exit 69', async (line) => {
    const says = /no answer from HDFS: http:\/\/127\.0\.0\.1:\d+.*LAKE_UNREACHABLE/
    await expectWrong(line, nobody, { code: 69, says, next: './music-faker up' })
  })

  test.each(['check', 'doctor'])('%s tells which stage fails: exit 69', async (line) => {
    const { code, stdout, stderr } = await shell.run(line, nobody)
    expect(code).toBe(69)
    expect(`${stdout}${stderr}`).toMatch(
      /^FAILED +log.*cannot reach Kafka.*\n +next: Start Kafka with "\.\/music-faker up"/m,
    )
    expect(`${stdout}${stderr}`).not.toMatch(/^ +at /m)
  })

  test.skipIf(skipped)(`without HDFS alone${skipped ? ` (skipped: ${services.skipped})` : ''}: exit 69`, async () => {
    if ('skipped' in services) return
    const settings = { ...nobody, MF_KAFKA_BROKERS: services.kafka.brokers.join(), MF_TOPIC: 'e2e_no_hdfs' }
    const wrong = { code: 69, says: 'no answer from HDFS', next: './music-faker up' }
    await Promise.all(['consume --once', 'start', 'check'].map((line) => expectWrong(line, settings, wrong)))
  })
})

describe.concurrent('a port that is taken', () => {
  test.each(['dashboard', 'start', 'demo'])('%s: exit 1, with another port to take', async (line) => {
    const wrong = { code: 1, says: new RegExp(`port ${takenPort} .*PORT_TAKEN`), next: `--port ${takenPort + 1}` }
    await expectWrong(line, { MF_PORT: String(takenPort) }, wrong)
  })

  test('up: exit 1, before anything is started', async () => {
    const settings = { MF_PORT_OFFSET: nobody.MF_PORT_OFFSET ?? '', MF_PORT: String(takenPort) }
    folderWith('data/cluster', 'engine', 'jvm\n')
    await expectWrong('up', settings, {
      code: 1,
      says: new RegExp(`port ${takenPort}, which dashboard needs, is taken`),
      next: '--port-offset',
    })
    const states = await shell.document<{ state: string }[]>('ps', settings)
    expect(states.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
  })
})

describe.concurrent('a folder that cannot be written to', () => {
  test('export below a file: exit 78, and another destination to give', async () => {
    const below = `${folderWith('unwritable export', 'file', '')}/file/a/b`
    const wrong = { code: 78, says: /cannot make the folder .*file\/a/, next: 'Give a folder to export to' }
    await expectWrong(`export '${below}'`, {}, wrong)
  })

  test('export to a file: exit 78, naming what was typed', async () => {
    const wrong = { code: 78, says: /^cannot export to \.\/out\/file: .*LAKE_DENIED/, next: 'Give a folder that' }
    folderWith('out', 'file', '')
    await expectWrong('export --open ./out/file', {}, wrong)
  })

  // Below a file: permissions do not stop root.
  test.each(['produce -n 1', 'consume --once', 'dashboard', 'ls', 'status', 'start', 'up'])(
    '%s: exit 78',
    async (line) => {
      const folder = `${folderWith(`unwritable ${line}`, 'file', '')}/file/data`
      const wrong = {
        code: 78,
        says: /cannot (make|write to) .*file\/data.*CONFIG_INVALID/,
        next: /--data-dir or MF_DATA_DIR/,
      }
      await expectWrong(line, { MF_DATA_DIR: folder }, wrong)
    },
  )

  test.for(['consume --once', 'ls', 'verify', 'status', 'dashboard'])(
    '%s, where a file has the name of the lake: exit 78',
    async (line) => {
      const folder = folderWith('no lake', 'lake', '')
      await shell.output('produce -n 1', { MF_DATA_DIR: folder })
      const wrong = { code: 78, says: /data folder .*\/lake: .*CONFIG_INVALID/, next: '--data-dir' }
      await expectWrong(line, { MF_DATA_DIR: folder }, wrong)
    },
  )
})

test('a file that is missing in the lake: exit 1, and how to have it again', async () => {
  const settings = { MF_DATA_DIR: shell.place.path('lacking') }
  await shell.output('produce -n 60 --start 2025-07-01', settings)
  await shell.output('consume -m batch -b 5 --once', settings)
  const [first] = await shell.rows<{ path: string }>("ls 'year=2025/month=07/day=01/batch_*'", settings)
  rmSync(`${settings.MF_DATA_DIR}/lake${first?.path}`)
  const wrong = {
    code: 1,
    says: /batch_\S+ is gone.*LAKE_NOT_FOUND/,
    next: './music-faker verify, then: ./music-faker repair',
  }
  for (const line of ['export --open out', 'replay --into again', 'report --day 2025-07-01', "sql 'from events'"]) {
    await expectWrong(line, settings, wrong)
  }
  const own = await shell.run(`sql "from read_csv('mine.csv')"`)
  expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining('No files found') })
})

describe.concurrent('a log of something else', () => {
  const commands = ['produce -n 1', 'consume --once', 'tail', 'status', 'start']

  function database(name: string, sql: string): string {
    const folder = folderWith(name, 'log.sqlite', '')
    const db = new DatabaseSync(`${folder}/log.sqlite`)
    db.exec(sql)
    db.close()
    return folder
  }

  test.each([
    [
      'of another version',
      // "MFLG", as our own files, but of a format to come.
      () => database('newer', 'PRAGMA application_id = 0x4d464c47; PRAGMA user_version = 2; CREATE TABLE t (a)'),
      'has format 2; this version knows 1',
      'Use the version of music-faker that wrote it',
    ],
    [
      'of another program',
      () => database('foreign', 'CREATE TABLE t (a)'),
      'but not a music-faker log',
      'Move the file',
    ],
    [
      'that is no database',
      () => folderWith('text', 'log.sqlite', 'no database, but text that is longer than the head of one. '.repeat(9)),
      'it is not a SQLite database',
      'Move the file away',
    ],
  ])('%s: exit 78, and the file stays as it is', async (_, make, says, next) => {
    const folder = make()
    const before = readFileSync(`${folder}/log.sqlite`)
    const wrong = { code: 78, says: new RegExp(`${says}.*LOG_FORMAT`), next }
    await Promise.all(commands.map((line) => expectWrong(line, { MF_DATA_DIR: folder }, wrong)))
    expect(readFileSync(`${folder}/log.sqlite`).equals(before)).toBe(true)
  })
})

describe.concurrent('a configuration that is wrong', () => {
  test.each([
    ['is cut off', '{"topic": "music', 'is not valid JSON', 'Mend or remove'],
    ['is no object', '[]', 'must hold one JSON object', 'Mend or remove'],
    ['has an unknown setting', '{"topics": "x"}', 'unknown setting "topics"', 'config'],
    ['has a wrong value', '{"kafkaBrokers": "localhost"}', 'must be HOST:PORT', 'kafkaBrokers:'],
  ])('a file that %s: exit 78', async (name, content, says, next) => {
    const file = `${folderWith(`configuration that ${name}`, 'mine.json', content)}/mine.json`
    const wrong = { code: 78, says, next }
    await Promise.all([
      expectWrong('status', { MF_CONFIG: file }, wrong),
      expectWrong(`produce -n 1 --config '${file}'`, {}, wrong),
    ])
  })

  test('a file that is not there: exit 78', async () => {
    await expectWrong(
      'ls --config nowhere.json',
      {},
      { code: 78, says: 'cannot read nowhere.json', next: 'Check the path' },
    )
  })

  test('a variable that is misspelt, or has a wrong value: exit 78', async () => {
    await expectWrong('ls', { MF_TOPICS: 'x' }, { code: 78, says: 'unknown setting MF_TOPICS', next: 'config' })
    await expectWrong('ls', { MF_PORT: 'many' }, { code: 78, says: 'MF_PORT: "many" is not valid', next: 'port:' })
  })
})
