/** Numbers, times and names as the page's language writes them. */
import { computed } from '@preact/signals'
import type { FilterField } from '../data/address.ts'
import { language, words } from './language.ts'

const formats = computed(() => ({
  whole: new Intl.NumberFormat(language.value, { maximumFractionDigits: 0 }),
  tenth: new Intl.NumberFormat(language.value, { maximumFractionDigits: 1 }),
  signed: new Intl.NumberFormat(language.value, { maximumFractionDigits: 0, signDisplay: 'exceptZero' }),
  compact: new Intl.NumberFormat(language.value, { notation: 'compact', maximumFractionDigits: 1 }),
  percent: new Intl.NumberFormat(language.value, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }),
  weekday: new Intl.DateTimeFormat(language.value, { weekday: 'short', timeZone: 'UTC' }),
  day: new Intl.DateTimeFormat(language.value, { day: 'numeric', month: 'short', timeZone: 'UTC' }),
  year: new Intl.DateTimeFormat(language.value, { month: 'short', year: 'numeric', timeZone: 'UTC' }),
  regions: new Intl.DisplayNames(language.value, { type: 'region' }),
}))

export const whole = (n: number): string => formats.value.whole.format(n)
/** At most one decimal. */
export const number = (n: number): string => formats.value.tenth.format(n)
/** One decimal below 100, none above. */
export const rate = (n: number): string => (n < 100 ? formats.value.tenth : formats.value.whole).format(n)
export const signed = (n: number): string => formats.value.signed.format(n)
/** Few characters: for the scale of a chart. */
export const compact = (n: number): string => formats.value.compact.format(n)
/** Bytes as megabytes. */
export const megabytes = (bytes: number): string => `${number(bytes / 1e6)} ${words.value.megabyte}`
/** A part of 1 as a percentage. */
export const share = (part: number): string => formats.value.percent.format(part)
export const percent = (part: number, all: number): string => share(all === 0 ? 0 : part / all)

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

/** The value of a filter in words: countries, actions and hours of the week have names of their own. */
export function nameOf(field: FilterField, value: string): string {
  if (field === 'country') return country(value)
  if (field === 'when') return weekHour(value)
  const { actions } = words.value
  return field === 'action' && Object.hasOwn(actions, value) ? (actions[value] ?? value) : value
}

/** A moment in UTC, as exactly as steps of so many seconds tell it; of another year, with that. */
export function momentOf(epochMs: number, step: number): string {
  const date = new Date(epochMs)
  const year = date.getUTCFullYear()
  const isOfNow = year === new Date().getUTCFullYear()
  const day = `${formats.value.day.format(date)}${isOfNow && step < 86_400 ? '' : ` ${year}`}`
  if (step >= 86_400) return day
  const time = date.toISOString().slice(11, step < 60 ? 19 : 16)
  return step >= 3_600 || epochMs < Date.now() - 86_400_000 ? `${day} ${time}` : time
}

/** A moment in UTC beside the axis of a chart whose marks are so many seconds apart. */
export function tickOf(epochMs: number, gap: number): string {
  const date = new Date(epochMs)
  if (gap >= 28 * 86_400) return formats.value.year.format(date)
  if (gap >= 86_400 || epochMs % 86_400_000 === 0) return formats.value.day.format(date)
  return date.toISOString().slice(11, gap < 60 ? 19 : 16)
}

/** @param day 0 is Monday */
export function weekday(day: number): string {
  // The first of January 2024 was a Monday.
  return formats.value.weekday.format(Date.UTC(2024, 0, 1 + day))
}

/** An hour of the day: `09:00`. */
export const hourOf = (hour: number): string => `${String(hour).padStart(2, '0')}:00`

/** An hour of the week, such as `5-18`: `Fri 18:00`. */
export function weekHour(when: string): string {
  const [day = 1, hour = 0] = when.split('-').map(Number)
  return `${weekday(day - 1)} ${hourOf(hour)}`
}
