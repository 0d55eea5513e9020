import type { MusicEvent } from '../event.ts'

/** The fields of an event that are counted by value, and that a view can be filtered by. */
export const DIMENSIONS = ['genre', 'platform', 'device', 'action', 'country'] as const satisfies (keyof MusicEvent)[]
export type Dimension = (typeof DIMENSIONS)[number]

/** Something for each of them. */
export function perDimension<T>(make: (dimension: Dimension) => T): Record<Dimension, T> {
  return Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, make(dimension)])) as Record<Dimension, T>
}
