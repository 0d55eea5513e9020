import { lakeRoot } from '../../archive/layout.ts'
import { systemClock } from '../../clock.ts'
import { careOf } from '../../config.ts'
import { MusicFakerError } from '../../errors.ts'
import { command } from '../command.ts'
import { formatCount, formatCounted } from '../format.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export const importCommand = command({
  examples: ['import ./old/music_events', 'import hdfs:/music_events --profile cluster', 'import ./old --json'],
  description:
    "Takes batch_YYYYMMDD_HHMMSS.jsonl files, JSON lines, into the lake: events into the folder of their day, other lines into the quarantine, counted in all totals. Each file once, known by its content and name, however often it is run; a run that was cut off is finished by the next. Files within the topic's own folder in the lake are moved to _imports/taken afterwards, others are left alone. Days that are over are sealed, where no archiver has written to the lake.",
  operands: [{ name: 'PATH', help: 'file or folder of this machine, or hdfs:/PATH with the cluster profile' }],
  options: {
    acceptGap: { help: 'go on over listed files that are gone or changed, and record the gap' },
  },
  settings: [...LAKE_SETTINGS, 'lateness'],
  drains: true,
  async run({ config, out, signal, openLake }, { operands, options }) {
    const [{ openOrigin }, { importFiles }, { sealImported }] = await Promise.all([
      import('../../profiles.ts'),
      import('../../import/import.ts'),
      import('../../archive/seal.ts'),
    ])
    const { folders, origin, lakePathOf } = await openOrigin(config, operands[0] as string)
    const lake = await openLake()
    if ((await (origin.from === 'lake' ? lake : folders).stat(origin.path)) === undefined) {
      throw new MusicFakerError('LAKE_NOT_FOUND', `${operands[0]} is not there`, { next: 'Check the path.' })
    }
    const progress = out.progress({ unit: 'lines' })
    const onRetry = (error: MusicFakerError) => out.say(`waiting: ${error.message}`)
    const place = { lake, root: lakeRoot(config.topic), signal, onRetry }
    let committed = 0
    let sealed = 0
    const work = async () => {
      const done = await importFiles({
        ...{ ...place, folders, origin, lakePathOf, acceptGap: options.acceptGap },
        onProgress: (lines) => {
          committed = lines
          progress.update(lines)
        },
      })
      progress.end()
      const { latenessMs } = careOf(config)
      await sealImported({ ...place, latenessMs, clock: systemClock, onSealed: () => sealed++ })
      return done
    }
    const report = await work().catch(async (error) => {
      const text = () => `imported ${formatCounted(committed, 'line')}; stopped before the end: run it again to go on`
      if (signal.aborted) await out.result({ stopped: true, lines: committed }, text)
      throw error
    })
    await out.result({ ...report, sealed }, () => {
      const { files, known, events, quarantined, lost } = report
      if (files === 0) return `nothing to import: no file of ${operands[0]} is named batch_YYYYMMDD_HHMMSS.jsonl`
      const more = [
        ...(quarantined > 0 ? [`${formatCounted(quarantined, 'line')} quarantined`] : []),
        ...(known > 0 ? [`${formatCount(known)} imported before`] : []),
        ...(lost > 0 ? [`${formatCounted(lost, 'line')} lost`] : []),
        ...(sealed > 0 ? [`${formatCounted(sealed, 'day')} sealed`] : []),
      ]
      return `imported ${formatCounted(events, 'event')} of ${formatCounted(files, 'file')}${more.map((one) => `; ${one}`).join('')}`
    })
  },
})
