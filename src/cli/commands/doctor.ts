import { ERRORS } from '../../errors.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { type Finding, inOrder } from '../doctor/finding.ts'
import { lakeSteps } from '../doctor/lake.ts'
import { logSteps } from '../doctor/log.ts'
import { clockStep, diskStep, nodeStep, portStep } from '../doctor/machine.ts'
import { formatCounted } from '../format.ts'
import type { Output } from '../output.ts'
import { withProgramName } from '../program-name.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

const MARKS = {
  ok: ['green', 'ok'],
  warning: ['yellow', 'warning'],
  failed: ['red', 'FAILED'],
  skipped: ['dim', 'skipped'],
} as const
const CHECK_WIDTH = 14
const MARK_WIDTH = 7
const UNREACHABLE = 69

export const doctor = command({
  examples: ['doctor', 'doctor --profile cluster', 'doctor --json'],
  description:
    'Writes to a topic of its own (TOPIC.doctor) and to a temporary folder. Exits 0 when all is well, 69 when the log or the lake cannot be reached, 1 when something else failed.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, 'host', 'port'],
  drains: true,
  async run(context) {
    const { out } = context
    const findings: Finding[] = []
    for await (const found of examine(context)) {
      const finding = found.next === undefined ? found : { ...found, next: withProgramName(found.next) }
      findings.push(finding)
      if (!out.json) await out.write(`${findingText(finding, out)}\n`)
    }
    const exitCode = exitCodeOf(findings)
    if (out.json) await out.result({ ok: exitCode === 0, profile: context.config.profile, checks: findings }, '')
    else out.say(summary(findings, context.config.profile))
    return exitCode
  },
})

async function* examine(context: Context): AsyncGenerator<Finding> {
  const { config, signal } = context
  for (const step of [nodeStep(), portStep(config), diskStep(config), clockStep(config)]) {
    yield* inOrder([step], signal)
  }
  yield* inOrder(logSteps(context), signal)
  yield* inOrder(lakeSteps(context), signal)
}

/** 69 goes before 1: what cannot be reached is to be mended first, and a caller may try again. */
export function exitCodeOf(findings: readonly Finding[]): number {
  const failed = findings.filter(({ verdict }) => verdict === 'failed')
  if (failed.length === 0) return 0
  return failed.some(({ code }) => code !== undefined && ERRORS[code].exit === UNREACHABLE) ? UNREACHABLE : 1
}

function findingText({ check, verdict, detail, next }: Finding, out: Output): string {
  const [style, mark] = MARKS[verdict]
  const line = `${out.paint(style, mark.padEnd(MARK_WIDTH))}  ${check.padEnd(CHECK_WIDTH)}  ${detail}`
  return next === undefined ? line : `${line}\n${' '.repeat(MARK_WIDTH)}  next: ${next}`
}

function summary(findings: readonly Finding[], profile: string): string {
  const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length
  const failed = count('failed')
  if (failed > 0) return `${failed} of ${findings.length} checks failed in the ${profile} profile`
  const warnings = count('warning')
  return `all is well in the ${profile} profile${warnings > 0 ? `, with ${formatCounted(warnings, 'warning')}` : ''}`
}
