/** Rows as CSV (RFC 4180), as spreadsheets open it. Pure: the page's files are written by it, too. */

export type Cell = string | number | boolean | null

/**
 * Before whatever a spreadsheet takes for a formula: at the start of a text, and, because the spreadsheets of many countries
 * part cells at semicolons and do not see a quote after a comma, behind each `;`, tab and line break of it. Blanks and
 * quotes may stand between.
 */
const BEFORE_FORMULA = /(^|[;\t\r\n])(?=(?:(?![\t\r\n])[\s\0"])*[=+\-@\uff1d\uff0b\uff0d\uff20])/g

/** One line for each row, without a byte order mark. Null is an empty cell. */
export function csvRows(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** A formula that a producer put into a name could send the sheet's contents away: an apostrophe makes it a text. */
function cell(value: Cell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const text = value.replace(BEFORE_FORMULA, "$1'")
  return /[",;\t\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}
