import { lakeRoot } from '../../archive/layout.ts'
import { ERRORS } from '../../errors.ts'
import { command } from '../command.ts'
import { requireTopic } from '../lake-paths.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export const verify = command({
  examples: ['verify', 'verify --deep', 'verify --deep --json'],
  description:
    'Proves from the lake alone that every offset is archived exactly once: the commit records tile the offsets, every file is there with its length, and no file is there that no record names. Exit code 65 when something is wrong.',
  options: {
    deep: { help: 'also read every file: checksum and number of lines' },
  },
  settings: LAKE_SETTINGS,
  async run({ config, out, signal, openLake }, { options }) {
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const progress = out.progress({ unit: 'files' })
    const { verify: verifyLake } = await import('../../lake/verify.ts')
    const report = await verifyLake({
      lake,
      signal,
      root: lakeRoot(config.topic),
      deep: options.deep === true,
      onProgress: ({ files }) => progress.update(files),
    })
    progress.end()
    const { verifyReportText } = await import('../verify-report.ts')
    await out.result(report, () => verifyReportText(report))
    return report.ok ? 0 : ERRORS.VERIFY_FAILED.exit
  },
})
