const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A number with `s`, `m`, `h` or `d`. */
export const DURATION = /^\d{1,6}[smhd]$/

/** `90s`, `5m`, `1h` or `30d` in milliseconds. @param text as DURATION has it */
export function milliseconds(text: string): number {
  return Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN)
}
