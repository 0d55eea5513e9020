/** Tables as text files. */
import { csvRows } from '../../src/csv.ts'

export interface Table {
  heads: readonly string[]
  rows: readonly (readonly (string | number)[])[]
}

/** With the byte order mark by which Excel, on a double click, knows UTF-8 from an old code page. */
export const csv = ({ heads, rows }: Table): string => `\ufeff${csvRows([heads, ...rows])}`

/** All tables as one: a line for each number. */
export function csvOfAll(tables: readonly { id: string; table(): Table }[]): string {
  const rows = tables.flatMap(({ id, table }) => {
    const { heads, rows } = table()
    return rows.flatMap(([name = '', ...values]) => values.map((value, i) => [id, name, heads[i + 1] ?? '', value]))
  })
  return csv({ heads: ['chart', 'row', 'column', 'value'], rows })
}
