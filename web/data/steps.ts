import type { Series } from '../../src/dashboard/api.ts'

/** Milliseconds of one step of a time series. */
export const STEP_MS: Record<Series['step'], number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }
