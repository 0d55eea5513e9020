/** The last torture as docs/GUARANTEES.md shows it: a table between two marks, made from the result beside this file. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rowsOf, type TortureResult } from './result.ts'

export const DOCUMENT = join(import.meta.dirname, '../../docs/GUARANTEES.md')
export const RECORDED = join(import.meta.dirname, 'recorded.json')
const [BEGIN, END] = ['<!-- torture: begin -->', '<!-- torture: end -->']

/** Keeps a result and shows it in the document. @throws Error where the document has no place for it */
export function record(result: TortureResult): void {
  writeFileSync(RECORDED, `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(DOCUMENT, withResult(readFileSync(DOCUMENT, 'utf8'), result))
}

/** The document with this result between its marks. */
export function withResult(text: string, result: TortureResult): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`no ${BEGIN} and ${END} in the document`)
  return `${text.slice(0, begin)}${BEGIN}\n\n${table(result)}\n\n${text.slice(end)}`
}

function table(result: TortureResult): string {
  const rows = rowsOf(result).map(([name, value]) => `| ${name} | ${value} |`)
  return ['| | |', '|---|---|', ...rows].join('\n')
}
