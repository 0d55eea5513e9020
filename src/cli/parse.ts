/**
 * Readers of option values. Each throws USAGE: what is wrong with the value as its message, what the option takes as
 * its `next`. The option's name is put before it where the command line is read.
 */
import { MusicFakerError } from '../errors.ts'
import { parseTimestamp } from '../event.ts'

/** Any text but the empty one. */
export function text(value: string): string {
  if (value === '') throw refusal(value, 'empty', 'Give some text.')
  return value
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): (value: string) => T {
  return (value) => {
    const word = words.find((one) => one === value)
    if (word !== undefined) return word
    throw refusal(value, 'not a choice', `Give ${words.slice(0, -1).join(', ')} or ${words.at(-1)}.`)
  }
}

/** Whole numbers in `[min, max]`. Only digits: `1e3`, `0x10` and `1_000` are more often slips than meant. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (value: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    const wrong = Number.isNaN(number) ? 'not a whole number' : 'out of range'
    throw refusal(value, wrong, `Give a whole number, ${range}.`)
  }
}

/** Seconds, 0 or more, with or without a fraction; at most a day. */
export function seconds(value: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN
  if (number >= 0 && number <= 86_400) return number
  throw refusal(value, 'not a number of seconds', 'Give seconds from 0 to 86400, such as 0.5.')
}

/**
 * A moment: a date, or a date and time to the second, in UTC: `2025-07-03`, `2025-07-03T20:07:50`, with or without a
 * fraction, which is dropped, and a final Z.
 * @returns epoch milliseconds
 */
export function moment(value: string): number {
  const plain = value.replace(/Z$/, '')
  const time = parseTimestamp(plain.includes('T') ? plain : `${plain}T00:00:00`)
  if (time !== undefined) return time
  throw refusal(value, 'not a UTC date or time', 'Give it as 2025-07-03 or 2025-07-03T20:07:50.')
}

/** A UTC day: `2025-07-03`, given back as it is. */
export function day(value: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value) && parseTimestamp(`${value}T00:00:00`) !== undefined) return value
  throw refusal(value, 'not a UTC day', 'Give it as 2025-07-03.')
}

/** Refuses a range that ends before it begins. @throws USAGE */
export function requireOrder<T extends string | number>({
  from,
  to,
}: {
  from: T | undefined
  to: T | undefined
}): void {
  if (from === undefined || to === undefined || from <= to) return
  throw new MusicFakerError('USAGE', '--from is later than --to', { next: 'Give the earlier one with --from.' })
}

/** A share above nothing, up to `100%`: given back as a number in (0, 1]. */
export function share(value: string): number {
  const percent = /^(\d+\.?\d*|\.\d+)%$/.test(value) ? Number.parseFloat(value) : Number.NaN
  if (percent > 0 && percent <= 100) return percent / 100
  throw refusal(value, 'not a share', 'Give per cent above 0 and up to 100, such as 1%.')
}

function refusal(value: string, wrong: string, next: string): MusicFakerError {
  return new MusicFakerError('USAGE', `"${value}" is ${wrong}`, { next })
}
