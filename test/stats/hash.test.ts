import { expect, it } from 'vitest'
import { hash64, hashTrack } from '../../src/stats/hash.ts'

const words = new Int32Array(2)

function hex(): string {
  return [...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

// Made with another implementation: Python's mmh3 5.2, as the header of hash.ts says. They are on disk for ever.
it.each([
  ['', '0000000000000000'],
  ['a', '033bb196ccef4fe1'],
  ['ab', '260fb953af22b6fd'],
  ['abc', '2b5b97a320f75fb5'],
  ['Rock', '9be4843afb7f3ac0'],
  ['eric04', '7d4c21f8f1ae69e6'],
  ['12345678', '083fc1f2e182fa4f'],
  ['123456789', '0ae17570d324424a'],
  ['Carol Moore', '0192ebe3a9d3f6b3'],
  ['abcdefghabcdefghabcdefghabcde', '7428344a2bbddbcf'],
  ['The quick brown fox jumps over the lazy dog', '15beb6860f94f6ca'],
  ['Zo\u00eb \u{1f3b5} na\u00efve', '6035a92e37504808'],
  ['\uffff\u0001\u00e9'.repeat(5), 'd3fdcc1a7acbc951'],
  ['\u0000', '04a872bbedcd774b'],
  ['\ud800', '95bfdb97ee4a80b7'],
])('hashes %j as MurmurHash3_x86_128 does', (text, expected) => {
  hash64(text, words)
  expect(hex()).toBe(expected)
})

it.each([
  ['Carol Moore', 'MediumAquaMarine Nights - Live', 'c8d48dc32eb63926'],
  ['Boston', 'Boston', 'a210313bff559e6e'],
  ['ab', 'c', 'd0c4e85d8ea20010'],
  ['a', 'bc', 'a7f6e17cb9522a67'],
])('hashes the track %j, %j with its artist', (artist, title, expected) => {
  hash64(artist, words)
  hashTrack(words[0] ?? 0, words[1] ?? 0, title, words)
  expect(hex()).toBe(expected)
})

it('hashes a text alike whatever form the engine keeps it in', () => {
  const joined = ['Carol', 'Moore'].join(' ')
  const cut = `xx${joined}xx`.slice(2, -2)
  for (const text of [joined, cut, JSON.parse(`"${joined}"`) as string]) {
    hash64(text, words)
    expect(hex()).toBe('0192ebe3a9d3f6b3')
  }
})
