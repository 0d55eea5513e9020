/** What an archiver says while it runs: a line per event that matters, and a bounded number of lines for commits. */
import type { ArchiveEvent, ArchiveSummary } from '../archive/archiver.ts'
import { quarantinedCount } from '../archive/record.ts'
import { formatBytes, formatCount, formatCounted, formatDuration, formatRate } from './format.ts'
import type { Output } from './output.ts'
import { withProgramName } from './program-name.ts'
import { WaitTalk } from './wait-talk.ts'

/** Commits beyond this in one second are only counted: at 10,000 commits a second a terminal would be the bottleneck. */
const COMMIT_LINES_PER_SECOND = 5
/** Who waits that is no partition: for contact with the group, or with the lake at the start. */
const ARCHIVER = 'archiver'

export class ArchiveTalk {
  readonly #out: Output
  readonly #commits: boolean
  readonly #waiting: WaitTalk
  #second = 0
  #shown = 0
  #untold = 0

  /** @param options.commits false leaves out the lines of commits */
  constructor(out: Output, options: { commits: boolean } = { commits: true }) {
    this.#out = out
    this.#commits = options.commits
    this.#waiting = new WaitTalk((line) => out.say(line))
  }

  /** To be given to `archive` as its `report`. */
  readonly report = (event: ArchiveEvent): void => {
    const alarm = alarmOf(event)
    if (alarm !== undefined) this.#out.complain(alarm)
    const line = this.#lineOf(event)
    if (line !== undefined) this.#out.say(line)
    this.#tellOfWaiting(event)
  }

  #tellOfWaiting(event: ArchiveEvent): void {
    if (event.kind === 'retrying') this.#waiting.waits(nameOf(event.partition), event.error)
    else if (event.kind === 'waiting') this.#waiting.waits(ARCHIVER, event.error)
    else if (event.kind === 'stopped' || event.kind === 'revoked') this.#waiting.ends(nameOf(event.partition))
    else if (event.kind === 'claimed' || event.kind === 'committed' || event.kind === 'gap') {
      this.#waiting.goesOn(nameOf(event.partition))
    }
    if (event.kind === 'resumed' || event.kind === 'claimed') this.#waiting.goesOn(ARCHIVER)
  }

  #lineOf(event: ArchiveEvent): string | undefined {
    switch (event.kind) {
      case 'claimed':
        return `partition ${event.partition}: reading from offset ${formatCount(event.next)} (fence ${event.fence})`
      case 'committed':
        return this.#commits ? this.#commitLine(event) : undefined
      case 'gap':
        return `partition ${event.partition}: offsets ${event.first} to ${event.next - 1} are gone from the log; the gap is recorded`
      case 'unfolded':
        return `partition ${event.partition}: its commit log cannot be folded, and grows: ${event.error.message}`
      case 'removed':
        return `partition ${event.partition}: ${formatCount(event.files)} files were kept long enough, and are removed`
      case 'sealed':
        return `day ${event.seal.day} is sealed: ${formatCount(event.seal.events)} events${event.seal.late > 0 ? `, ${formatCount(event.seal.late)} of them late` : ''}`
      case 'unjoined':
        return `partition ${event.partition}: small files stay as they are: ${event.error.message}`
      case 'unremoved':
        return `partition ${event.partition}: files stay that were kept long enough: ${event.error.message}`
      case 'unsealed':
        return `days cannot be sealed: ${event.error.message}`
      case 'revoked':
        return `partition ${event.partition}: no longer assigned to this archiver`
      default:
        return undefined
    }
  }

  #commitLine({ partition, record }: Extract<ArchiveEvent, { kind: 'committed' }>): string | undefined {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#shown = 0
    }
    if (this.#shown >= COMMIT_LINES_PER_SECOND) {
      this.#untold++
      return undefined
    }
    this.#shown++
    const bad = quarantinedCount(record)
    const parts = [
      `partition ${partition}: ${formatCounted(record.events, 'event')} committed, offsets ${record.first} to ${record.next - 1}`,
      ...(bad > 0 ? [`${formatCount(bad)} quarantined`] : []),
      ...(this.#untold > 0 ? [`after ${formatCount(this.#untold)} commits not shown`] : []),
    ]
    this.#untold = 0
    return parts.join(', ')
  }
}

function nameOf(partition: number): string {
  return `partition ${partition}`
}

/** What is said also with --quiet: this archiver goes on, so it may be the only sign of something that may have lost data. */
function alarmOf(event: ArchiveEvent): string | undefined {
  switch (event.kind) {
    case 'stopped': {
      const { message, code, next } = event.error
      return `partition ${event.partition} STOPPED: ${message} (${code})${next === undefined ? '' : `\n  next: ${withProgramName(next)}`}`
    }
    case 'missing':
      return `topic ${event.topic} is MISSING: it was deleted; waiting for it to be created again`
    case 'recreated':
      return `topic ${event.topic} is NOT THE ONE ARCHIVED BEFORE: it was deleted and created again, or this is another log; archiving it as a new lineage from its beginning`
    default:
      return undefined
  }
}

/** The closing lines of an archiver. */
export function archiveSummaryText(summary: ArchiveSummary): string {
  const rate = summary.seconds > 0 ? summary.events / summary.seconds : 0
  return [
    `archived ${formatCounted(summary.events, 'event')} (${formatBytes(summary.bytes)}) in ${formatCounted(summary.files, 'file')}, ${formatCounted(summary.commits, 'commit')}`,
    `${formatDuration(summary.seconds)}, ${formatRate(rate)}`,
    ...(summary.quarantined > 0 ? [`${formatCounted(summary.quarantined, 'message')} quarantined`] : []),
    ...(summary.gaps > 0 ? [`${formatCount(summary.gaps)} offsets recorded as gone`] : []),
    ...(summary.drained ? [] : ['messages may be left that were not archived in time; the next start reads them']),
  ].join('\n')
}
