/** Reads a command line with commander. Loads one command of the table: the one that is asked for. */
import { readFileSync } from 'node:fs'
import { Argument, Command as CommanderCommand, CommanderError, Option } from 'commander'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { Command, OptionSpecs } from './command.ts'
import { COMMANDS } from './commands/table.ts'
import { PROGRAM } from './program-name.ts'

/** A command line that was understood. */
export interface Invocation {
  name: string
  command: Command
  operands: readonly string[]
  /** By key of the command's `options`, by setting name, and the shared ones. */
  values: Readonly<Record<string, unknown>> & SharedValues
}

/** The options of every command. */
export interface SharedValues {
  json?: true
  quiet?: true
  verbose?: true
  color: boolean
  config?: string
}

const SHARED: readonly (readonly [flags: string, help: string])[] = [
  ['--json', 'results as one JSON document, or as JSON lines; errors as JSON on stderr'],
  ['-q, --quiet', 'no talk on stderr, errors only'],
  ['-v, --verbose', 'stack traces with errors'],
  ['--no-color', 'no colours (as NO_COLOR)'],
  ['--config <FILE>', 'configuration file (MF_CONFIG; default music-faker.json, where it exists)'],
]

const SHARED_NAMES = '--json, --quiet, --verbose, --no-color and --config FILE'

const EXAMPLES = ['start', 'produce --realtime -n 20 -d 1', 'help produce'] as const

/**
 * @param argv the words after the program's name
 * @returns what to do, or undefined when help or the version was asked for, and has been printed on stdout
 * @throws USAGE with a suggestion; without any command the help stands on stderr before it
 */
export async function readCommandLine(argv: readonly string[]): Promise<Invocation | undefined> {
  let invocation: Invocation | undefined
  let name: string | undefined
  const program = buildProgram(argv.includes('--json'), (sub, command) => {
    invocation = { name: sub.name(), command, operands: sub.args, values: valuesOf(sub, command) }
  })
  program.hook('preSubcommand', (_, sub) => {
    name = sub.name()
  })
  try {
    await program.parseAsync(expandHelp(argv), { from: 'user' })
    return invocation
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return undefined
    throw usageError(error.code === 'commander.help' ? 'no command was given' : error.message, name)
  }
}

/**
 * Commander says `error: unknown option '--sede'` and may add `(Did you mean --seed?)` on a line of its own.
 * @param name the command asked for, once it is known
 */
export function usageError(message: string, name: string | undefined): MusicFakerError {
  const [said = '', ...rest] = message.replace(/^error: /, '').split('\n')
  const help = `Run: music-faker ${name === undefined ? '' : `${name} `}--help`
  const suggestion = /^\((Did you mean .*)\)$/.exec(rest.join(' ').trim())?.[1]
  return new MusicFakerError('USAGE', said, { next: suggestion === undefined ? help : `${suggestion} ${help}` })
}

/** `help produce` is `produce --help`, `help` alone is `--help`. */
function expandHelp(argv: readonly string[]): string[] {
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv]
  // With --help, commander takes any word for the program's own help: what is misspelt would have no answer.
  const [name] = words
  const known = name === undefined || name.startsWith('-') || COMMANDS.some((command) => command.name === name)
  return known ? words : [name]
}

/** @param json leaves stderr to the error document: without a command the help would stand before it */
function buildProgram(json: boolean, found: (sub: CommanderCommand, command: Command) => void): CommanderCommand {
  const program = new CommanderCommand(PROGRAM)
    .description('A real-time pipeline of music-listening data: generate, log, archive exactly once, dashboard.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('before', examplesText(EXAMPLES))
    .addHelpText('after', `\n"${PROGRAM} help COMMAND" says all about one of them.\n${SHARED_NAMES} go with each.`)
    .exitOverride()
    .configureOutput({ outputError: () => {}, ...(json && { writeErr: () => {} }) })
  for (const option of sharedOptions()) program.addOption(option.hideHelp())
  // After the settings above: subcommands inherit them when they are made.
  for (const { name, group, summary } of COMMANDS) program.command(name).description(summary).helpGroup(group)
  program.hook('preSubcommand', async (_, sub) => {
    const entry = COMMANDS.find(({ name }) => name === sub.name())
    if (entry === undefined) return
    const command = await entry.load()
    await describe(sub, command)
    sub.action(() => found(sub, command))
  })
  return program
}

async function describe(sub: CommanderCommand, command: Command): Promise<void> {
  const { settingOptions } = await import('./settings.ts')
  sub.description(`${sub.description()}. ${command.description ?? ''}`.trimEnd())
  sub.addHelpText('before', examplesText(command.examples))
  for (const { name, help, choices } of command.operands ?? []) {
    const argument = new Argument(name.startsWith('[') ? name : `<${name}>`, help)
    sub.addArgument(choices === undefined ? argument : argument.choices(choices))
  }
  addOptions(sub, command.options ?? {})
  for (const option of sharedOptions()) sub.addOption(option)
  for (const option of settingOptions(command.settings)) sub.addOption(option)
}

function addOptions(sub: CommanderCommand, options: OptionSpecs): void {
  for (const [key, spec] of Object.entries(options)) {
    const long = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    const flags = spec.short === undefined ? long : `-${spec.short}, ${long}`
    if (spec.value === undefined) {
      sub.addOption(new Option(flags, spec.help))
    } else {
      const { parse } = spec
      sub.addOption(new Option(`${flags} <${spec.value}>`, spec.help).argParser((raw) => parsed(flags, parse, raw)))
    }
  }
}

/** A switch that is not there is false, so that commands need not know the third state. */
function valuesOf(sub: CommanderCommand, { options = {} }: Command): Invocation['values'] {
  const switches = Object.keys(options).filter((key) => options[key]?.value === undefined)
  return { ...Object.fromEntries(switches.map((key) => [key, false])), ...sub.optsWithGlobals<SharedValues>() }
}

/** Names the option in front of what its reader says is wrong. */
function parsed(flags: string, parse: (text: string) => unknown, raw: string): unknown {
  try {
    return parse(raw)
  } catch (error) {
    if (!hasCode(error, 'USAGE')) throw error
    throw new MusicFakerError('USAGE', `${flags}: ${error.message}`, {
      ...(error.next !== undefined && { next: error.next }),
    })
  }
}

/** On the program and on each command, so that they may stand before and after its name, and in a group such as -Rq. */
function sharedOptions(): Option[] {
  return SHARED.map(([flags, help]) => new Option(flags, help).helpGroup('Every command:'))
}

function examplesText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((example) => `  ${PROGRAM} ${example}\n`).join('')}`
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
