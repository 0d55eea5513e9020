import { describe, expect, it } from 'vitest'
import { csv, csvOfAll } from '../../web/data/csv.ts'

describe('CSV', () => {
  it('is what RFC 4180 says', () => {
    const table = {
      heads: ['Name', 'Events'],
      rows: [['a "b", c', 1] as const, ['d\r\ne', 2.5] as const, ['', -3] as const],
    }
    expect(csv(table)).toBe('Name,Events\r\n"a ""b"", c",1\r\n"d\r\ne",2.5\r\n,-3\r\n')
  })

  it('holds no formula that a spreadsheet would run', () => {
    const names = ['=1+1', '+1', '-1', '@a', '\t=1', '\r=1', '=a,"b"']
    const lines = csv({ heads: ['Name'], rows: names.map((name) => [name]) })
    expect(lines).toBe(`Name\r\n'=1+1\r\n'+1\r\n'-1\r\n'@a\r\n'\t=1\r\n"'\r=1"\r\n"'=a,""b"""\r\n`)
  })

  it('holds all tables as one, a line for each number', () => {
    const genres = { id: 'genre', table: () => ({ heads: ['Genre', 'Events', 'Share'], rows: [['Jazz', 2, '100 %']] }) }
    const none = { id: 'none', table: () => ({ heads: ['a'], rows: [] }) }
    expect(csvOfAll([genres, none])).toBe('chart,row,column,value\r\ngenre,Jazz,Events,2\r\ngenre,Jazz,Share,100 %\r\n')
  })
})
