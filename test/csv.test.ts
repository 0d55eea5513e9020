import { describe, expect, it } from 'vitest'
import { csvRows } from '../src/csv.ts'

describe('CSV', () => {
  it('is what RFC 4180 says', () => {
    const rows = [
      ['Name', 'Events'],
      ['a "b", c', 1],
      ['d\r\ne', 2.5],
      ['', -3],
      [null, true],
    ]
    expect(csvRows(rows)).toBe('Name,Events\r\n"a ""b"", c",1\r\n"d\r\ne",2.5\r\n,-3\r\n,true\r\n')
  })

  it.each([
    ['plain', 'plain'],
    ['a-b', 'a-b'],
    ['"', '""""'],
    [' a', '" a"'],
    ['x; y', '"x; y"'],
    ['x\ty', '"x\ty"'],
  ])('holds %j as it is', (text, cell) => {
    expect(csvRows([[text]])).toBe(`${cell}\r\n`)
  })

  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@a', "'@a"],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠a', "'＠a"],
    [' =1', "' =1"],
    ['\0=1', "'\0=1"],
    ['=a,"b"', `"'=a,""b"""`],
    ['\t=1', `"\t'=1"`],
    ['\r=1', `"\r'=1"`],
    ['a\r\n\0 =1', `"a\r\n'\0 =1"`],
    // Where cells are parted at semicolons, a quote behind a comma is none, and these would begin cells and lines.
    ['x;=1+1;', `"x;'=1+1;"`],
    ['x; ;\t -1', `"x; ;\t' -1"`],
    ['x;"=1&"', `"x;'""=1&"""`],
    ['x\t@a', `"x\t'@a"`],
  ])('lets no spreadsheet run a part of %j', (text, cell) => {
    expect(csvRows([[text]])).toBe(`${cell}\r\n`)
  })

  it('is as fast for a text of line breaks as for another', () => {
    const begun = performance.now()
    csvRows([['\n'.repeat(50_000)]])
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})
