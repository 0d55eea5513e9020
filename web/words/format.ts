/** Numbers, times and names as the page's language writes them. */
import { computed } from '@preact/signals'
import { language, words } from './language.ts'

const formats = computed(() => ({
  whole: new Intl.NumberFormat(language.value, { maximumFractionDigits: 0 }),
  tenth: new Intl.NumberFormat(language.value, { maximumFractionDigits: 1 }),
  signed: new Intl.NumberFormat(language.value, { maximumFractionDigits: 0, signDisplay: 'exceptZero' }),
  percent: new Intl.NumberFormat(language.value, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }),
  regions: new Intl.DisplayNames(language.value, { type: 'region' }),
}))

export const whole = (n: number): string => formats.value.whole.format(n)
/** One decimal below 100, none above. */
export const rate = (n: number): string => (n < 100 ? formats.value.tenth : formats.value.whole).format(n)
export const signed = (n: number): string => formats.value.signed.format(n)
export const percent = (part: number, all: number): string => formats.value.percent.format(all === 0 ? 0 : part / all)

/** `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`: the two largest units. Negative spans read as 0. */
export function span(milliseconds: number): string {
  const { day, hour, min, sec } = words.value
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000))
  const two = (a: number, unit: string, b: number, smaller: string) =>
    b === 0 ? `${whole(a)} ${unit}` : `${whole(a)} ${unit} ${b} ${smaller}`
  if (seconds < 60) return `${seconds} ${sec}`
  if (seconds < 3_600) return two(Math.floor(seconds / 60), min, seconds % 60, sec)
  if (seconds < 86_400) return two(Math.floor(seconds / 3_600), hour, Math.floor((seconds % 3_600) / 60), min)
  return two(Math.floor(seconds / 86_400), day, Math.floor((seconds % 86_400) / 3_600), hour)
}

/** A duration of a track: `2:26`. */
export function playTime(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** The country of an ISO 3166-1 code, or the code itself where there is none such. */
export function country(code: string): string {
  try {
    return formats.value.regions.of(code) ?? code
  } catch {
    return code
  }
}

/** Hours and minutes in UTC. */
export function minuteOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 16)
}
