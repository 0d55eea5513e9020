import fc from 'fast-check'
import { expect, test } from 'vitest'
import { moment, oneOf, seconds, share, text, wholeNumber } from '../../src/cli/parse.ts'
import { MusicFakerError } from '../../src/errors.ts'

/** What a refusal says is wrong, and what it says is right. */
function refusal(read: () => unknown): [wrong: string, next: string | undefined] {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(MusicFakerError)
    expect((error as MusicFakerError).code).toBe('USAGE')
    return [(error as MusicFakerError).message, (error as MusicFakerError).next]
  }
  throw new Error('was accepted')
}

test('whole numbers: every one in range is read as itself', () => {
  fc.assert(fc.property(fc.nat(1_000_000), (n) => wholeNumber(0)(String(n)) === n))
})

test.each(['abc', '', ' 5', '5 ', '-1', '1.5', '1e3', '0x10', '1_000', '٣', '99999999999999999999'])(
  'whole numbers: %j is refused with what it takes',
  (value) => expect(refusal(() => wholeNumber(0)(value))[1]).toBe('Give a whole number, 0 or more.'),
)

test('whole numbers: the range is held, and named', () => {
  const read = wholeNumber(1, 10)
  expect([read('1'), read('10')]).toEqual([1, 10])
  expect(refusal(() => read('0'))).toEqual(['"0" is out of range', 'Give a whole number, 1 to 10.'])
  expect(refusal(() => read('11'))).toEqual(['"11" is out of range', 'Give a whole number, 1 to 10.'])
  expect(refusal(() => read('x'))[0]).toBe('"x" is not a whole number')
})

test('seconds may have a fraction', () => {
  expect(['0', '0.5', '.25', '86400', '3.'].map(seconds)).toEqual([0, 0.5, 0.25, 86_400, 3])
})

test.each(['-1', 'abc', '1s', '86401', '', '.', 'Infinity', '1e2'])('seconds: %j is refused', (value) => {
  expect(refusal(() => seconds(value))[0]).toBe(`"${value}" is not a number of seconds`)
})

test('moments are UTC, whole days or with a time', () => {
  expect(moment('2025-07-03')).toBe(Date.UTC(2025, 6, 3))
  expect(moment('2025-07-03T20:07:50')).toBe(Date.UTC(2025, 6, 3, 20, 7, 50))
  expect(moment('2025-07-03T20:07:50.691643Z')).toBe(Date.UTC(2025, 6, 3, 20, 7, 50))
})

test.each(['2025-02-30', 'yesterday', '2025-07-03T25:00:00', '2025-07', '', '2025-07-03T20:07:50+02:00'])(
  'moments: %j is refused',
  (value) => expect(refusal(() => moment(value))[0]).toBe(`"${value}" is not a UTC date or time`),
)

test('shares are per cent, above nothing', () => {
  expect(share('1%')).toBe(0.01)
  expect(share('.5%')).toBe(0.005)
  expect(share('100%')).toBe(1)
})

test.each(['0%', '101%', '1', '-1%', '1 %', ''])('shares: %j is refused', (value) =>
  expect(refusal(() => share(value))[0]).toBe(`"${value}" is not a share`),
)

test('text may be anything but nothing', () => {
  expect(text('x')).toBe('x')
  expect(refusal(() => text(''))).toEqual(['"" is empty', 'Give some text.'])
})

test('one of a few words is taken as it is written', () => {
  const read = oneOf('kafka', 'namenode', 'datanode')
  expect(read('kafka')).toBe('kafka')
  expect(refusal(() => read('Kafka'))).toEqual(['"Kafka" is not a choice', 'Give kafka, namenode or datanode.'])
})
