/** Seconds to wait before attempt `n` (from 0) to reconnect: 1, 2, 4, 8, then 10 each time. */
export function backoff(attempt: number): number {
  return Math.min(10, 2 ** attempt)
}
