import { ERRORS } from '../../errors.ts'
import { command } from '../command.ts'
import { formatDuration } from '../format.ts'
import { PROGRAM, withProgramName } from '../program-name.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

export const check = command({
  examples: ['check', 'check --profile cluster', 'check --json'],
  description:
    'Sends 300 events and one broken message through every stage, on a topic and a lake folder of its own (<topic>.check), and says of each stage whether it works. Exit code 69 when Kafka or HDFS cannot be reached, 1 or that of the error when a stage does not work for another reason.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, 'group'],
  drains: true,
  async run({ config, out, signal }) {
    const { selfTest } = await import('../../check.ts')
    out.say(`checking the ${config.profile} profile ...`)
    const verdicts = await selfTest({
      config,
      signal,
      onVerdict: ({ stage, ok, detail, seconds, next }) => {
        const mark = ok ? out.paintTalk('green', 'ok    ') : out.paintTalk('red', 'FAILED')
        out.say(`${mark}  ${stage.padEnd(9)}  ${detail} (${formatDuration(seconds)})`)
        if (next !== undefined) out.say(`        next: ${withProgramName(next)}`)
      },
    })
    const failed = verdicts.find(({ ok }) => !ok)
    const ok = failed === undefined
    await out.result(
      { ok, stages: verdicts },
      ok ? 'every stage works' : `not every stage works; try: ${PROGRAM} doctor`,
    )
    return ok ? 0 : ERRORS[failed.code ?? 'CHECK_FAILED'].exit
  },
})
