/**
 * Pearson's statistic for counts against expected shares, and the value that chance exceeds once in 10,000 times (normal
 * approximation of E. Wilson and M. Hilferty, 1931). Seeds are fixed, so a test that passes goes on passing.
 */
export function chiSquare(counts: readonly number[], weights: readonly number[]): { statistic: number; limit: number } {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const weight = weights.reduce((sum, value) => sum + value, 0)
  let statistic = 0
  for (const [i, count] of counts.entries()) {
    const expected = (total * (weights[i] as number)) / weight
    if (expected > 0) statistic += (count - expected) ** 2 / expected
    else if (count > 0) statistic = Number.POSITIVE_INFINITY
  }
  const freedom = weights.filter((value) => value > 0).length - 1
  const spread = 2 / (9 * freedom)
  return { statistic, limit: freedom * (1 - spread + 3.719 * Math.sqrt(spread)) ** 3 }
}
