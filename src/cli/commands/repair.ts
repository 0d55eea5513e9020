import { lakeRoot } from '../../archive/layout.ts'
import { ERRORS } from '../../errors.ts'
import { command } from '../command.ts'
import { requireTopic } from '../lake-paths.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

export const repair = command({
  examples: ['repair --dry-run', 'repair', 'repair --deep --json'],
  description:
    'Makes lost and damaged files again from the log, byte for byte as their commit records say, restores commit records that the records beside them and the log prove, publishes what is committed, and moves away what does not belong. Deletes nothing: what it takes away is in _repair/aside. What it cannot prove it leaves as it is, and names it. Archivers may go on meanwhile, and it may be cut off and run again. Exit code 65 when something stays wrong.',
  options: {
    deep: { help: 'find damage inside files as well, as verify --deep does: reads every file' },
    dryRun: { help: 'print what would be done, and change nothing' },
  },
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS],
  async run({ config, out, signal, openLog, openLake }, { options }) {
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const log = await openLog()
    const progress = out.progress({ unit: 'files' })
    const { repair: repairLake } = await import('../../lake/repair.ts')
    const { repairReportText, stepText } = await import('../repair-report.ts')
    const report = await repairLake({
      lake,
      log,
      signal,
      root: lakeRoot(config.topic),
      deep: options.deep === true,
      dryRun: options.dryRun === true,
      // A plan is told at the end, all of it: nothing is done meanwhile.
      onStep: (step) => options.dryRun || out.say(stepText(step, false)),
      onProgress: ({ files }) => progress.update(files),
    })
    progress.end()
    await out.result(report, () => repairReportText(report))
    return report.ok ? 0 : ERRORS.VERIFY_FAILED.exit
  },
})
