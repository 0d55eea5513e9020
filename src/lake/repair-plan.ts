/**
 * From what `verify` found to what can be done about it. Reads the lake and the log, changes nothing: whatever is to be
 * made again is made once without keeping it, so that a plan holds only what is proven.
 */
import type { BatchRecord } from '../archive/record.ts'
import { mayHold } from './repair-compactions.ts'
import { Draft, LOST_FILE, LOST_RECORD, type Plan, type PlanOptions, UNREADABLE } from './repair-draft.ts'
import type { Range } from './repair-files.ts'
import { FilePlanner } from './repair-plan-files.ts'
import { planRecords } from './repair-plan-records.ts'
import type { Problem, ProblemKind } from './verify-report.ts'

const WHY: Partial<Record<ProblemKind, string>> = {
  checkpoint_corrupt: 'archivers replace it with their next one, from the checkpoint before it',
  record_unknown_format: 'use the version of music-faker that wrote this lake, or a newer one',
}
const NO_WAY = 'nothing in the lake or the log tells what it has been: restore it from a backup'

export async function plan(options: PlanOptions): Promise<Plan> {
  const draft = new Draft(options)
  const files = new FilePlanner(draft)
  await planRecords(draft)
  await files.planLost()
  await files.planPending()
  for (const problem of options.report.problems) await planOther(draft, files, problem)
  return { steps: draft.steps, left: draft.left }
}

async function planOther(draft: Draft, files: FilePlanner, problem: Problem): Promise<void> {
  const { kind, path, detail, record } = problem
  if (draft.replaced.has(path)) return
  if (kind === 'file_unpublished') {
    const named = (await draft.read(record!)) as BatchRecord | undefined
    if (!named) return draft.leaveUnnamed([problem])
    return files.planPublishing(named, named.files.find((file) => file.path === path)!, kind)
  }
  if (kind === 'file_stray') {
    if (draft.kept.has(path)) return
    const needed = mayBeNeeded(draft, path)
    if (needed) draft.left.push({ kind, path, why: needed.why, ...(needed.range && { offsets: needed.range }) })
    else draft.steps.push({ kind, action: 'set_aside', path, detail })
    return
  }
  if (kind === 'entry_unknown') {
    if ((await draft.of.lake.stat(path))?.kind === 'file') draft.steps.push({ kind, action: 'set_aside', path, detail })
    else draft.left.push({ kind, path, why: 'a folder: move it away yourself' })
    return
  }
  if (!LOST_RECORD.includes(kind) && !LOST_FILE.includes(kind))
    draft.left.push({ kind, path, why: WHY[kind] ?? NO_WAY })
}

/**
 * Why a file that no record names stays all the same: a record that cannot be understood may name it, files that are gone may
 * have been joined to it, or the log can no longer give its offsets, which no record covers.
 */
function mayBeNeeded(draft: Draft, path: string): { why: string; range?: Range } | undefined {
  const { root, report, holdings } = draft.of
  if (report.problems.some(({ kind }) => kind === 'record_unknown_format')) {
    return { why: 'a record of another version may name it' }
  }
  if (report.problems.some(({ kind }) => UNREADABLE.includes(kind))) {
    return { why: 'a checkpoint or manifest that cannot be read may name it' }
  }
  const stray = draft.strays.find((other) => other.path === path)
  if (!stray) return undefined
  const gone = draft.left.find(({ kind, path }) => kind === 'file_missing' && mayHold(root, stray, path))
  if (gone) return { why: `it may hold the lines of ${gone.path}, which is gone` }
  const { partition, first, next } = stray
  for (const { topicId, ...covered } of report.partitions) {
    if (covered.partition !== partition || first < covered.next || !holdings.isOf(topicId)) continue
    const range = { topicId, partition, first, next }
    const why = holdings.lacks(range)
    if (why) return { why, range }
  }
  return undefined
}
