import { FIELDS, type MusicEvent } from '../event.ts'

const KNOWN = new Set<string>(FIELDS)
/** Texts, within which nothing counts, and what holds the values of JSON together. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]/g

/**
 * The further fields of an event as a JSON object; null where there are none. Of a name that stands twice the last value
 * counts, as it does to `decode`. Values are the text that they are in the line: read and written again, numbers beyond
 * 2^53 would change, and a value of a hundred thousand brackets could not be written at all.
 * @param event what `decode` found in `line`
 */
export function extraOf(event: MusicEvent, line: Buffer): string | null {
  if (Object.keys(event).every((name) => KNOWN.has(name))) return null
  const fields = [...valuesOf(line.toString())].filter(([name]) => !KNOWN.has(name))
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`
}

/** The text of each value by its name, of a JSON object that is known to be one. */
function valuesOf(text: string): Map<string, string> {
  const values = new Map<string, string>()
  let [depth, begin, name, last] = [0, 0, '', '']
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1) {
      if (token === ':') {
        name = JSON.parse(last)
        begin = index + 1
      } else if (token === ',' || token === '}') values.set(name, text.slice(begin, index).trim())
      last = token
    }
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
  }
  return values
}
