import { z } from 'zod'

/**
 * The schema of a long list of small entries. `z.array` would make each anew, which was most of the time
 * that opening an old lake took.
 */
export function plainList<T>(isEntry: (value: unknown) => value is T, most = Number.POSITIVE_INFINITY, least = 0) {
  return z.custom<T[]>((value) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) return false
    for (let i = 0; i < value.length; i++) if (!isEntry(value[i])) return false
    return true
  }, 'not such a list')
}

export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** A whole number that is no less than 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** The check of an entry that is an array of so many values. */
export function isTuple<T extends unknown[]>(...checks: { [K in keyof T]: (value: unknown) => value is T[K] }) {
  return (value: unknown): value is T => {
    if (!Array.isArray(value) || value.length !== checks.length) return false
    for (let i = 0; i < checks.length; i++) if (!checks[i]?.(value[i])) return false
    return true
  }
}
