/**
 * How a process is told to stop.
 *
 * A command that drains: the first SIGINT or SIGTERM aborts `signal`, and the command finishes what it holds, so it ends
 * with its own exit code, 0 when all went well. A second one, or DRAIN_MS without an end, leaves at once with 130 or 143.
 * Nothing is lost by that, only left for the next start to redo. Any other command leaves at the first signal.
 *
 * One Ctrl-C may come twice: from the terminal to each process in front, and again from the one that started this (npm, timeout).
 *
 * SIGHUP is left alone: a handler would undo what nohup has set.
 */

/** Docker sends SIGKILL after 10 s, Kubernetes after 30. */
const DRAIN_MS = 10_000

/** The same signal again this soon is the same Ctrl-C. */
const ECHO_MS = 250

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof EXIT_CODES

export interface Stop {
  /** Aborts when the command should come to its end. */
  readonly signal: AbortSignal
  /** What a command exits with that gave up because of the signal; undefined as long as none has come. */
  readonly exitCode: number | undefined
  /** Aborts `signal` for a reason of our own. */
  request(): void
  /** Takes the handlers away: from here on signals do what they do by default. */
  dispose(): void
}

export function listenForStop(options: { drains: boolean; say: (text: string) => void; drainMs?: number }): Stop {
  const { drains, say, drainMs = DRAIN_MS } = options
  const controller = new AbortController()
  let exitCode: number | undefined
  let first = { name: '', at: 0 }
  let timer: NodeJS.Timeout | undefined

  const onSignal = (name: StopSignal) => {
    if (first.name === name && performance.now() - first.at < ECHO_MS) return
    if (!drains || exitCode !== undefined) process.exit(EXIT_CODES[name])
    exitCode = EXIT_CODES[name]
    first = { name, at: performance.now() }
    say(name === 'SIGINT' ? 'stopping (Ctrl-C again leaves at once)' : 'stopping')
    timer = setTimeout(() => {
      say(`still not done after ${drainMs / 1000} s: leaving`)
      process.exit(EXIT_CODES[name])
    }, drainMs)
    controller.abort()
  }

  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode
    },
    request: () => controller.abort(),
    dispose: () => {
      clearTimeout(timer)
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    },
  }
}
