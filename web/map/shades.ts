/** The steps of colour between few and many, for the map and the heat map. */

/** Steps of colour; the step 0 is for none. */
export const STEPS = 6

/**
 * Upper bounds of the steps, each about twice the one before, rounded to one figure that reads well: most countries have few
 * events and one has many, so that equal steps would leave all but one in the first.
 *
 * @returns at most STEPS rising whole numbers, the last at least `most`; empty where there is nothing
 */
export function bounds(most: number): number[] {
  if (most <= 0) return []
  const raised = Array.from({ length: STEPS }, (_, i) => roundUp(most / 2 ** (STEPS - 1 - i)))
  return [...new Set(raised)]
}

/** Upper bounds of equal steps, for numbers that do not differ that much. Otherwise as `bounds`. */
export function evenBounds(most: number): number[] {
  if (most <= 0) return []
  const raised = Array.from({ length: STEPS }, (_, i) => roundUp((most * (i + 1)) / STEPS))
  return [...new Set(raised)]
}

/** The step of a number of events: 0 for none, 1 for the fewest. */
export function stepOf(events: number, bounds: readonly number[]): number {
  if (events <= 0) return 0
  const step = bounds.findIndex((bound) => events <= bound)
  // The fewest steps still end with the strongest colour.
  return (step < 0 ? bounds.length : step + 1) + STEPS - bounds.length
}

/** The next whole number of at most two figures. */
function roundUp(n: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(n)) - 1))
  return Math.ceil(n / unit) * unit
}
