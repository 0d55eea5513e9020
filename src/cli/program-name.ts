import { COMMANDS } from './commands/table.ts'

/** How the program is called by who reads its help: by its launcher in a clone, by its name once installed. */
export const PROGRAM = import.meta.url.endsWith('.ts') ? './music-faker' : 'music-faker'

const COMMAND_LINE = new RegExp(
  `(?<![\\w./-])music-faker (?=(?:${COMMANDS.map(({ name }) => name).join('|')}|help|--help)(?![\\w-]))`,
  'g',
)

/** `hint` with PROGRAM in each command line that it tells to type, so that it works when it is pasted. */
export function withProgramName(hint: string): string {
  return hint.replace(COMMAND_LINE, `${PROGRAM} `)
}
