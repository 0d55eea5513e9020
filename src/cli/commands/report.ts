import { join } from 'node:path'
import { lakeRoot } from '../../archive/layout.ts'
import { command } from '../command.ts'
import { formatCounted } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import { day, text } from '../parse.ts'
import { LAKE_SETTINGS } from '../settings.ts'

const DEFAULT_FOLDER = 'report'

export const report = command({
  examples: ['report', 'report --day 2025-07-01 --to july-1', 'report --to /tmp/report --json'],
  description:
    'Writes report.html, one page with charts that needs no other file and no script, the numbers behind them as CSV files, and statistics.json. Of all of the lake it comes from the commit records, without reading an event; of one day the events are read.',
  options: {
    day: { value: 'DAY', help: 'of this UTC day only, such as 2025-07-01', parse: day },
    to: { value: 'DIR', help: `folder that takes the files (default ${DEFAULT_FOLDER})`, parse: text },
  },
  settings: LAKE_SETTINGS,
  async run({ config, out, signal, openLake }, { options }) {
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const folder = options.to ?? DEFAULT_FOLDER
    const progress = out.progress()
    const { writeReport } = await import('../../report/report.ts')
    const written = await writeReport({
      lake,
      signal,
      folder,
      root: lakeRoot(config.topic),
      day: options.day,
      now: Date.now(),
      onProgress: (events) => progress.update(events),
    })
    progress.end()
    await out.result(
      { folder, ...written },
      () =>
        `${join(folder, 'report.html')}: ${formatCounted(written.statistics.events, 'event')}; ${written.files.length - 1} tables beside it`,
    )
  },
})
