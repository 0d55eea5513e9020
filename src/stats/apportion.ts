/**
 * Whole numbers in the proportion of `parts` that add up to `whole`: estimates that are rounded each by itself do not, and
 * a page would show more in the parts than in the total. Each is off by less than 1; parts that are whole and add up stay.
 */
export function apportion(parts: ArrayLike<number>, whole: number): number[] {
  let all = 0
  for (let i = 0; i < parts.length; i++) all += parts[i] as number
  let sum = 0
  let before = 0
  return Array.from(parts, (part) => {
    sum += part
    const upTo = all === 0 ? 0 : Math.round((whole * sum) / all)
    const share = upTo - before
    before = upTo
    return share
  })
}
