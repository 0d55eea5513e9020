/** The commands, in the order and groups of --help. To add one: a file beside this one, and a line here. */
import type { Command } from '../command.ts'

export interface CommandEntry {
  name: string
  /** Heading in --help. */
  group: string
  /** One line, no full stop. */
  summary: string
  load: () => Promise<Command>
}

const CONTENT = 'What it holds:'
const CARE = 'Set-up and faults:'

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'tail',
    group: CONTENT,
    summary: 'Print messages of the log as they are',
    load: async () => (await import('./tail.ts')).tail,
  },
  {
    name: 'ls',
    group: CONTENT,
    summary: 'List files of the lake',
    load: async () => (await import('./ls.ts')).ls,
  },
  {
    name: 'cat',
    group: CONTENT,
    summary: 'Print files of the lake',
    load: async () => (await import('./cat.ts')).cat,
  },
  {
    name: 'du',
    group: CONTENT,
    summary: 'Show how much the folders of the lake hold',
    load: async () => (await import('./du.ts')).du,
  },
  {
    name: 'config',
    group: CARE,
    summary: 'Print the settings in force and where each comes from',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'doctor',
    group: CARE,
    summary: 'Check this machine, the log and the lake, and say how to mend what fails',
    load: async () => (await import('./doctor.ts')).doctor,
  },
]
