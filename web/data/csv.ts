/** Tables as text files. */

export interface Table {
  heads: readonly string[]
  rows: readonly (readonly (string | number)[])[]
}

/** RFC 4180. */
export function csv({ heads, rows }: Table): string {
  return [heads, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** All tables as one: a line for each number. */
export function csvOfAll(tables: readonly { id: string; table(): Table }[]): string {
  const rows = tables.flatMap(({ id, table }) => {
    const { heads, rows } = table()
    return rows.flatMap(([name = '', ...values]) => values.map((value, i) => [id, name, heads[i + 1] ?? '', value]))
  })
  return csv({ heads: ['chart', 'row', 'column', 'value'], rows })
}

/**
 * Names come from events that anyone may write: one that begins like a formula must not run as one in a spreadsheet, so an
 * apostrophe goes before it.
 */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
