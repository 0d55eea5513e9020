import { expect, test } from 'vitest'
import {
  escapeControls,
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatMinute,
  formatRate,
  formatTable,
} from '../../src/cli/format.ts'

test('bytes change their unit before they show a thousand of it', () => {
  const shown = [0, 999, 1_000, 999_949, 999_950, 1_500_000, 2e15, 3e18].map(formatBytes)
  expect(shown).toEqual(['0 B', '999 B', '1.0 kB', '999.9 kB', '1.0 MB', '1.5 MB', '2.0 PB', '3000.0 PB'])
})

test('durations show two units and never sixty of one', () => {
  const shown = [0, 0.9994, 0.9996, 9.94, 9.96, 59.4, 59.6, 95, 3_599.6, 7_300, 360_000].map(formatDuration)
  expect(shown).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '1 min 35 s',
    '1 h 0 min',
    '2 h 1 min',
    '100 h 0 min',
  ])
})

test('nouns follow their number', () => {
  const shown = [0, 1, 1_000].map((n) => formatCounted(n, 'file'))
  expect(shown).toEqual(['0 files', '1 file', '1,000 files'])
})

test('counts and rates are grouped', () => {
  expect([formatCount(1_234_567), formatRate(0.5), formatRate(12_345.6)]).toEqual(['1,234,567', '0.5/s', '12,346/s'])
})

test('minutes are UTC', () => {
  expect(formatMinute(Date.UTC(2025, 6, 3, 20, 7, 59))).toBe('2025-07-03 20:07')
})

test('control and bidirectional characters lose their power over a terminal, other text stays', () => {
  expect(escapeControls('a\u001b[2Jb\r\n\u0007\u009b\u202e')).toBe('a\\u001b[2Jb\\u000d\\u000a\\u0007\\u009b\\u202e')
  expect(escapeControls('é 日本 🎵\t"\\u001b"')).toBe('é 日本 🎵\t"\\u001b"')
})

test('line feeds stay where lines are printed', () => {
  expect(escapeControls('one\ntwo\r\n', true)).toBe('one\ntwo\\u000d\n')
})

test('tables align their columns and leave no trailing blanks', () => {
  const rows = [
    ['1', 'a', 'x'],
    ['100', 'bbb', ''],
  ]
  expect(formatTable(rows, [0])).toBe('  1  a    x\n100  bbb')
})
