import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addFingerprints, EMPTY_FINGERPRINT, fingerprint, LedgerWriter, readLedger } from '../../src/generate/ledger.ts'

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

test('a line that a killed process left unfinished does not count', async () => {
  await writeFile(file, '{"count":2,"sum":"00000000000000ff"}\n{"count":3,"sum":"0000')
  expect(await readLedger(file)).toEqual({ count: 2, sum: 255n })
})

test('a ledger that is not there is empty', async () => {
  expect(await readLedger(file)).toEqual(EMPTY_FINGERPRINT)
})

test('any other file is refused', async () => {
  await writeFile(file, '{"count":2,"sum":"00000000000000ff"}\n{"count":-1,"sum":"0"}\n')
  await expect(readLedger(file)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', message: /line 2 is not an entry/ })
})

test('a place that cannot be written is refused at once', () => {
  expect(() => new LedgerWriter(join(folder, 'missing', 'ledger'))).toThrow(/cannot write the ledger/)
})
