import type { LakeEntry, LakeStorage } from '../../lake/storage.ts'
import { command } from '../command.ts'
import { escapeControls, formatBytes, formatCounted, formatTable } from '../format.ts'
import { expand } from '../lake-paths.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export interface Usage {
  path: string
  bytes: number
  files: number
}

export const du = command({
  examples: ['du', 'du -s', "du 'year=2025/month=*' --json"],
  description:
    'Each line is the size, the number of files and the path of one entry of PATH, with all that is below it. Replicas are not counted.',
  operands: [{ name: '[PATH...]', help: 'files or folders; the root of the lake when left out' }],
  options: {
    summarize: { short: 's', help: 'one line for each PATH' },
  },
  settings: LAKE_SETTINGS,
  async run({ config, out, openLake }, { operands, options }) {
    const lake = await openLake()
    const usages: Usage[] = []
    for (const typed of operands.length > 0 ? operands : [undefined]) {
      for await (const found of expand(lake, config.topic, typed)) {
        if (options.summarize || found.kind === 'file') usages.push(await usageOf(lake, found))
        else for await (const entry of lake.list(found.path)) usages.push(await usageOf(lake, entry))
      }
    }
    await out.result(usages, () =>
      formatTable(
        usages.map(({ bytes, files, path }) => [
          formatBytes(bytes),
          formatCounted(files, 'file'),
          escapeControls(path),
        ]),
        [0, 1],
      ),
    )
  },
})

async function usageOf(lake: LakeStorage, entry: LakeEntry): Promise<Usage> {
  if (entry.kind === 'file') return { path: entry.path, bytes: entry.bytes, files: 1 }
  const sum: Usage = { path: entry.path, bytes: 0, files: 0 }
  for await (const child of lake.list(entry.path)) {
    const { bytes, files } = await usageOf(lake, child)
    sum.bytes += bytes
    sum.files += files
  }
  return sum
}
