/** Readers of option values. Each throws USAGE with what the option takes, to stand after "argument 'x' is invalid.". */
import { MusicFakerError } from '../errors.ts'
import { parseTimestamp } from '../event.ts'

/** Any text but the empty one. */
export function text(value: string): string {
  if (value === '') throw takes('some text')
  return value
}

/** Whole numbers in `[min, max]`. Only digits: `1e3`, `0x10` and `1_000` are more often slips than meant. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
    throw takes(`a whole number, ${range}`)
  }
}

/** Seconds, 0 or more, with or without a fraction; at most a day. */
export function seconds(value: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN
  if (number >= 0 && number <= 86_400) return number
  throw takes('seconds from 0 to 86400, such as 0.5')
}

/**
 * A moment: a date, or a date and time with seconds, in UTC: `2025-07-03`, `2025-07-03T20:07:50`, with or without a
 * fraction and a final Z.
 * @returns epoch milliseconds
 */
export function moment(value: string): number {
  const plain = value.replace(/Z$/, '')
  const time = parseTimestamp(plain.includes('T') ? plain : `${plain}T00:00:00`)
  if (time === undefined) throw takes('a UTC date or time, such as 2025-07-03 or 2025-07-03T20:07:50')
  return time
}

function takes(what: string): MusicFakerError {
  return new MusicFakerError('USAGE', `It takes ${what}.`)
}
