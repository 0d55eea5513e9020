import type { VerifyReport } from '../lake/verify.ts'
import { escapeControls, formatBytes, formatCount } from './format.ts'
import { withProgramName } from './program-name.ts'

/** A verification as people read it: what was checked, then what is wrong, then the verdict. */
export function verifyReportText(report: VerifyReport): string {
  const lines = report.partitions.map(
    ({ topicId, partition, next, records }) =>
      `partition ${partition} of ${topicId}: offsets 0 to ${formatCount(next)}, ${formatCount(records)} records`,
  )
  lines.push(
    `${formatCount(report.events)} events, ${formatCount(report.quarantined)} quarantined, ${formatCount(report.files)} files, ${formatBytes(report.bytes)}`,
  )
  if (report.gaps > 0) lines.push(`${formatCount(report.gaps)} offsets were lost to retention and accepted as lost`)
  if (report.pending.length > 0) {
    lines.push(
      `${formatCount(report.pending.length)} files of the last commit wait to be published by the next archiver`,
    )
  }
  if (report.staged.files > 0) {
    lines.push(`${formatCount(report.staged.files)} files in staging, being written or left by a crash: no harm`)
  }
  if (report.aside.files > 0) {
    lines.push(`${formatCount(report.aside.files)} files set aside by repair, in _repair/aside: no harm`)
  }
  for (const { kind, path, detail } of report.problems)
    lines.push(`${kind}: ${escapeControls(path)}: ${escapeControls(detail)}`)
  if (report.problemCount > report.problems.length) {
    lines.push(`... and ${formatCount(report.problemCount - report.problems.length)} more`)
  }
  lines.push(
    report.ok
      ? `verified${howDeep(report)}: every offset once, nothing missing, nothing stray`
      : `NOT VERIFIED: ${formatCount(report.problemCount)} ${report.problemCount === 1 ? 'problem' : 'problems'}`,
  )
  if (!report.ok)
    lines.push(withProgramName(`what can be mended: music-faker repair${report.deep ? ' --deep' : ''} --dry-run`))
  return lines.join('\n')
}

function howDeep({ deep, read, files }: VerifyReport): string {
  if (!deep) return ''
  if (read.files >= files) return ' to the last byte'
  return `, ${formatCount(read.files)} of ${formatCount(files)} files to the last byte`
}
