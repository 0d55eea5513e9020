import type { LakeEntry, LakeStorage } from '../../lake/storage.ts'
import { command } from '../command.ts'
import { escapeControls, formatMinute } from '../format.ts'
import { expand } from '../lake-paths.ts'
import { LAKE_SETTINGS } from '../settings.ts'

const BYTES_WIDTH = 12

export const ls = command({
  examples: ['ls', 'ls -R', "ls 'year=*/month=*/day=*/batch_*'"],
  description:
    'Each line is kind, bytes, time (UTC) and path. A relative PATH is taken from the root of the lake; * and ? match in names.',
  operands: [{ name: '[PATH...]', help: 'files or folders; the root of the lake when left out' }],
  options: {
    recursive: { short: 'R', help: 'with everything below' },
  },
  settings: LAKE_SETTINGS,
  async run({ config, out, openLake }, { operands, options }) {
    const lake = await openLake()
    for (const typed of operands.length > 0 ? operands : [undefined]) {
      for await (const found of expand(lake, config.topic, typed)) {
        const isFolder = found.kind === 'directory'
        // As with "ls" everywhere: a pattern that names folders shows what they hold.
        for await (const entry of isFolder ? below(lake, found.path, options.recursive) : [found]) {
          await out.item(entry, () => line(entry, out.terminal))
        }
      }
    }
  },
})

async function* below(lake: LakeStorage, folder: string, recursive: boolean): AsyncGenerator<LakeEntry> {
  for await (const entry of lake.list(folder)) {
    yield entry
    if (recursive && entry.kind === 'directory') yield* below(lake, entry.path, recursive)
  }
}

function line({ kind, bytes, modified, path }: LakeEntry, terminal: boolean): string {
  const size = String(bytes).padStart(BYTES_WIDTH)
  const shown = terminal ? escapeControls(path) : path
  return `${kind === 'directory' ? 'd' : '-'} ${size}  ${formatMinute(modified)}  ${shown}`
}
