/** What goes in by produce comes out by tail, ls, cat and du, in the embedded profile. */
import { readFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decode } from '../../src/event.ts'
import { fingerprint, readLedger } from '../../src/generate/ledger.ts'
import { freePort, jsonLines, Workplace } from './music-faker.ts'

const EVENTS = 60

let place: Workplace

beforeAll(async () => {
  place = await Workplace.create()
  const args = ['produce', '-n', String(EVENTS), '--start', '2025-07-03T20:00:00', '--ledger', 'ledger', '--json']
  const { code, stdout, stderr } = await place.run(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ topic: 'music_events', seed: 42, acknowledged: EVENTS, count: EVENTS })
  expect(await place.run(['consume', '-m', 'batch', '-b', '10', '--once', '--quiet'])).toMatchObject({
    code: 0,
    stderr: '',
  })
})

afterAll(() => place.remove())

const linesOf = (text: string) => text.split('\n').slice(0, -1)

async function tailLines(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await place.run(['tail', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return linesOf(stdout)
}

const timestampsOf = (lines: readonly string[]) =>
  lines.map((line) => (JSON.parse(line) as { timestamp: string }).timestamp)

test('tail prints whole valid events, the newest last', async () => {
  const lines = await tailLines('-n', '5')
  expect(lines).toHaveLength(5)
  for (const line of lines) expect(decode(Buffer.from(line), Date.now())).toMatchObject({ ok: true })
  const all = timestampsOf(await tailLines('-n', String(EVENTS)))
  expect(all).toHaveLength(EVENTS)
  expect(timestampsOf(lines)).toEqual(all.toSorted().slice(-5))
})

test('tail --from-beginning prints the oldest', async () => {
  const all = timestampsOf(await tailLines('-n', '1000'))
  expect(timestampsOf(await tailLines('-n', '5', '--from-beginning'))).toEqual(all.toSorted().slice(0, 5))
  expect(all).toHaveLength(EVENTS)
})

test('tail -n 0 prints nothing', async () => {
  expect(await tailLines('-n', '0')).toEqual([])
})

test('tail --json names partition and offset of each message', async () => {
  const { stdout } = await place.run(['tail', '-n', String(EVENTS), '--json'])
  const messages = jsonLines(stdout) as { partition: number; offset: number; value: string }[]
  expect(new Set(messages.map(({ partition, offset }) => `${partition}:${offset}`)).size).toBe(EVENTS)
  expect(Object.keys(messages[0] ?? {})).toEqual(['partition', 'offset', 'value'])
})

test('the log and the lake hold exactly what the ledger says was acknowledged', async () => {
  const ledger = await readLedger(place.path('ledger'))
  const lines = (text: string) => fingerprint(linesOf(text).map((line) => Buffer.from(line)))
  const [log, lake] = await Promise.all([
    place.run(['tail', '--from-beginning', '-n', '1000']),
    place.run(['cat', 'year=*/month=*/day=*/batch_*']),
  ])
  expect(ledger.count).toBe(EVENTS)
  expect(lines(log.stdout)).toEqual(ledger)
  expect(lines(lake.stdout)).toEqual(ledger)
})

test('the same seed gives the same events again, another seed others', async () => {
  const other = await Workplace.create()
  try {
    const produce = (seed: string, ledger: string) =>
      other.run(['produce', '-n', String(EVENTS), '--start', '2025-07-03T20:00:00', '--seed', seed, '--ledger', ledger])
    await produce('42', 'same')
    await produce('43', 'different')
    expect(await readFile(other.path('same'), 'utf8')).toBe(await readFile(place.path('ledger'), 'utf8'))
    expect(await readLedger(other.path('different'))).not.toEqual(await readLedger(place.path('ledger')))
  } finally {
    await other.remove()
  }
})

test('ls lists the root of the lake, and everything with -R', async () => {
  const root = await place.run(['ls'])
  const deep = await place.run(['ls', '-R'])
  expect(root.code).toBe(0)
  expect(
    linesOf(root.stdout).every((line) => /^d {12}0 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}\/music_events\/[^/]+$/.test(line)),
  ).toBe(true)
  const files = linesOf(deep.stdout).filter((line) => line.startsWith('-'))
  expect(
    files.some((line) => /\/music_events\/year=2025\/month=07\/day=03\/batch_\d{8}_\d{6}_p\d_0-9\.jsonl$/.test(line)),
  ).toBe(true)
})

test('ls --json gives an entry a line, with the sizes that cat gives', async () => {
  const { stdout } = await place.run(['ls', 'year=*/month=*/day=*/*', '--json'])
  const entries = jsonLines(stdout) as { path: string; kind: string; bytes: number; modified: number }[]
  const { stdout: content } = await place.run(['cat', ...entries.map(({ path }) => path)])
  expect(entries.every(({ kind }) => kind === 'file')).toBe(true)
  expect(entries.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(Buffer.byteLength(content))
})

test('du sums what ls lists', async () => {
  const { stdout: listed } = await place.run(['ls', '-R', '--json'])
  const files = (jsonLines(listed) as { path: string; kind: string; bytes: number }[]).filter(
    ({ kind }) => kind === 'file',
  )
  const total = { path: '/music_events', bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files: files.length }
  const [whole, parts, human] = await Promise.all([
    place.run(['du', '-s', '--json']),
    place.run(['du', '--json']),
    place.run(['du', '-s']),
  ])
  expect(JSON.parse(whole.stdout)).toEqual([total])
  const sums = JSON.parse(parts.stdout) as { bytes: number; files: number }[]
  expect(sums.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total.bytes)
  expect(sums.reduce((sum, one) => sum + one.files, 0)).toBe(total.files)
  expect(human.stdout).toMatch(/^\d+\.\d kB {2}\d+ files {2}\/music_events\n$/)
})

test('cat of a folder and of a missing file says what to do', async () => {
  const folder = await place.run(['cat', 'year=2025'])
  expect(folder).toMatchObject({ code: 2, stdout: '' })
  expect(folder.stderr).toContain('next: See its files with: ./music-faker ls -R /music_events/year=2025')
  const missing = await place.run(['cat', 'nothing'])
  expect(missing).toMatchObject({ code: 1, stdout: '' })
  expect(missing.stderr).toContain('/music_events/nothing is not in the lake (LAKE_NOT_FOUND)')
})

test('a topic with a typing mistake is named, with where to look', async () => {
  const { code, stdout, stderr } = await place.run(['tail', '--topic', 'music_event'])
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toMatch(/music_event\b.*\(LOG_TOPIC_MISSING\)\n {2}next: /)
})

test('talk is on stderr, and none with --quiet', async () => {
  const loud = await place.run(['produce', '-n', '1', '--topic', 'talk'])
  expect(loud.stdout).toMatch(/^produced 1 event in /)
  expect(loud.stderr).toContain('topic talk')
  expect(await place.run(['produce', '-n', '1', '--topic', 'talk', '-q'])).toMatchObject({ code: 0, stderr: '' })
})

test('the doctor finds all well, and leaves nothing in the lake nor in the topic', async () => {
  const before = await Promise.all([place.run(['ls', '-R', '/']), place.run(['tail', '-n', '1000'])])
  const { code, stdout, stderr } = await place.run(['doctor', '--json', '--port', String(await freePort())])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string; verdict: string }[] }
  expect(ok).toBe(true)
  expect(checks.map(({ check }) => check)).toEqual([
    'node',
    'dashboard port',
    'disk',
    'clock',
    'log metadata',
    'log write',
    'log read',
    'lake write',
    'lake rename',
    'lake read',
    'lake delete',
  ])
  expect(await Promise.all([place.run(['ls', '-R', '/']), place.run(['tail', '-n', '1000'])])).toEqual(before)
})

test('import says that a folder has no file to import', async () => {
  const { code, stdout } = await place.run(['import', 'data'])
  expect(code).toBe(0)
  expect(stdout).toBe('nothing to import: no file of data is named batch_YYYYMMDD_HHMMSS.jsonl\n')
})

test('status says where to look further, and repair --dry-run tells each step of its plan once', async () => {
  const other = await Workplace.create()
  try {
    await other.run(['produce', '-n', '30'])
    await other.run(['consume', '-m', 'batch', '-b', '2', '--once'])
    const records = linesOf((await other.run(['ls', '_commits/*/p0', '--json'])).stdout)
    const [, , third] = records.map((line) => (JSON.parse(line) as { path: string }).path)
    await rm(other.path(`data/lake${third}`))
    expect((await other.run(['status'])).stdout).toMatch(/^PROBLEM: .* is missing.*\n.*: \.\/music-faker verify\n$/m)
    const { code, stdout, stderr } = await other.run(['repair', '--dry-run'])
    expect({ code, steps: stdout.match(/^record to be restored: /gm)?.length }).toEqual({ code: 0, steps: 1 })
    expect(stderr).not.toContain('restored')
  } finally {
    await other.remove()
  }
})
