import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { followFile, lastLines } from '../../src/cluster/logs.ts'
import { temporaryFolder } from './temporary.ts'

test('the last lines of a log, also of one without a line break at its end', () => {
  const file = join(temporaryFolder(), 'service.log')
  expect(lastLines(file, 5)).toEqual([])
  writeFileSync(file, 'one\ntwo\nthree')
  expect(lastLines(file, 2)).toEqual(['two', 'three'])
  expect(lastLines(file, 9)).toEqual(['one', 'two', 'three'])
  expect(lastLines(file, 0)).toEqual([])
})

test('a long log is read from its end only', () => {
  const file = join(temporaryFolder(), 'service.log')
  writeFileSync(file, Array.from({ length: 200_000 }, (_, number) => `line ${number}`).join('\n'))
  expect(lastLines(file, 2)).toEqual(['line 199998', 'line 199999'])
})

test('following gives the end, then every line once, across a rotation, and stops at the signal', async () => {
  const file = join(temporaryFolder(), 'service.log')
  writeFileSync(file, 'old\nlast\n')
  const lines: string[] = []
  const stop = new AbortController()
  const following = followFile(file, { lines: 1, out: (line) => lines.push(line), signal: stop.signal })
  appendFileSync(file, 'a half, ')
  appendFileSync(file, 'été\n')
  await vi.waitFor(() => expect(lines).toEqual(['last', 'a half, été']), 5_000)
  appendFileSync(file, 'before the rotation\n')
  renameSync(file, `${file}.1`)
  writeFileSync(file, 'after it\n')
  await vi.waitFor(() => expect(lines.slice(2)).toEqual(['before the rotation', 'after it']), 5_000)
  stop.abort()
  await following
})

test('a log that does not exist yet is followed from its start', async () => {
  const file = join(temporaryFolder(), 'service.log')
  const lines: string[] = []
  const stop = new AbortController()
  const following = followFile(file, { lines: 10, out: (line) => lines.push(line), signal: stop.signal })
  writeFileSync(file, 'first\n')
  await vi.waitFor(() => expect(lines).toEqual(['first']), 5_000)
  stop.abort()
  await following
})
