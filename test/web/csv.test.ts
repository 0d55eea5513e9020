import { describe, expect, it } from 'vitest'
import { csv, csvOfAll } from '../../web/data/csv.ts'

describe('CSV', () => {
  it('begins with a byte order mark, by which Excel knows UTF-8', () => {
    expect(csv({ heads: ['Écoutes'], rows: [['é', 1]] })).toBe('\ufeffÉcoutes\r\né,1\r\n')
  })

  it('holds no formula that a spreadsheet would run', () => {
    expect(csv({ heads: ['=1'], rows: [['\n=1']] })).toBe(`\ufeff'=1\r\n"\n'=1"\r\n`)
  })

  it('holds all tables as one, a line for each number', () => {
    const genres = { id: 'genre', table: () => ({ heads: ['Genre', 'Events', 'Share'], rows: [['Jazz', 2, '100 %']] }) }
    const none = { id: 'none', table: () => ({ heads: ['a'], rows: [] }) }
    expect(csvOfAll([genres, none])).toBe(
      '\ufeffchart,row,column,value\r\ngenre,Jazz,Events,2\r\ngenre,Jazz,Share,100 %\r\n',
    )
  })
})
