/**
 * What a command is made of. A file in `commands/` exports one, and `commands/table.ts` names it: that is all it takes.
 *
 * A command file is loaded only when its command is the one asked for, but also for its `--help`: what is heavy
 * (generator, Kafka client, web server) is imported inside `run`.
 */
import type { SettingName } from '../settings.ts'
import type { Context } from './context.ts'

/** An option without a value. Its name is its key in `options`: `fromBeginning` is `--from-beginning`. */
export interface SwitchSpec {
  short?: string
  help: string
  value?: never
  parse?: never
}

/** An option with a value; `parse` (see parse.ts) throws USAGE saying what the option takes. */
export interface ValueSpec<T = unknown> {
  short?: string
  help: string
  /** How --help shows the value, such as N. */
  value: string
  parse: (text: string) => T
}

export type OptionSpecs = Readonly<Record<string, SwitchSpec | ValueSpec>>

export type OptionValues<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends ValueSpec<infer T> ? T | undefined : boolean
}

export interface OperandSpec {
  /** `PATH`; optional when in brackets, repeatable when it ends in dots: `[PATH...]`. */
  name: string
  help: string
  choices?: readonly string[]
}

export interface CommandSpec<S extends OptionSpecs = OptionSpecs> {
  /** Three that can be pasted, without the program's name. --help opens with them. */
  examples: readonly [string, string, string]
  /** What --help says after the summary, where the options do not say it all. */
  description?: string
  operands?: readonly OperandSpec[]
  options?: S
  /** The settings it uses: each becomes a flag. LOG_SETTINGS and LAKE_SETTINGS of settings.ts hold the usual ones. */
  settings: readonly SettingName[]
  /** Settings that the command implies, whatever the flags and the environment say. */
  implies?: Readonly<Partial<Record<SettingName, unknown>>>
  /**
   * True for a command that has something to finish when it is told to stop: the first SIGINT or SIGTERM aborts
   * `context.signal`, and what `run` then returns is the exit code. Without it the first signal ends the process.
   */
  drains?: true
  /**
   * Does the work. Returns the exit code, 0 when nothing is returned. What it opens through the context is closed
   * after it, also when it throws.
   */
  run(
    context: Context,
    input: { operands: readonly string[]; options: OptionValues<S> },
  ): Promise<number | undefined> | Promise<void>
}

/** A command whose option types no longer matter: what the program deals with. */
export interface Command extends Omit<CommandSpec, 'run'> {
  run(
    context: Context,
    input: { operands: readonly string[]; options: Readonly<Record<string, unknown>> },
  ): Promise<number | undefined> | Promise<void>
}

/** Declares a command; exists so that `run` knows the type of each option. */
export function command<const S extends OptionSpecs>(spec: CommandSpec<S>): Command {
  return spec as unknown as Command
}
