import { type Logger, pino } from 'pino'
import type { Config } from '../settings.ts'

/** The log of a long-running process: JSON lines on stderr, so that stdout stays for results. */
export function processLogger(level: Config['logLevel']): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
}
