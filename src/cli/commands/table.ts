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

const FLOW = 'The flow:'
const CONTENT = 'What it holds:'
const CLUSTER = 'Kafka and HDFS on this machine:'
const CARE = 'Set-up and faults:'

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'start',
    group: FLOW,
    summary: 'Run everything in one process: listeners, archiver and page',
    load: async () => (await import('./start.ts')).start,
  },
  {
    name: 'demo',
    group: FLOW,
    summary: 'Show and explain the whole flow, and kill an archiver on the way',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'produce',
    group: FLOW,
    summary: 'Write generated events to the log',
    load: async () => (await import('./produce.ts')).produce,
  },
  {
    name: 'consume',
    group: FLOW,
    summary: 'Archive the log into the lake, each event exactly once',
    load: async () => (await import('./consume.ts')).consume,
  },
  {
    name: 'compact',
    group: FLOW,
    summary: 'Join small files of the lake into larger ones',
    load: async () => (await import('./compact.ts')).compact,
  },
  {
    name: 'dashboard',
    group: FLOW,
    summary: 'Serve the page and the REST API',
    load: async () => (await import('./dashboard.ts')).dashboard,
  },
  {
    name: 'status',
    group: CONTENT,
    summary: 'Show how far each partition is archived, and the totals',
    load: async () => (await import('./status.ts')).status,
  },
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
    name: 'up',
    group: CLUSTER,
    summary: 'Start Kafka, HDFS and the dashboard',
    load: async () => (await import('./up.ts')).up,
  },
  {
    name: 'down',
    group: CLUSTER,
    summary: 'Stop what "up" started; the data stays',
    load: async () => (await import('./down.ts')).down,
  },
  {
    name: 'ps',
    group: CLUSTER,
    summary: 'Show the services and their state',
    load: async () => (await import('./ps.ts')).ps,
  },
  {
    name: 'logs',
    group: CLUSTER,
    summary: 'Print what the services log',
    load: async () => (await import('./logs.ts')).logs,
  },
  {
    name: 'restart',
    group: CLUSTER,
    summary: 'Stop and start one service',
    load: async () => (await import('./restart.ts')).restart,
  },
  {
    name: 'report',
    group: CONTENT,
    summary: 'Write a page of statistics and charts, and its tables as CSV',
    load: async () => (await import('./report.ts')).report,
  },
  {
    name: 'sql',
    group: CONTENT,
    summary: 'Query the events of the lake with DuckDB',
    load: async () => (await import('./sql.ts')).sql,
  },
  {
    name: 'export',
    group: CONTENT,
    summary: 'Copy the events to Parquet, CSV or compressed JSON lines, each once',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'import',
    group: CONTENT,
    summary: 'Take files of the Python version into the lake, each line once',
    load: async () => (await import('./import.ts')).importCommand,
  },
  {
    name: 'replay',
    group: CONTENT,
    summary: 'Write events of the lake to the log again, in the order of their times',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    name: 'verify',
    group: CARE,
    summary: 'Prove from the lake alone that every event is there once',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    name: 'repair',
    group: CARE,
    summary: 'Mend what verify finds wrong, as far as the log still holds it',
    load: async () => (await import('./repair.ts')).repair,
  },
  {
    name: 'check',
    group: CARE,
    summary: 'Send a few events through every stage, with a verdict for each',
    load: async () => (await import('./check.ts')).check,
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
