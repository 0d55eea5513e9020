import { lakeRoot } from '../../archive/layout.ts'
import { MusicFakerError } from '../../errors.ts'
import { command } from '../command.ts'
import { formatCount, formatCounted } from '../format.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export const importCommand = command({
  examples: ['import ./old/music_events', 'import hdfs:/music_events --profile cluster', 'import ./old --json'],
  description:
    "Takes batch_YYYYMMDD_HHMMSS.jsonl files, JSON lines, into the lake: events into the folder of their day, other lines into the quarantine, counted in all totals. Each file once, known by its content and name, however often it is run; a run that was cut off is finished by the next. Files within the lake's own folder are moved to _imports/taken afterwards, others are left alone.",
  operands: [{ name: 'PATH', help: 'file or folder of this machine, or hdfs:/PATH with the cluster profile' }],
  options: {
    acceptGap: { help: 'go on over listed files that are gone or changed, and record the gap' },
  },
  settings: LAKE_SETTINGS,
  drains: true,
  async run({ config, out, signal, openLake }, { operands, options }) {
    const [{ openOrigin }, { importFiles }] = await Promise.all([
      import('../../profiles.ts'),
      import('../../import/import.ts'),
    ])
    const { folders, origin } = await openOrigin(config, operands[0] as string)
    const lake = await openLake()
    if ((await (origin.from === 'lake' ? lake : folders).stat(origin.path)) === undefined) {
      throw new MusicFakerError('LAKE_NOT_FOUND', `${operands[0]} is not there`, { next: 'Check the path.' })
    }
    const progress = out.progress({ unit: 'lines' })
    const report = await importFiles({
      lake,
      folders,
      origin,
      root: lakeRoot(config.topic),
      acceptGap: options.acceptGap,
      signal,
      onRetry: (error) => out.say(`waiting: ${error.message}`),
      onProgress: (lines) => progress.update(lines),
    })
    progress.end()
    await out.result(report, () => {
      const { files, known, events, quarantined, lost } = report
      const more = [
        ...(quarantined > 0 ? [`${formatCounted(quarantined, 'line')} quarantined`] : []),
        ...(known > 0 ? [`${formatCount(known)} imported before`] : []),
        ...(lost > 0 ? [`${formatCounted(lost, 'line')} lost`] : []),
      ]
      return `imported ${formatCounted(events, 'event')} of ${formatCounted(files, 'file')}${more.map((one) => `; ${one}`).join('')}`
    })
  },
})
