import { SERVICE_NAMES, type ServiceName } from '../../cluster/services.ts'
import { command } from '../command.ts'
import { escapeControls } from '../format.ts'
import { wholeNumber } from '../parse.ts'
import { CLUSTER_SETTINGS } from '../settings.ts'

const DEFAULT_LINES = 20

export const logs = command({
  examples: ['logs', 'logs kafka -n 100', 'logs namenode -f'],
  operands: [{ name: '[SERVICE]', help: 'all of them when left out', choices: SERVICE_NAMES }],
  options: {
    lines: {
      short: 'n',
      value: 'N',
      help: `how many lines of each log (default ${DEFAULT_LINES})`,
      parse: wholeNumber(0, 1_000_000),
    },
    follow: { short: 'f', help: 'go on with what comes, until stopped' },
  },
  settings: CLUSTER_SETTINGS,
  implies: { profile: 'cluster' },
  async run({ config, out, signal }, { operands, options }) {
    const cluster = await import('../../cluster/cluster.ts')
    // The engine does not wait for the reader; the lines of a log are few beside what a pipe takes.
    const print = (line: string) => void out.item({ line }, () => (out.terminal ? escapeControls(line) : line))
    await cluster.logs(config, operands[0] as ServiceName | undefined, {
      follow: options.follow,
      lines: options.lines ?? DEFAULT_LINES,
      out: print,
      signal,
    })
  },
})
