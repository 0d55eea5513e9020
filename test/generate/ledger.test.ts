import { execFile } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addFingerprints, EMPTY_FINGERPRINT, fingerprint, LedgerWriter, readLedger } from '../../src/generate/ledger.ts'

const run = promisify(execFile)
/** The unit of `ulimit -f`, in bytes, as POSIX has it. */
const BLOCK = 512

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mf-ledger-'))
  file = join(folder, 'ledger.jsonl')
})

afterEach(() => rm(folder, { recursive: true }))

const bytes = (text: string) => Buffer.from(text)
const lines = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 })

test('a fingerprint is the sum of the first 8 bytes of each SHA-256', () => {
  // printf abc | sha256sum; printf '' | sha256sum
  expect(fingerprint([bytes('abc')])).toEqual({ count: 1, sum: 0xba7816bf8f01cfean })
  expect(fingerprint([bytes(''), bytes('abc')])).toEqual({
    count: 2,
    sum: BigInt.asUintN(64, 0xba7816bf8f01cfean + 0xe3b0c44298fc1c14n),
  })
  expect(fingerprint([])).toEqual(EMPTY_FINGERPRINT)
})

test('neither order nor grouping matters', () => {
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const whole = fingerprint([...a, ...b])
      expect(addFingerprints(fingerprint(b), fingerprint(a))).toEqual(whole)
      expect(fingerprint([...b.toReversed(), ...a])).toEqual(whole)
    }),
  )
})

test('one event lost, doubled or changed shows', () => {
  const all = ['a', 'b', 'c'].map(bytes)
  const whole = fingerprint(all)
  expect(fingerprint(all.slice(1)).sum).not.toBe(whole.sum)
  expect(fingerprint([...all, bytes('a'), bytes('a')]).sum).not.toBe(whole.sum)
  expect(fingerprint([bytes('a'), bytes('b'), bytes('d')])).not.toEqual(whole)
})

test('what is written is read back, over several writers', async () => {
  for (const text of ['a', 'b', 'c']) {
    const writer = new LedgerWriter(file)
    writer.add(fingerprint([bytes(text)]))
    writer.add(EMPTY_FINGERPRINT)
    writer.close()
  }
  expect(await readLedger(file)).toEqual(fingerprint(['a', 'b', 'c'].map(bytes)))
  expect((await readFile(file, 'utf8')).split('\n')[1]).toBe('{"count":0,"sum":"0000000000000000"}')
})

test('a ledger of more entries than are read at once counts whole', async () => {
  await writeFile(file, '{"count":2,"sum":"8000000000000001"}\n'.repeat(20_000))
  expect(await readLedger(file)).toEqual({ count: 40_000, sum: 20_000n })
})

test('a line that a killed process left unfinished does not count', async () => {
  await writeFile(file, '{"count":2,"sum":"00000000000000ff"}\n{"count":3,"sum":"0000')
  expect(await readLedger(file)).toEqual({ count: 2, sum: 255n })
})

test('an unfinished line does not spoil what is added after it, by whom ever', async () => {
  const [first, second] = [new LedgerWriter(file), new LedgerWriter(file)]
  first.add({ count: 2, sum: 255n })
  await appendFile(file, '{"count":3,"sum":"0000')
  second.add({ count: 4, sum: 1n })
  // Whole but for its line feed: what did not get to its end does not count.
  await appendFile(file, '{"count":3,"sum":"0000000000000000"}')
  first.add({ count: 8, sum: 1n })
  first.close()
  second.close()
  expect(await readLedger(file)).toEqual({ count: 14, sum: 257n })
})

test('an entry that has no room is an error, and counts nowhere', async () => {
  const entry = '{"count":1,"sum":"0000000000000001"}\n'
  const there = Math.floor(BLOCK / entry.length)
  await writeFile(file, entry.repeat(there))
  const ledger = fileURLToPath(new URL('../../src/generate/ledger.ts', import.meta.url))
  const script = `import { LedgerWriter } from ${JSON.stringify(ledger)}
    try {
      new LedgerWriter(${JSON.stringify(file)}).add({ count: 1, sum: 1n })
    } catch (error) {
      console.log(error.code, error.message)
    }`
  // Files of one block at most: the system writes what fits, and tells how much that was.
  const { stdout } = await run('sh', [
    '-c',
    'ulimit -f 1; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ])
  expect(stdout).toMatch(/^CONFIG_UNREADABLE cannot write the ledger .*: there was no room for a whole entry\n$/)
  expect(await readLedger(file)).toEqual({ count: there, sum: BigInt(there) })
  const writer = new LedgerWriter(file)
  writer.add({ count: 1, sum: 1n })
  writer.close()
  expect(await readLedger(file)).toEqual({ count: there + 1, sum: BigInt(there + 1) })
})

test('a ledger that is not there is empty', async () => {
  expect(await readLedger(file)).toEqual(EMPTY_FINGERPRINT)
})

test('any other file is refused, of whatever length', async () => {
  await writeFile(file, '{"count":2,"sum":"8000000000000001"}\n'.repeat(5_000) + 'x'.repeat(1_000_000))
  await expect(readLedger(file)).rejects.toThrow('line 5001 is not an entry')
  await writeFile(file, '{"count":2,"sum":"00000000000000ff"}\n{"count":-1,"sum":"0"}\n')
  await expect(readLedger(file)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', message: /line 2 is not an entry/ })
})

test('a place that cannot be written is refused at once', () => {
  expect(() => new LedgerWriter(join(folder, 'missing', 'ledger'))).toThrow(/cannot write the ledger/)
})
