import type { CompactReport } from '../../archive/compact.ts'
import { lakeRoot } from '../../archive/layout.ts'
import { command } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import { day } from '../parse.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'
import { WaitTalk } from '../wait-talk.ts'

export const compact = command({
  examples: ['compact --dry-run', 'compact', 'compact --day 2025-07-03 --json'],
  description:
    'Joins the small files that realtime commits leave, of each day and partition, into files of up to 128 MB. Each event stays in the lake once, with its offsets; in HDFS nothing is copied. Archivers that run do this by themselves for hours that are past, so this leaves their partitions to them.',
  options: {
    day: { value: 'YYYY-MM-DD', help: 'only the events of this day, UTC', parse: day },
    dryRun: { help: 'say what would be joined, and change nothing' },
  },
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, 'group'],
  async run({ config, out, signal, openLog, openLake }, { options }) {
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const log = await openLog()
    const progress = out.progress({ unit: 'files' })
    const waiting = new WaitTalk((line) => out.say(line))
    let files = 0
    const { compact: compactLake } = await import('../../archive/compact.ts')
    const report = await compactLake({
      ...{ lake, log, signal, root: lakeRoot(config.topic), group: config.group },
      dryRun: options.dryRun === true,
      ...(options.day !== undefined && { day: options.day }),
      onJoined: (_, joined) => {
        waiting.goesOn('compaction')
        files += joined.files
        progress.update(files)
      },
      onRetry: (error) => waiting.waits('compaction', error),
    })
    progress.end()
    await out.result(report, () => reportText(report))
  },
})

function reportText({ dryRun, partitions }: CompactReport): string {
  const sum = (name: 'joined' | 'into' | 'bytes') => partitions.reduce((total, of) => total + of[name], 0)
  const done = dryRun ? 'would be joined' : 'joined'
  return [
    sum('into') === 0
      ? 'no files are worth joining'
      : `${formatCount(sum('joined'))} files (${formatBytes(sum('bytes'))}) ${done} into ${formatCount(sum('into'))}`,
    ...partitions.flatMap(({ partition, left }) => left.map((why) => `partition ${partition}: ${why}`)),
  ].join('\n')
}
