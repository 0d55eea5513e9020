import type { RepairReport, Step, Unrepaired } from '../lake/repair.ts'
import { escapeControls, formatCount } from './format.ts'

const DONE: Record<Step['action'], string> = {
  publish: 'published',
  set_aside: 'set aside',
  remake: 'made again',
  restore_records: 'record restored',
}

const PLANNED: Record<Step['action'], string> = {
  publish: 'to be published',
  set_aside: 'to be set aside',
  remake: 'to be made again',
  restore_records: 'record to be restored',
}

/** A step as people read it. */
export function stepText({ action, kind, path, detail }: Step, planned: boolean): string {
  return `${(planned ? PLANNED : DONE)[action]}: ${escapeControls(path)} (${kind}): ${escapeControls(detail)}`
}

/** A repair as people read it: what stays wrong, then what was done, then the verdict. */
export function repairReportText({ ok, dryRun, run, steps, left }: RepairReport): string {
  const lines = [...steps.map((step) => stepText(step, dryRun)), ...left.map(leftText)]
  if (run !== null)
    lines.push(`what was moved away is in _repair/aside/${run}, what was done in _repair/runs/${run}-done.json`)
  const [done, stays] = [formatCount(steps.length), formatCount(left.length)]
  if (ok && steps.length === 0) lines.push('nothing to repair')
  else if (dryRun) lines.push(`${done} to be repaired, ${stays} that cannot be; nothing was changed`)
  else lines.push(ok ? `repaired: ${done}, and nothing is wrong any more` : `NOT REPAIRED: ${stays}; repaired: ${done}`)
  return lines.join('\n')
}

function leftText({ kind, path, why, offsets }: Unrepaired): string {
  const at = offsets ? ` (offsets ${offsets.first} to ${offsets.next - 1} of partition ${offsets.partition})` : ''
  return `NOT REPAIRED: ${kind}: ${escapeControls(path)}${at}: ${escapeControls(why)}`
}
