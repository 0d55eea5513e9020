import { lakeRoot } from '../../archive/layout.ts'
import { ERRORS, MusicFakerError } from '../../errors.ts'
import type { VerifyProgress } from '../../lake/verify.ts'
import { command } from '../command.ts'
import { formatCounted } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import { day, share } from '../parse.ts'
import { withProgramName } from '../program-name.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export const verify = command({
  examples: ['verify', 'verify --deep', 'verify --deep --sample 1%'],
  description:
    'Proves from the lake alone that every offset is archived exactly once: the commit records tile the offsets, every file is there with its length, and no file is there that no record names. Exit code 65 when something is wrong.',
  options: {
    deep: { help: 'also read every file: checksum and number of lines' },
    sample: {
      value: 'PERCENT',
      help: 'with --deep: read this share of the files, such as 1%, others each time',
      parse: share,
    },
    from: {
      value: 'DAY',
      help: 'with --deep: read files of this UTC day and later; goes on where one was cut off',
      parse: day,
    },
  },
  settings: LAKE_SETTINGS,
  drains: true,
  async run({ config, out, signal, openLake }, { options }) {
    const { deep = false, sample, from } = options
    if (!deep && (sample ?? from) !== undefined) {
      throw new MusicFakerError('USAGE', '--sample and --from say which files are read, and none is without --deep', {
        next: 'Add --deep.',
      })
    }
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const progress = out.progress({ unit: 'files' })
    const { verify: verifyLake } = await import('../../lake/verify.ts')
    let last: VerifyProgress | undefined
    const report = await verifyLake({
      ...{ lake, signal, root: lakeRoot(config.topic), deep, sample, from },
      onProgress: (now) => {
        last = now
        progress.update(now.files)
      },
    }).finally(() => {
      if (deep && signal.aborted && last?.day !== undefined) out.say(goOn(last.day, last.problems))
    })
    progress.end()
    const { verifyReportText } = await import('../verify-report.ts')
    await out.result(report, () => verifyReportText(report))
    return report.ok ? 0 : ERRORS.VERIFY_FAILED.exit
  },
})

function goOn(from: string, problems: number): string {
  const found = problems === 0 ? 'in order' : `read, with ${formatCounted(problems, 'problem')}`
  return withProgramName(
    `files of days before ${from} are ${found}; to go on: music-faker verify --deep --from ${from}`,
  )
}
