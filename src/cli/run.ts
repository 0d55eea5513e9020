/** Runs one command line from its words to its exit code. */
import { MusicFakerError } from '../errors.ts'
import { createContext } from './context.ts'
import { Output } from './output.ts'
import { type Invocation, readCommandLine } from './program.ts'
import { reportError } from './report.ts'
import { listenForStop } from './stop.ts'

/**
 * @param argv the words after the program's name
 * @returns the exit code; every failure has been told on stderr by then
 */
export async function run(argv: readonly string[]): Promise<number> {
  let invocation: Invocation | undefined
  try {
    invocation = await readCommandLine(argv)
  } catch (error) {
    // The options did not come out of the command line, so how to tell it is looked up in the words themselves.
    const out = new Output({ json: argv.includes('--json'), quiet: false, color: !argv.includes('--no-color') })
    return reportError(error, out, argv.includes('--verbose') || argv.includes('-v'))
  }
  return invocation === undefined ? 0 : perform(invocation)
}

async function perform({ name, command, operands, values }: Invocation): Promise<number> {
  const verbose = values.verbose === true
  const out = new Output({ json: values.json === true, quiet: values.quiet === true, color: values.color })
  const stop = listenForStop({ drains: command.drains === true, say: (text) => out.say(text) })
  out.watch({
    readerGone: () => {
      if (!command.drains) process.exit(0)
      stop.request()
    },
    // Output that is not complete must not look as if it were: `> file` on a full disk.
    failed: (error) => process.exit(reportError(error, out, verbose)),
  })
  try {
    const [{ loadConfig }, { settingFlags }] = await Promise.all([import('../config.ts'), import('./settings.ts')])
    const flags = settingFlags(command.settings, values)
    rejectContradiction(name, flags, command.implies ?? {})
    const loaded = loadConfig({ ...flags, ...command.implies }, process.env, values.config)
    const context = createContext({ loaded, out, signal: stop.signal, verbose })
    let code: number | undefined
    try {
      code = (await command.run(context, { operands, options: values })) ?? undefined
    } catch (error) {
      await context.close().catch(() => {})
      throw error
    }
    await context.close()
    return code ?? 0
  } catch (error) {
    // It gave up because it was told to: there is nothing to report. Without a signal the reader had gone.
    if (stop.signal.aborted && (error as Error).name === 'AbortError') return stop.exitCode ?? 0
    return reportError(error, out, verbose)
  } finally {
    stop.dispose()
    await out.flush()
  }
}

/** What a command implies wins over the environment and the file, which are not about it; a flag is, so it must agree. */
function rejectContradiction(
  name: string,
  flags: Readonly<Record<string, unknown>>,
  implied: Readonly<Record<string, unknown>>,
): void {
  for (const [setting, value] of Object.entries(implied)) {
    if (flags[setting] === undefined || flags[setting] === value) continue
    throw new MusicFakerError('USAGE', `"${name}" works with ${setting} ${value} only`, {
      next: `Leave the flag out, or give it ${value}.`,
    })
  }
}
